/** What power says of one machine that is off and has nothing to do, for tests that change a part of it. */
import type { Diagnosis } from "@gpu-power-manager/shared/diagnosis";
import type { PowerStatus } from "@gpu-power-manager/shared/status";

type Machine = PowerStatus["instances"][number];

/** @param at when it was told, as a date and time of ISO 8601. */
export function machineAt(at: string, changes: Partial<Machine> = {}): Machine {
  return {
    id: "gpu-1",
    providerId: "uhost-1",
    forgotten: false,
    state: "stopped",
    words: null,
    unknownReason: null,
    since: at,
    observedAt: at,
    comparedAt: at,
    runningSince: null,
    uptimeSeconds: 0,
    cost: 0,
    unpricedSeconds: 0,
    offCost: null,
    pricePerHour: null,
    offPricePerHour: null,
    currency: "CNY",
    attempt: null,
    failures: 0,
    restUntil: null,
    restReason: null,
    deadMansSwitch: null,
    provider: null,
    ...changes,
  };
}

/** @param at when it was told, as a date and time of ISO 8601. */
export function statusAt(at: string, changes: Partial<PowerStatus> = {}): PowerStatus {
  return {
    pool: "default",
    at,
    actingInstance: "host-1:7",
    asOf: at,
    session: "logged_in",
    sessionBegunAt: null,
    sessionEndsAt: null,
    listeningSince: at,
    gatewayAskedAt: null,
    pathProvenAt: null,
    hold: null,
    control: null,
    needs: [],
    budgets: [],
    schedule: null,
    demand: {
      waitingJobs: 0,
      oldestWaitingAt: null,
      bootRequests: 0,
      lastJobAt: null,
      lastActivityAt: null,
      counts: {},
    },
    decisions: [],
    instances: [machineAt(at)],
    ...changes,
  };
}

/** Power alone, with a NATS that answers and no listener. @param at when it was told, as a date and time of ISO 8601. */
export function diagnosisAt(at: string, changes: Partial<Diagnosis> = {}): Diagnosis {
  return {
    at,
    node: "v24.0.0",
    version: null,
    uptimeSeconds: 60,
    memory: null,
    readiness: { ready: true, words: "fine" },
    leads: true,
    otherPower: null,
    listeners: [],
    nats: {
      state: "connected",
      server: "2.11.11",
      roundTripMs: 1,
      aheadSeconds: 0,
      streams: [],
      missing: [],
      consumer: null,
    },
    selectors: null,
    selectorsWords: null,
    ...changes,
  };
}
