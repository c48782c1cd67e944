import { describeError } from "@gpu-power-manager/shared/errors";

/** Playwright's errors carry a call log; their first line says what happened. */
export function firstLine(error: unknown): string {
  return describeError(error).split("\n")[0] ?? "";
}
