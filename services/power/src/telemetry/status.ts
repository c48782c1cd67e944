import { formatDuration } from "@gpu-power-manager/shared/duration";
import type { Readiness } from "@gpu-power-manager/shared/http";
import { NATS_WORDS, type NatsState } from "@gpu-power-manager/shared/nats-health";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Facts, SessionState, SignedApiState } from "../console/driver.ts";
import type { SessionTimes } from "../console/session-times.ts";
import { type Demand, oldestPending, pendingJobs } from "../demand/demand.ts";
import { livingNeeds, shownNeed } from "../demand/needs.ts";
import { type Holder, LEASE_MS } from "../lease/lease-rules.ts";
import type { BudgetState } from "../policy/budget.ts";
import { isOurs, type OwnPlan } from "../pool/decide/planned-stop.ts";
import type { Fleet } from "../pool/fleet.ts";
import { uptimeMs } from "../pool/instance/running-time.ts";
import { cost, offCost, unpricedMs } from "../pool/instance/spending.ts";
import type { Member } from "../pool/member.ts";
import type { Reconciler } from "../pool/reconciler.ts";

/** A look older than this many of the longest regular pauses says nothing about now. */
const STALE_PAUSES = 4;

export interface StatusSource {
  readonly pool: string;
  readonly fleet: Fleet;
  readonly demand: Demand;
  readonly reconciler: Pick<Reconciler, "decisions" | "view">;
  readonly session: SessionState;
  readonly sessionTimes: SessionTimes;
  readonly signedApi: SignedApiState | undefined;
  readonly nats: NatsState;
  /** Whether this power holds the lease. */
  readonly leads: boolean;
  /** This power's name. */
  readonly name: string;
  readonly hold: PowerStatus["hold"];
  readonly budgets: readonly BudgetState[];
  readonly schedule: PowerStatus["schedule"];
  /** Who controls the console's page; null while power does. */
  readonly control: { readonly name: string; readonly since: number } | null;
  readonly listeningSince: number | null;
  readonly longestPauseMs: number;
  readonly now: number;
}

const iso = (at: number | null) => (at === null || at === 0 ? null : new Date(at).toISOString());

/** Everything a person asks first, in one document. */
export function statusOf(source: StatusSource): PowerStatus {
  const { demand, now } = source;
  const { askedWorkersAt, pathProvenAt } = source.reconciler.view;
  return {
    pool: source.pool,
    at: new Date(now).toISOString(),
    asOf: new Date(now).toISOString(),
    // Without the lease it tells what it has last seen, and another may act already.
    actingInstance: source.leads ? source.name : null,
    session: source.session,
    sessionBegunAt: iso(source.sessionTimes.begunAt),
    sessionEndsAt: iso(source.sessionTimes.endsAt),
    listeningSince: iso(source.listeningSince),
    gatewayAskedAt: iso(askedWorkersAt),
    pathProvenAt: iso(pathProvenAt),
    hold: source.hold,
    control: source.control && {
      by: source.control.name,
      since: new Date(source.control.since).toISOString(),
    },
    needs: livingNeeds(demand.needs, now).map(([id, need]) => shownNeed(id, need)),
    budgets: source.budgets.map((budget) =>
      shownBudget(budget, source.fleet.members[0]?.instance.currency ?? "?"),
    ),
    schedule: source.schedule,
    demand: {
      waitingJobs: pendingJobs(demand.waiting),
      oldestWaitingAt: iso(oldestPending(demand)),
      bootRequests: demand.boots.length,
      lastJobAt: iso(demand.lastJobAt),
      lastActivityAt: iso(demand.lastActivityAt),
      counts: demand.counts,
    },
    decisions: source.reconciler.decisions.map((decision) => ({
      kind: decision.kind,
      reason: decision.reason,
      ...("instance" in decision ? { instance: decision.instance } : {}),
    })),
    instances: source.fleet.members.map((member) => shownMember(member, now)),
  };
}

function shownMember(member: Member, now: number): PowerStatus["instances"][number] {
  const { instance, record, looks, forgotten } = member;
  const prices = member.prices(now);
  return {
    id: instance.id,
    providerId: instance.providerId,
    forgotten,
    state: looks.unknown === null ? record.state : "unknown",
    words: looks.unknown?.words ?? null,
    unknownReason: looks.unknown?.reason ?? null,
    since: iso(record.stateSince),
    observedAt: iso(looks.askedAt),
    comparedAt: iso(looks.comparedAt),
    runningSince: iso(record.runningSince),
    uptimeSeconds: uptimeMs(record) / 1_000,
    cost: cost(record),
    unpricedSeconds: unpricedMs(record) / 1_000,
    offCost: offCost(record),
    pricePerHour: prices.running,
    offPricePerHour: prices.off,
    currency: instance.currency,
    attempt:
      record.attempt === null
        ? null
        : {
            action: record.attempt.action,
            attemptId: record.attempt.attemptId,
            at: iso(record.attempt.at),
            sentAt: iso(record.attempt.sentAt),
            lane: record.attempt.lane,
          },
    failures: record.failures,
    restUntil: record.restUntil > now ? iso(record.restUntil) : null,
    restReason: record.restUntil > now ? record.restReason : null,
    deadMansSwitch:
      record.plan === null
        ? null
        : {
            stopsAt: iso(record.plan.at),
            renewedAt: iso(record.plan.renewedAt),
            failedSince: iso(record.plan.failedSince),
            words: record.plan.words,
          },
    provider: looks.facts === null ? null : shownFacts(looks.facts, record.plan),
  };
}

function shownBudget(state: BudgetState, currency: string): PowerStatus["budgets"][number] {
  const { period, amount, warnAt, whenSpent, spent, unpricedMs, from, until, countedSince, goneAt } = state;
  const at = (time: number) => new Date(time).toISOString();
  return {
    ...{ period, amount, warnAt, whenSpent, spent, currency },
    left: Math.max(0, amount - spent),
    from: at(from),
    until: at(until),
    countedSince: at(countedSince),
    unpricedSeconds: unpricedMs / 1_000,
    goneAt: iso(goneAt),
  };
}

function shownFacts(facts: Facts, plan: OwnPlan | null): PowerStatus["instances"][number]["provider"] {
  return {
    at: new Date(facts.askedAt).toISOString(),
    gpuUsage: facts.gpuUsage ?? null,
    cpuUsage: facts.cpuUsage ?? null,
    withoutGpu: facts.withoutGpu ?? null,
    available: facts.available ?? null,
    pricePerHour: facts.pricePerHour ?? null,
    offPricePerHour: facts.offPricePerHour ?? null,
    releaseAt: iso(facts.releaseAt ?? null),
    expiresAt: iso(facts.expiresAt ?? null),
    renews: facts.renews ?? null,
    plannedStopAt: iso(facts.plannedStopAt ?? null),
    plannedByPower: facts.plannedStopAt !== undefined && isOurs(plan, facts.plannedStopAt),
  };
}

/** The lease, as far as readiness tells of it. */
export interface LeaseView {
  readonly held: boolean;
  readonly other: Holder | null;
}

/**
 * What is waited for. A standby that can see the lease does all that it is there for, so it is ready.
 * @param lease undefined until NATS was there for the first time.
 */
export function standbyReadiness(nats: NatsState, lease: LeaseView | undefined): Readiness {
  const not = (words: string): Readiness => ({ ready: false, words, details: { nats } });
  if (nats !== "connected") {
    const { what, remedy } = NATS_WORDS[nats];
    return not(`Waiting for NATS: ${what}. ${remedy}`);
  }
  if (lease === undefined) return not("Connected to NATS; its streams and state are being opened.");
  if (lease.held) return not("The pool is being opened.");
  const { other } = lease;
  if (other === null) return not("The lease is being looked at.");
  const since = other.since === "" ? "may hold the lease" : `has held the lease since ${other.since}`;
  const words =
    `Standing by: ${other.name} ${since}; ` +
    `this power takes over when it has been silent for ${formatDuration(LEASE_MS)}.`;
  return { ready: true, words, details: { nats } };
}

/** Ready when the signed API answers or the console is logged in, every instance has been observed not long ago, and NATS is there. */
export function readinessOf(source: StatusSource): Readiness {
  const details = { nats: source.nats };
  const not = (words: string): Readiness => ({ ready: false, words, details });
  if (source.nats !== "connected") {
    const { what, remedy } = NATS_WORDS[source.nats];
    return not(`${what}. Job events wait there, and nothing is started or stopped. ${remedy}`);
  }
  if (!source.leads) {
    return not("The lease cannot be renewed, so another power may act; look at NATS and at the other power.");
  }
  const signed = source.signedApi === "answering";
  if (source.session === "login_required" && !signed) {
    return not(
      "The console asks for a login. Log in by hand with HEADLESS=false, or configure the console's user.",
    );
  }
  const limit = source.now - STALE_PAUSES * source.longestPauseMs;
  for (const { instance, looks } of source.fleet.listed) {
    if (looks.unknown !== null) return not(`The state of ${instance.id} is unknown: ${looks.unknown.words}`);
    if (looks.askedAt === null || looks.askedAt < limit) {
      return not(`${instance.id} has not been observed for long; look at the log for the console's errors.`);
    }
  }
  if (source.fleet.members.length === 0) return not("The pool is being opened.");
  if (source.session !== "logged_in" && !signed) return not("The console's session is not known yet.");
  const words = [
    signed
      ? "The provider's signed API answers and every machine is observed."
      : "The console is logged in and every machine is observed.",
  ];
  for (const { instance, forgotten } of source.fleet.members) {
    if (forgotten)
      words.push(
        `${instance.id} (${instance.providerId}) is on, and the pool file lists it no more: it is stopped when it is idle.`,
      );
  }
  return { ready: true, words: words.join(" "), details };
}
