import { z } from "zod";

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

function isUnit(text: string | undefined): text is keyof typeof UNIT_MS {
  return text !== undefined && text in UNIT_MS;
}

/** Reads `250ms`, `30s`, `5m`, `2h` or `1d` as milliseconds; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = PATTERN.exec(text.trim());
  const unit = match?.[2];
  if (match === null || !isUnit(unit)) return undefined;
  return Math.round(Number(match[1]) * UNIT_MS[unit]);
}

/** A duration as people write it (`30m`), in milliseconds once parsed. */
export const Duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === undefined) {
    context.addIssue(`must be a duration such as 250ms, 30s, 5m, 2h or 1d, not "${text}"`);
    return z.NEVER;
  }
  return ms;
});

/** Milliseconds as people read them: `850 ms`, `2.4 s`, `1 m 30 s`, `3 h 5 m`. */
export function formatDuration(ms: number): string {
  // Rounded before it is cut into units, or 59.99 s would be "60.0 s", and 299.99 s "4 m 60 s".
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  if (Math.round(ms / 100) < 600) return `${(ms / 1_000).toFixed(1)} s`;
  const all = Math.round(ms / 1_000);
  const minutes = Math.floor(all / 60);
  if (minutes < 60) {
    const seconds = all % 60;
    return seconds === 0 ? `${minutes} m` : `${minutes} m ${seconds} s`;
  }
  return `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}
