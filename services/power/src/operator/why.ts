import { CONDITION_WORDS, reasonWords } from "@gpu-power-manager/shared/reason-words";
import type { Why as WhyShown } from "@gpu-power-manager/shared/why";
import type { Snapshot } from "../pool/decide/snapshot.ts";
import { explain, type ShownCondition } from "../pool/decide/why.ts";

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());

/** The explanation with words, for people and programs. @param actingInstance this power's name. */
export function whyOf(snapshot: Snapshot, now: number, actingInstance: string): WhyShown {
  const { decisions, start, stops, releases, nextAt } = explain(snapshot, now);
  const shown = ({ name, holds, value, from }: ShownCondition) => ({
    name,
    words: CONDITION_WORDS[name] ?? reasonWords(name),
    holds,
    value,
    from: iso(from),
  });
  return {
    at: new Date(now).toISOString(),
    asOf: new Date(now).toISOString(),
    actingInstance,
    decisions: decisions.map((decision) => ({
      kind: decision.kind,
      reason: decision.reason,
      words: reasonWords(decision.reason),
      instance: "instance" in decision ? decision.instance : null,
      until: "until" in decision ? iso(decision.until) : null,
    })),
    start: start.map(shown),
    stops: stops.map(({ instance, conditions }) => ({ instance, conditions: conditions.map(shown) })),
    releases: releases.map(({ instance, conditions }) => ({ instance, conditions: conditions.map(shown) })),
    nextAt: iso(nextAt),
  };
}
