/** How arguments that several commands take are read. */
import { parseDuration } from "@gpu-power-manager/shared/duration";
import { type Command, InvalidArgumentError } from "commander";
import { actorName } from "../session.ts";

/** @throws InvalidArgumentError, which commander tells. */
export function milliseconds(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("It must be a duration such as 90s, 15m or 2h.");
  return ms;
}

/** As it was written, once it is known to be a duration. @throws InvalidArgumentError, which commander tells. */
export function duration(text: string): string {
  milliseconds(text);
  return text;
}

/** @throws InvalidArgumentError, which commander tells. */
export function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be a whole number above 0.");
  return value;
}

/** Adds the reason that every change needs. */
export const acting = (each: Command) =>
  each.requiredOption("--reason <words>", "why; it is kept in history");

/** Who changes something, and why. */
export const because = ({ reason }: { readonly reason: string }) => ({
  reason,
  actor: actorName(process.env),
});
