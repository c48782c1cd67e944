import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "@gpu-power-manager/shared/errors";
import { parseYaml } from "../config/yaml-file.ts";
import { Pool, warningsOf } from "./pool.ts";

const GOOD = `pool: default
profile: compshare
instances:
  - id: gpu-1
    providerId: uhost-abc
    priority: 1
    pricePerHour: 1.88
  - id: gpu-2
    providerId: uhost-def
policy:
  idleTimeout: 20m
  budgetPerMonth: 800
  observe:
    on: 10s
`;

test("a pool file has defaults for everything but its machines", () => {
  const pool = parseYaml(Pool, GOOD, "pool.yaml");
  assert.equal(pool.policy.idleTimeout, 20 * 60_000);
  assert.equal(pool.policy.startTimeout, 5 * 60_000);
  assert.deepEqual(pool.policy.observe, { off: 30_000, on: 10_000, changing: 1_000, compare: 300_000 });
  assert.equal(pool.policy.maxStartsPerHour, 6);
  assert.equal(
    pool.policy.stopUnproven,
    undefined,
    "nothing is stopped without a proof unless that is asked for",
  );
  assert.equal(pool.instances[1]?.currency, "CNY");
});

const BAD: Array<{ what: string; from: string; to: string; says: RegExp }> = [
  {
    what: "a misspelt key",
    from: "idleTimeout",
    to: "idleTimout",
    says: /pool\.yaml:11: policy: .*idleTimout/,
  },
  {
    what: "a bare number",
    from: "20m",
    to: "20",
    says: /pool\.yaml:11: policy\.idleTimeout: must be a duration/,
  },
  { what: "a negative price", from: "1.88", to: "-1", says: /pool\.yaml:7: instances\.0\.pricePerHour/ },
  {
    what: "a machine twice",
    from: "uhost-def",
    to: "uhost-abc",
    says: /pool\.yaml:9: instances\.1\.providerId: .*twice/,
  },
  {
    what: "a missing id",
    from: "id: gpu-2\n    providerId",
    to: "providerId",
    says: /pool\.yaml:8: instances\.1\.id/,
  },
  {
    what: "a budget for machines of two currencies",
    from: "uhost-def",
    to: "uhost-def\n    currency: USD",
    says: /pool\.yaml:12: policy\.budget: needs machines of one currency/,
  },
  {
    what: "the month's budget twice",
    from: "budgetPerMonth: 800",
    to: "budgetPerMonth: 800\n  budget: { month: { amount: 900 } }",
    says: /pool\.yaml:12: policy\.budgetPerMonth: says the same as budget\.month/,
  },
  {
    what: "a budget that does what nobody knows",
    from: "budgetPerMonth: 800",
    to: "budget: { day: { amount: 20, whenSpent: stop } }",
    says: /pool\.yaml:12: policy\.budget\.day\.whenSpent/,
  },
  {
    what: "a time zone that is none",
    from: "idleTimeout: 20m",
    to: "timeZone: Mars/Olympus",
    says: /pool\.yaml:11: policy\.timeZone: must be a time zone by its IANA name/,
  },
  {
    what: "a schedule that never comes",
    from: "idleTimeout: 20m",
    to: 'schedules: [{ name: a, effect: keepOn, from: "0 0 31 2 *", until: "18:00" }]',
    says: /pool\.yaml:11: policy\.schedules\.0\.from: .*never comes/,
  },
  {
    what: "two rules of one name",
    from: "idleTimeout: 20m",
    to: 'schedules: [&a { name: a, effect: keepOn, from: "0 9 * * *", until: "18:00" }, *a]',
    says: /pool\.yaml:11: policy\.schedules\.1\.name: .*twice/,
  },
  {
    what: "limits of the idle time the wrong way round",
    from: "idleTimeout: 20m",
    to: "idleTimeout: auto\n  idleTimeoutMin: 3h",
    says: /pool\.yaml:12: policy\.idleTimeoutMin: is more than idleTimeoutMax/,
  },
  { what: "broken YAML", from: "profile: compshare", to: "profile: [", says: /pool\.yaml:\d+: / },
  {
    what: "a name that is no token",
    from: "id: gpu-2",
    to: "id: gpu.2",
    says: /instances\.1\.id: must be 1 to 64/,
  },
];

for (const { what, from, to, says } of BAD) {
  test(`a pool file with ${what} is refused with file, line and path`, () => {
    assert.throws(
      () => parseYaml(Pool, GOOD.replace(from, to), "pool.yaml"),
      (error) => error instanceof ConfigError && says.test(error.message),
    );
  });
}

test("all mistakes of a pool file are named at once", () => {
  const text = GOOD.replace("20m", "soon").replace("1.88", "cheap").replace("on: 10s", "on: 0s");
  assert.throws(
    () => parseYaml(Pool, text, "pool.yaml"),
    (error) => error instanceof ConfigError && error.problems.length === 3,
  );
});

test("more than one machine for the same jobs is warned of", () => {
  assert.deepEqual(warningsOf(parseYaml(Pool, GOOD, "pool.yaml")), []);
  const two = parseYaml(Pool, GOOD.replace("idleTimeout: 20m", "desiredRunning: 2"), "pool.yaml");
  assert.match(warningsOf(two).join(), /desiredRunning is 2: .*more than once/);
});

test("an idle time that is to be learned is the default until it is", () => {
  const { policy } = parseYaml(Pool, GOOD.replace("20m", "auto"), "pool.yaml");
  assert.deepEqual([policy.idleAuto, policy.idleTimeout], [true, 30 * 60_000]);
  assert.deepEqual([policy.idleTimeoutMin, policy.idleTimeoutMax], [10 * 60_000, 120 * 60_000]);
  assert.equal(parseYaml(Pool, GOOD, "pool.yaml").policy.idleAuto, false);
});
