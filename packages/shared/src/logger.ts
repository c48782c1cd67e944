import { createRequire } from "node:module";
import { type DestinationStream, type Logger, pino } from "pino";
import type * as pinoPretty from "pino-pretty";

export type { Logger } from "pino";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

/** Fields that are never worth the risk of logging, wherever they sit in a logged object. */
const REDACTED_FIELDS = ["password", "token", "cookie", "authorization", "u-csrf-token", "sessionKey"];
/** A secret shorter than this would scrub ordinary words; such a one is guarded by its field's name only. */
const SCRUB_MIN_LENGTH = 4;

export interface LoggerOptions {
  readonly service: string;
  readonly level: (typeof LOG_LEVELS)[number];
  /** Values that must never appear in a log line; longer ones are scrubbed first. */
  readonly secrets: readonly string[];
  /** Where lines go; standard output unless a test gives something else. */
  readonly destination?: DestinationStream;
}

/** A pino logger: JSON a line, pretty on a terminal, secrets scrubbed from whole lines. */
export function createLogger(options: LoggerOptions): Logger {
  const scrubbed = options.secrets
    .filter((value) => value.length >= SCRUB_MIN_LENGTH)
    .flatMap((value) => {
      const escaped = JSON.stringify(value).slice(1, -1);
      return [value, escaped, encodeURIComponent(value)];
    })
    .sort((a, b) => b.length - a.length);
  const scrub = (line: string) =>
    scrubbed.reduce(
      (text, value) => (text.includes(value) ? text.replaceAll(value, "[secret]") : text),
      line,
    );
  const destination = options.destination ?? (process.stdout.isTTY ? forPeople() : pino.destination(1));
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: REDACTED_FIELDS.flatMap((field) => [`["${field}"]`, `*["${field}"]`]),
        censor: "[secret]",
      },
      hooks: { streamWrite: scrub },
    },
    destination,
  );
}

/** Loaded only where a person looks at a terminal: a service would carry a megabyte for nothing. */
function forPeople(): DestinationStream {
  const { build }: typeof pinoPretty = createRequire(import.meta.url)("pino-pretty");
  return build({ colorize: true, sync: true });
}
