/**
 * Errors that callers tell apart, named by what the caller does about them. Everything else is a plain
 * `Error` with a `cause`.
 */
abstract class CodedError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** Passes by itself: wait and try again. */
export class Transient extends CodedError {}

/** Will not pass by itself and needs no person either: give this attempt up. */
export class Fatal extends CodedError {}

/** Only a person can mend it (a login, a configuration): report it and wait. */
export class NeedsHuman extends CodedError {}

/** A configuration that cannot be used; `problems` names every mistake, one clear line each. */
export class ConfigError extends CodedError {
  readonly problems: readonly string[];
  constructor(what: string, problems: readonly string[]) {
    super("config", `${what} cannot be used:\n${problems.map((line) => `  - ${line}`).join("\n")}`);
    this.problems = problems;
  }
}

/** What a NATS server said itself, "no space left on device" for one: its client's message may be only a number. */
function saidByNats(error: Error): string {
  if (!("api_error" in error) || typeof error.api_error !== "object" || error.api_error === null) return "";
  const { api_error: said } = error;
  if (!("description" in said) || typeof said.description !== "string") return "";
  return error.message.includes(said.description) ? "" : `: ${said.description}`;
}

/** A short text for a log field or a report, whatever was thrown. */
export function describeError(error: unknown): string {
  if (error instanceof Error) {
    const cause = error.cause === undefined ? "" : ` (${describeError(error.cause)})`;
    return `${error.message}${saidByNats(error)}${cause}`;
  }
  return String(error);
}
