/**
 * How what is known of an instance moves on with each look: the durable record, and what this process remembers of its
 * looks. Pure values in, values out; times are milliseconds since 1970 on this process's clock.
 */
import type { InstanceState } from "@gpu-power-manager/shared/events";
import type { Instance, Policy } from "../pool.ts";
import { disown, type Ended, judge } from "./attempt.ts";
import type { Look, Looks } from "./looks.ts";
import type { InstanceRecord } from "./record.ts";
import { account, unseenBefore } from "./running-time.ts";
import { pricesOf, pricesTold } from "./spending.ts";

/** What a look or an answer brought to light. */
export interface Progress {
  readonly record: InstanceRecord;
  readonly looks: Looks;
  readonly changed: { readonly from: InstanceState; readonly to: InstanceState } | null;
  /** For how long before this look nobody saw it; null where that was no time to speak of. */
  readonly unseen: { readonly from: number; readonly to: number } | null;
  readonly ended: Ended | null;
}

/**
 * Durable, so that a power that comes after this one in a quiet second of a long computation knows of it, too. It counts
 * even where the state is in doubt.
 */
function busyness(
  record: InstanceRecord,
  { sighting, facts, answeredAt }: Look,
  policy: Policy,
): InstanceRecord {
  if (sighting.state === "stopped")
    return record.gpuBusyAt === null ? record : { ...record, gpuBusyAt: null };
  if (facts?.gpuUsage === undefined || facts.gpuUsage <= policy.busyAbove) return record;
  return { ...record, gpuBusyAt: answeredAt };
}

/** An answer that does not tell of stock is no answer to that; none at all leaves what was told before. */
function soldOutSince(before: Looks, { facts }: Look): number | null {
  if (facts === null) return before.soldOutSince;
  return facts.available === false ? (before.soldOutSince ?? facts.askedAt) : null;
}

/** Takes a look's answer in. */
export function afterLook(
  record: InstanceRecord,
  looks: Looks,
  look: Look,
  policy: Policy,
  instance: Pick<Instance, "pricePerHour" | "currency">,
  /** The call of the current attempt has not returned yet, so its lack of effect says nothing. */
  calling: boolean,
): Progress {
  const { sighting } = look;
  const told = { ...pricesTold(looks, look.facts), soldOutSince: soldOutSince(looks, look) };
  const nextLooks: Looks =
    sighting.state === "unknown"
      ? {
          askedAt: look.askedAt,
          unknown: { reason: sighting.reason, words: sighting.words },
          apiState: sighting.api ?? null,
          unknownLooks: looks.unknownLooks + 1,
          comparedAt: null,
          offAt: looks.offAt,
          facts: look.facts ?? looks.facts,
          ...told,
        }
      : {
          askedAt: look.askedAt,
          unknown: null,
          apiState: sighting.state,
          unknownLooks: 0,
          comparedAt: look.compared
            ? look.answeredAt
            : sighting.state === record.state
              ? looks.comparedAt
              : null,
          offAt: sighting.state === "running" ? looks.offAt : look.askedAt,
          facts: look.facts ?? looks.facts,
          ...told,
        };
  let next = busyness(record, look, policy);
  let changed: Progress["changed"] = null;
  const unseen = sighting.state === "unknown" ? null : unseenBefore(record, look);
  if (sighting.state !== "unknown") {
    const prices = pricesOf(instance, told, look.answeredAt);
    next = account(next, sighting.state, look, prices, looks.offAt);
    if (sighting.state !== record.state) {
      changed = { from: record.state, to: sighting.state };
      next = { ...next, state: sighting.state, stateSince: look.answeredAt };
    }
  }
  const judged = judge(next, sighting.state, look, policy, calling);
  return {
    record: sighting.state === "stopped" ? disown(judged.record) : judged.record,
    looks: nextLooks,
    changed,
    unseen,
    ended: judged.ended,
  };
}
