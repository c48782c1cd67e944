/** Exit codes, for scripts. */
export const EXIT = { fine: 0, wrong: 1, usage: 2, unreachable: 3 } as const;

/** Ends a command with words for a person and an exit code for a script. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
