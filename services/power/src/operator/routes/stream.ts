/** `GET /events`: server-sent events, for gpuctl watch and the page. */

import type { PowerStatus } from "@gpu-power-manager/shared/status";
import { type RequestHandler, Router } from "express";
import { mayStay } from "../doorkeeper.ts";
import type { Feed } from "../feed.ts";
import { ApiError } from "../problems.ts";

/** A proxy closes a connection that stays silent for a minute or so. */
const HEARTBEAT_MS = 15_000;
/** A change of the status is told at most this often. */
const STATUS_EVERY_MS = 250;
/** Each costs memory and a socket; more than these is a loop that forgot to close. */
const MAX_STREAMS = 50;
/** A reader that lags behind by this much is cut off; it comes again and reads the status. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

export interface StreamParts {
  readonly feed: Feed;
  readonly status: () => PowerStatus | { readonly words: string };
  /** Ends all streams. */
  readonly signal: AbortSignal;
}

/**
 * `event: status` with the whole status at first and at each change; `event: history` with each entry; `event: job` with
 * each job that has come into demand.
 */
export function streamRoutes({ feed, status, signal }: StreamParts): Router {
  const stream: RequestHandler = (request, response) => {
    if (feed.watched >= MAX_STREAMS)
      throw new ApiError("too_many_streams", `At most ${MAX_STREAMS} at a time; close some.`);
    response.set({
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store",
      "X-Accel-Buffering": "no",
    });
    response.flushHeaders();
    const send = (event: string, data: unknown) => {
      if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
      else response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    let last = "";
    const sendStatus = () => {
      const known = status();
      // The times of asking and telling change always; a watcher wants to know of what else did.
      const text = JSON.stringify({ ...known, at: undefined, asOf: undefined });
      if (text !== last) send("status", known);
      last = text;
    };
    let due: NodeJS.Timeout | undefined;
    const unwatch = feed.watch((event, data) => {
      if (event !== "status") send(event, data);
      else
        due ??= setTimeout(() => {
          due = undefined;
          sendStatus();
        }, STATUS_EVERY_MS);
    });
    const end = () => response.end();
    const heartbeat = setInterval(() => {
      if (mayStay(request)) response.write(": alive\n\n");
      else end();
    }, HEARTBEAT_MS);
    signal.addEventListener("abort", end, { once: true });
    request.on("close", () => {
      clearInterval(heartbeat);
      clearTimeout(due);
      unwatch();
      signal.removeEventListener("abort", end);
    });
    sendStatus();
  };
  return Router().get("/events", stream);
}
