/** What the log says of a link. */
import type { Again, CloseReason } from "./session.ts";

export function wordsOfLoss(reason: CloseReason): string {
  return reason === "connect_failed" || reason === "connect_timeout"
    ? "The gateway cannot be reached; trying again. Check DSP_URL and that the gateway runs"
    : "The gateway's connection is lost; connecting again";
}

/** Undefined where there is nothing to say. */
export function wordsOfAgain(again: Again): string | undefined {
  switch (again) {
    case "untried":
    case "answered":
      return undefined;
    case "unanswered":
      return "The gateway does not answer a registration that is said again; it is pinged instead, and a registration that gets lost is noticed by the probe";
    case "refused":
      return "The gateway closes on a registration that is said again; it is pinged instead, and a registration that gets lost is noticed by the probe";
  }
}
