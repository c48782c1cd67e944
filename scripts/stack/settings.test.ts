/** What .env promises is what the containers get: compose, .env.example, the schemas and the scripts know the same names. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { describeEnv } from "@gpu-power-manager/shared/env";
import { parse } from "yaml";
import { z } from "zod";
import { ListenerEnv } from "../../services/listener/src/config/environment.ts";
import { PowerEnv } from "../../services/power/src/config/environment.ts";
import { settingNames } from "../alertmanager/settings.ts";
import { composeEnvironments, NAME_IN_EXAMPLE, passes } from "../generate/env-example.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), "utf8");
const SCHEMAS = { listener: ListenerEnv, power: PowerEnv } as const;
const COMPOSE_FILES = [
  "docker-compose.yml",
  "deploy/cluster/docker-compose.yml",
  "deploy/cluster/host.yml",
  "deploy/publish-alertmanager.yml",
] as const;

/** What a line of .env does not change, because the container around the service is made for one value. */
const GIVEN: Readonly<Record<string, string>> = {
  NATS_USER: "each service has its own user of deploy/nats/nats.conf",
  NATS_CREDS_FILE: "user and password are used instead",
  CA_DIR: "config/ca is mounted there",
  STATE_DIR: "the volume is mounted there",
  POOL_FILE: "config/ is mounted there",
  PROFILES_DIR: "config/ is mounted there",
  HEADLESS: "a container has no display; make login is for persons",
  HTTP_HOST: "its image says so; what is published, BIND says",
  HTTP_PORT: "health check, Prometheus and the published port ask there",
  HTTP_TLS_DIR: "deploy/cluster/host.yml mounts the certificates there",
  HTTP_TLS_PORT: "what is published, deploy/cluster/host.yml says",
};
/** Names that only the scripts set, for the demo. */
const INTERNAL = [
  "CONFIG_DIR",
  "DSP_REDIS_URL",
  "DSP_REDIS_URL_FILE",
  "CONSOLE_PASSWORD",
  "CONSOLE_PASSWORD_FILE",
  "PROVIDER_PRIVATE_KEY_FILE",
];

const examples = new Set([...read(".env.example").matchAll(NAME_IN_EXAMPLE)].map(([, name]) => name ?? ""));
const given = composeEnvironments();

for (const service of ["listener", "power"] as const) {
  test(`compose passes every setting of ${service} that the README lists, and no other`, () => {
    const known = new Set<string>();
    for (const { name, secret } of describeEnv(SCHEMAS[service])) {
      known.add(name).add(`${name}_FILE`);
      assert.ok(read("README.md").includes(`| \`${name}\``), `${name} is not in README.md`);
      if (secret) {
        assert.match(given[service][`${name}_FILE`] ?? "", /\/run\/secrets\//, `${name} has no file`);
      } else if (name in GIVEN) {
        assert.ok(!passes(name, given[service][name]), `${name} passes after all: ${GIVEN[name]}`);
      } else {
        assert.ok(
          passes(name, given[service][name]),
          `docker-compose.yml does not pass ${name} to ${service}: add "${name}: \${${name}:-}" there, then make generate`,
        );
        assert.ok(examples.has(name), `${name} is not in .env.example`);
      }
    }
    for (const name of Object.keys(given[service])) assert.ok(known.has(name), `${service} knows no ${name}`);
  });
}

test("an empty variable leaves the schema's default, and the defaults of compose are valid", () => {
  for (const service of ["listener", "power"] as const) {
    for (const [name, field] of Object.entries(SCHEMAS[service].shape)) {
      const [, fallback = ""] = /^\$\{\w+:-(.*)\}$/.exec(given[service][name] ?? "") ?? [];
      if (fallback !== "") assert.ok(z.safeParse(field, fallback).success, `${name}=${fallback}`);
    }
  }
});

test("a standby power is told what the other one is told", () => {
  const Cluster = z.object({
    services: z.object({ "power-standby": z.object({ environment: z.record(z.string(), z.string()) }) }),
  });
  const { environment } = Cluster.parse(parse(read("deploy/cluster/docker-compose.yml"))).services[
    "power-standby"
  ];
  const { NATS_URL: _, NATS_REPLICAS: __, ...rest } = environment;
  const { NATS_URL: ___, NATS_REPLICAS: ____, ...expected } = given.power;
  assert.deepEqual(rest, expected);
});

test("every name that compose and the scripts read is in .env.example, and no other", () => {
  const used = new Set<string>();
  for (const file of COMPOSE_FILES)
    for (const [, name] of read(file).matchAll(/\$\{([A-Z][A-Z0-9_]*)/g)) used.add(name ?? "");
  const scripts = readdirSync(new URL("scripts/stack", ROOT)).filter((name) => name.endsWith(".sh"));
  for (const file of scripts)
    for (const [, name] of read(`scripts/stack/${file}`).matchAll(/\$\((?:setting|port) ([A-Z][A-Z0-9_]*)/g))
      used.add(name ?? "");
  for (const name of settingNames()) used.add(name);
  for (const name of INTERNAL) used.delete(name);
  assert.deepEqual([...examples].sort(), [...used].sort());
});

function check(env: string): string {
  const file = join(mkdtempSync(join(tmpdir(), "env-")), ".env");
  writeFileSync(file, env);
  const script = new URL("check-env.sh", import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(script, [file], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "");
  return stderr;
}

for (const [line, ...told] of [
  ["PROB_INTERVAL=5s", "line 2: no setting is called PROB_INTERVAL; did you mean PROBE_INTERVAL?"],
  ["probe_interval=5s", "did you mean PROBE_INTERVAL?"],
  ["FRAME_LIMIT=5", "did you mean FRAME_LIMIT_BYTES?"],
  ["CHROMIUM_SANDBX=true\r", "did you mean CHROMIUM_SANDBOX?"],
  ["ALERT_RECIEVER=none", "did you mean ALERT_RECEIVER?"],
  ["XYZZY=1", "no setting is called XYZZY; .env.example lists them all."],
  ["DSP_URL = wss://dsp.example.com/dsp", "line 2 is no setting: write NAME=value"],
  ["export ON_GAP=alert", "line 2 is no setting: write NAME=value"],
  ["CONSOLE_PASSWORD=hunter2", "it belongs in secrets/console-password"],
  ["PROVIDER_PRIVATE_KEY=hunter2", "it belongs in secrets/provider-private-key"],
  ["DSP_REDIS_URL=redis://a", "it belongs in secrets/dsp-redis-url"],
  ["SESSION_KEY_FILE=/k", "it belongs in secrets/session-key"],
] as const) {
  test(`make up tells of ${JSON.stringify(line)} in .env`, () => {
    const words = check(`# mine\n${line}\nPROBE_INTERVAL=5s\n`);
    for (const each of told) assert.ok(words.includes(each), words);
    assert.equal(words.trim().split("\n").length, 1, words);
    assert.doesNotMatch(words, /hunter2|example\.com/, "a value may be a secret");
  });
}

test("every secret of the schemas is told to be one, and .env as it comes is in order", () => {
  for (const schema of Object.values(SCHEMAS))
    for (const { name, secret } of describeEnv(schema))
      if (secret) assert.match(check(`${name}=x\n`), /belongs in secrets\//, name);
  assert.equal(check(read(".env.example")), "");
  assert.equal(check(read(".env.example").replaceAll(/^#(?=[A-Z])/gm, "")), "");
});
