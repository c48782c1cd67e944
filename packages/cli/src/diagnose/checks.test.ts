/** What each fact leads to; the same with real faults is in tests/e2e/diagnose.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Diagnosis } from "@gpu-power-manager/shared/diagnosis";
import type { ListenerAbout } from "@gpu-power-manager/shared/events";
import { diagnosisAt, statusAt } from "../answers-for-tests.ts";
import { speaker } from "../language.ts";
import { firstFailure, judgeAll } from "./check.ts";
import { allChecks } from "./checks.ts";
import type { Facts, PowerFacts } from "./facts.ts";
import { readMetrics } from "./metrics-text.ts";

const AT = "2026-11-24T12:00:00.000Z";
const about = (version: string, details: Record<string, unknown> = {}): ListenerAbout => ({
  ready: true,
  words: "Registered.",
  version,
  details: {
    gateway: "registered",
    backlog: "read",
    pathInDoubt: false,
    natsTrouble: null,
    outboxDepth: 0,
    redisAheadSeconds: 0,
    ...details,
  },
});

const diagnosis = diagnosisAt(AT, {
  version: "1.2.0",
  listeners: [
    {
      name: "listener-1",
      silentSeconds: 1,
      aheadSeconds: 0,
      registered: true,
      provenSecondsAgo: 12,
      about: about("1.2.0"),
    },
  ],
  nats: {
    ...diagnosisAt(AT).nats,
    streams: [{ name: "GPU_JOBS", bytes: 10, limitBytes: 1_000, messages: 1 }],
    consumer: { waiting: 0, redelivered: 0 },
  },
  selectors: [
    {
      name: "page.row",
      selector: "tr",
      count: 1,
      verdict: "found",
      words: "1 on the page.",
      texts: [],
      boxes: [],
    },
  ],
});
const status = statusAt(AT);
const METRICS = `
gpu_power_disk_bytes{disk="state",pool="default"} 100
gpu_power_disk_free_bytes{disk="state",pool="default"} 50
`;
const power: PowerFacts = { diagnosis, status, refusals: [], metrics: readMetrics(METRICS), aheadSeconds: 0 };
const facts: Facts = {
  tokenFound: true,
  tokenPlaces: [],
  power: { ok: true, value: power },
  prometheus: undefined,
  receiver: "webhook",
};

const withListener = (changes: Partial<Diagnosis["listeners"][number]>) =>
  withPower({
    diagnosis: { ...diagnosis, listeners: diagnosis.listeners.map((each) => ({ ...each, ...changes })) },
  });
const nats = (changes: Partial<Diagnosis["nats"]>) =>
  withPower({ diagnosis: { ...diagnosis, nats: { ...diagnosis.nats, ...changes } } });
function withPower(changes: Partial<PowerFacts>): Facts {
  return { ...facts, power: { ok: true, value: { ...power, ...changes } } };
}

const CASES: ReadonlyArray<{ what: string; given: Facts; id: string; next: RegExp }> = [
  {
    what: "no token can be read",
    given: { ...facts, tokenFound: false, tokenPlaces: ["secrets/x"] },
    id: "token",
    next: /sudo/,
  },
  {
    what: "NATS refuses the password",
    given: nats({ state: "refused", streams: [] }),
    id: "nats",
    next: /secrets\/nats-power/,
  },
  {
    what: "a stream is deleted",
    given: nats({ missing: ["the stream GPU_JOBS"] }),
    id: "streams",
    next: /make setup-nats/,
  },
  {
    what: "GPU_JOBS is nearly full",
    given: nats({ streams: [{ name: "GPU_JOBS", bytes: 950, limitBytes: 1_000, messages: 9 }] }),
    id: "nats-room",
    next: /look at its log/,
  },
  {
    what: "NATS's clock is five minutes ahead",
    given: nats({ aheadSeconds: 300 }),
    id: "clock-nats",
    next: /NTP/,
  },
  {
    what: "power's clock is five minutes behind",
    given: withPower({ aheadSeconds: -300 }),
    id: "clock-power",
    next: /NTP/,
  },
  {
    what: "the listener's clock is five minutes ahead",
    given: withListener({ aheadSeconds: 300 }),
    id: "clock-listener",
    next: /NTP/,
  },
  {
    what: "the clock of the gateway's Redis is five minutes behind",
    given: withListener({ about: about("1.2.0", { redisAheadSeconds: 300 }) }),
    id: "clock-redis",
    next: /NTP/,
  },
  {
    what: "another power acts",
    given: withPower({
      diagnosis: { ...diagnosis, leads: false, otherPower: "host-2:7" },
      status: undefined,
    }),
    id: "pool",
    next: /--url/,
  },
  {
    what: "a disk is nearly full",
    given: withPower({ metrics: readMetrics(METRICS.replace("} 50", "} 2")) }),
    id: "disk",
    next: /Make room/,
  },
  {
    what: "a disk has room but takes no more files",
    given: withPower({
      metrics: readMetrics(
        `${METRICS}gpu_power_disk_inodes{disk="host"} 1000\ngpu_power_disk_free_inodes{disk="host"} 3\n`,
      ),
    }),
    id: "disk",
    next: /Make room/,
  },
  {
    what: "power's container is nearly out of memory",
    given: withPower({ diagnosis: { ...diagnosis, memory: { usedBytes: 990, limitBytes: 1_000 } } }),
    id: "memory",
    next: /mem_limit/,
  },
  {
    what: "the listener's container is nearly out of memory",
    given: withPower({
      diagnosis: {
        ...diagnosis,
        memory: { usedBytes: 990, limitBytes: null },
        listeners: diagnosis.listeners.map((each) => ({
          ...each,
          about: each.about && { ...each.about, memory: { usedBytes: 970, limitBytes: 1_000 } },
        })),
      },
    }),
    id: "memory",
    next: /mem_limit/,
  },
  {
    what: "a changed pool file is refused",
    given: withPower({ metrics: readMetrics('gpu_power_config_reload_success{file="pool"} 0') }),
    id: "files",
    next: /gpuctl reload/,
  },
];

test("where all is well nothing fails", () => {
  const results = judgeAll(allChecks(facts, speaker("en")));
  assert.equal(firstFailure(results), undefined);
  assert.deepEqual(
    results.filter(({ status: each }) => each === "not_asked").map(({ id }) => id),
    ["memory", "clock-outside", "prometheus", "scraped", "rules", "alertmanager"],
    "what cannot be asked from here is said to be not asked",
  );
});

for (const { what, given, id, next } of CASES) {
  test(`the first ✗: ${what}`, () => {
    for (const language of ["en", "zh"] as const) {
      const first = firstFailure(judgeAll(allChecks(given, speaker(language))));
      assert.equal(first?.id, id);
      if (language === "en") assert.match(first?.next ?? "", next);
      else assert.match(first?.next ?? "", /[\u4e00-\u9fff]/);
    }
  });
}

test("an upgrade that was left half done is told, and hides nothing behind it", () => {
  const results = judgeAll(allChecks(withListener({ about: about("1.1.0") }), speaker("en")));
  const versions = results.find(({ id }) => id === "versions");
  assert.equal(versions?.status, "warn");
  assert.match(versions.seen, /power 1\.2\.0, listener 1\.1\.0/);
  assert.equal(firstFailure(results), undefined);
});

test("Prometheus' text is read with labels that hold anything", () => {
  assert.deepEqual(readMetrics('# HELP a b\na{b="c, \\"d\\"} e",f="g"} 1.5\na 2\nnonsense\n'), [
    { name: "a", labels: { b: 'c, \\"d\\"} e', f: "g" }, value: 1.5 },
    { name: "a", labels: {}, value: 2 },
  ]);
});
