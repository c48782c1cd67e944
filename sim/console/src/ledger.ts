import type { Lane } from "./lane.ts";

export type Verb = "start" | "stop" | "reboot" | "reinstall" | "delete";
/** `broken`: a fault of the stand-in answered instead of the provider, and nothing happened. */
export type Outcome = "accepted" | "refused" | "broken";

/** One action request, as it arrived. */
export interface ActionRecord {
  readonly verb: Verb;
  /** Empty when the request named none. */
  readonly uHostId: string;
  readonly lane: Lane;
  /** Epoch milliseconds of the request's headers, with fractions. */
  readonly atMs: number;
  readonly outcome: Outcome;
  readonly retCode: number | null;
  readonly origin: string | null;
  readonly userAgent: string | null;
}

export interface Tally {
  readonly uHostId: string;
  readonly verb: Verb;
  readonly lane: Lane;
  readonly accepted: number;
  readonly refused: number;
  readonly broken: number;
}

/** Counts what reached the stand-in, so that a test can say what really was asked of the provider. */
export class Ledger {
  readonly describes: Record<Lane, number> = { page: 0, api: 0, unclear: 0, signed: 0 };
  pageLoads = 0;
  loginPageLoads = 0;
  logins = 0;
  /** How each slide at the login page was judged. */
  readonly slides: string[] = [];
  /** Codes that were sent, to which phone. */
  readonly phones: Array<{ readonly phone: string; readonly code: string }> = [];
  #actions: ActionRecord[] = [];

  get actions(): readonly ActionRecord[] {
    return this.#actions;
  }

  record(action: ActionRecord): void {
    this.#actions.push(action);
  }

  /** One line for each machine, verb and lane that occurred. */
  tallies(): Tally[] {
    const groups = Map.groupBy(this.#actions, (a) => `${a.uHostId}\n${a.verb}\n${a.lane}`);
    return [...groups.values()].flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const count = (outcome: Outcome) => group.filter((a) => a.outcome === outcome).length;
      return {
        uHostId: first.uHostId,
        verb: first.verb,
        lane: first.lane,
        accepted: count("accepted"),
        refused: count("refused"),
        broken: count("broken"),
      };
    });
  }
}
