import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Bus, openBus } from "@gpu-power-manager/shared/bus";
import {
  budgetSubject,
  type DayReport,
  dayReportSubject,
  gapSubject,
  historySubject,
  loginSubject,
  type OperatorEntry,
  operatorSubject,
} from "@gpu-power-manager/shared/history-entries";
import { type Happening, HISTORY_KINDS, HistoryQuery } from "@gpu-power-manager/shared/history-page";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { startGuardedNats } from "../../../../tests/harness/guarded-nats.ts";
import { readHistory } from "./history.ts";
import { ApiError } from "./problems.ts";

/** A server with the users of the shipped configuration: what power may not ask of it, it does not answer. */
async function openGuarded(t: TestContext) {
  const nats = await startGuardedNats();
  const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
  const stop = new AbortController();
  const bus = await openBus(
    { NATS_URL: nats.urls(0), ...nats.loginOf("power"), NATS_REPLICAS: 1 },
    "history-test",
    { health: new NatsHealth(logger), bucket: "gpu_power", logger, signal: stop.signal },
  );
  t.after(async () => {
    await bus.close();
    await nats.stop();
  });
  return { nats, bus };
}

const REPORT: DayReport = {
  day: "1970-01-01",
  hours: [],
  cost: null,
  currency: null,
  alwaysOnCost: null,
  saved: null,
  jobs: null,
  waited: { times: 0, medianSeconds: null, worstSeconds: null },
  starts: {},
  failedStarts: 0,
  gaps: { count: 0, seconds: 0, missedAndRecovered: 0 },
  unknown: [],
};

const hold = (at: number, more: Partial<OperatorEntry> = {}): OperatorEntry => ({
  kind: "operator",
  pool: "default",
  at,
  action: "hold",
  token: "operator",
  address: "127.0.0.1",
  reason: `hold ${at}`,
  forced: false,
  outcome: "done",
  ...more,
});

async function tell(bus: Bus, entry: Happening): Promise<void> {
  await bus.js.publish(subjectFor(entry), JSON.stringify(entry));
}

function subjectFor(entry: Happening): string {
  switch (entry.kind) {
    case "gap":
      return gapSubject(entry);
    case "login":
      return loginSubject(entry);
    case "operator":
      return operatorSubject(entry);
    case "budget":
      return budgetSubject(entry);
    case "report":
      return dayReportSubject(entry);
    default:
      return historySubject(entry);
  }
}

test("power's user may read history with the permissions that are shipped", async (t) => {
  const { bus } = await openGuarded(t);
  for (let at = 1; at <= 5; at += 1) await tell(bus, hold(at));
  // What nobody can read hides nothing else.
  await bus.js.publish("gpu.history.default.operator", "no JSON");
  const first = await readHistory(bus, "default", HistoryQuery.parse({ limit: "3" }));
  assert.deepEqual(
    first.entries.map(({ sequence }) => sequence),
    [5, 4, 3],
  );
  const rest = await readHistory(bus, "default", HistoryQuery.parse({ before: String(first.next) }));
  assert.deepEqual([rest.entries.map(({ sequence }) => sequence), rest.next], [[2, 1], null]);
  assert.deepEqual(await readHistory(bus, "other", HistoryQuery.parse({})), { entries: [], next: null });
});

test("history is filtered by kind, machine and time; each kind finds its own and nothing else", async (t) => {
  const { bus } = await openGuarded(t);
  const of = (instance: string, at: number) => ({ pool: "default", instance, at });
  const start = { attemptId: "a", action: "start" } as const;
  const entries: Happening[] = [
    { kind: "intent", ...of("gpu-1", 1), ...start, reason: "job_waiting" },
    { kind: "outcome", ...of("gpu-1", 2), ...start, outcome: "succeeded" },
    { kind: "state", ...of("gpu-2", 3), from: "stopped", to: "running", reason: "observed" },
    {
      kind: "gap",
      pool: "default",
      listener: "l",
      from: 1,
      to: 4,
      cause: "disconnected",
      covered: false,
      recovered: 0,
    },
    { kind: "login", pool: "default", at: 5, event: "by_itself" },
    hold(6),
    hold(7, { action: "resume" }),
    hold(8, { action: "need" }),
    hold(9, { action: "end_need" }),
    hold(10, { action: "stop", instance: "gpu-1" }),
    { kind: "intent", ...of("gpu-2", 11), ...start, reason: "job_waiting" },
    { kind: "worker", ...of("gpu-2", 12), ms: 1_000 },
    { kind: "served", ...of("gpu-2", 13), jobs: 2, oldestMs: 60_000 },
    { kind: "report", pool: "default", at: 14, ...REPORT },
    {
      kind: "budget",
      pool: "default",
      at: 15,
      period: "day",
      level: "spent",
      amount: 1,
      spent: 2,
      until: 20,
    },
  ];
  for (const entry of entries) await tell(bus, entry);
  const found = async (query: Record<string, string>) => {
    const page = await readHistory(bus, "default", HistoryQuery.parse(query));
    return page.entries.map(({ sequence }) => sequence);
  };
  const cases: ReadonlyArray<readonly [Record<string, string>, readonly number[]]> = [
    [{}, [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]],
    [{ kind: "attempt" }, [11, 2, 1]],
    [{ kind: "intent" }, [11, 1]],
    [{ kind: "outcome" }, [2]],
    [{ kind: "state" }, [3]],
    [{ kind: "worker" }, [12]],
    [{ kind: "served" }, [13]],
    [{ kind: "report" }, [14]],
    [{ kind: "budget" }, [15]],
    [{ kind: "gap" }, [4]],
    [{ kind: "login" }, [5]],
    [{ kind: "hold" }, [7, 6]],
    [{ kind: "need" }, [9, 8]],
    [{ kind: "operator" }, [10, 9, 8, 7, 6]],
    [{ instance: "gpu-1" }, [10, 2, 1]],
    [{ kind: "operator", instance: "gpu-1" }, [10]],
    [{ kind: "attempt", instance: "gpu-2" }, [11]],
    [{ kind: "hold", instance: "gpu-1" }, []],
    [{ kind: "attempt", since: new Date(2).toISOString(), until: new Date(10).toISOString() }, [2]],
    [{ since: new Date(10).toISOString() }, [15, 14, 13, 12, 11, 10]],
  ];
  for (const [query, expected] of cases)
    assert.deepEqual(await found(query), expected, JSON.stringify(query));
  const asked = new Set(cases.map(([{ kind }]) => kind).filter((kind) => kind !== undefined));
  assert.deepEqual([...asked].sort(), [...HISTORY_KINDS].sort(), "no kind is left out");
});

test("a history into which nothing ever came is empty, and no error", async (t) => {
  const { bus } = await openGuarded(t);
  assert.deepEqual(await readHistory(bus, "default", HistoryQuery.parse({})), { entries: [], next: null });
});

test("a server that hangs is not waited for longer than is said, and the words say so", async (t) => {
  const { nats, bus } = await openGuarded(t);
  await tell(bus, hold(1));
  process.kill(nats.pid, "SIGSTOP");
  const refused = await readHistory(bus, "default", HistoryQuery.parse({}), 500).catch((error) => error);
  process.kill(nats.pid, "SIGCONT");
  assert.ok(refused instanceof ApiError);
  assert.deepEqual([refused.code, /within 500 ms\. Look at NATS/.test(refused.message)], ["not_ready", true]);
});
