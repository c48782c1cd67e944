/** Whether two witnesses tell the same of a machine, where no page is looked at. Pure. */
import type { Sighting } from "../console/driver.ts";
import { type Entry, unknown } from "../console/interpret.ts";

/** What came of two words on one machine. */
export interface Agreement {
  readonly sighting: Sighting;
  /** The two were heard, and do not fit. */
  readonly disagree: boolean;
}

const agreed = (sighting: Sighting): Agreement => ({ sighting, disagree: false });

/** One answer of the signed API, as far as it tells of one machine. */
export interface Answered {
  readonly sighting: Sighting;
  /** Absent where the list does not hold the machine. */
  readonly entry?: Entry;
}

/**
 * Two answers of the signed API, one a while after the other.
 * @param times fields of an entry that change only when the machine is started or stopped.
 */
export function agreementOfTwo(first: Answered, second: Answered, times: readonly string[]): Agreement {
  const { sighting } = second;
  if (sighting.state === "unknown") return agreed(sighting);
  if (first.sighting.state !== sighting.state) {
    const words = `Of two answers one after the other the first says ${first.sighting.state}, the second ${sighting.state}.`;
    return { sighting: unknown("witnesses_disagree", words, sighting), disagree: true };
  }
  const moved = times.find((name) => {
    const [before, after] = [first.entry?.[name], second.entry?.[name]];
    return before !== undefined && after !== undefined && before !== after;
  });
  if (moved === undefined) return agreed(sighting);
  const words = `Two answers one after the other say ${sighting.state}, with another ${moved}.`;
  return { sighting: unknown("witnesses_disagree", words, sighting), disagree: true };
}

/**
 * The signed API, asked before and after the page's API, so that a change in between is a transition and not a
 * disagreement.
 */
export function agreementWithSession(before: Sighting, session: Sighting, after: Sighting): Agreement {
  if (after.state === "unknown") return agreed(after);
  if (session.state === after.state || (session.state !== "unknown" && session.state === before.state))
    return agreed(after);
  // It speaks of the machine as of one that is on its way to nobody knows what: a doubt, no other word.
  if (session.state === "unknown" && session.reason !== "not_in_list")
    return agreed(unknown(session.reason, session.words, after));
  const other = session.state === "unknown" ? "does not list the machine" : `says ${session.state}`;
  const words = `The signed API says ${after.state}, the API of the page ${other}.`;
  return { sighting: unknown("witnesses_disagree", words, after), disagree: true };
}
