/** Secrets are planted wherever they can be, in each form in which texts write them, and none is in the bundle. */
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { EffectiveConfig } from "@gpu-power-manager/shared/api";
import {
  type ArtifactList,
  type HistoryPage,
  HistoryPage as HistoryPageSchema,
} from "@gpu-power-manager/shared/history-page";
import type { Why } from "@gpu-power-manager/shared/why";
import { Redis } from "ioredis";
import { extract } from "tar";
import { startRedis } from "../../../../tests/harness/servers.ts";
import { diagnosisAt, statusAt } from "../answers-for-tests.ts";
import { speaker } from "../language.ts";
import { openSession } from "../session.ts";
import { findInstalled } from "./known-secrets.ts";
import { makeBundle, supportBundle } from "./support-bundle.ts";

/** Whoever makes the bundle can read these: they lie in `secrets/`, in `.env` and in the environment. */
const KNOWN = {
  token: "0d5c7a1be2f34987aabbccddeeff0011",
  sessionKey: "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
  consolePassword: 'p&ss "w0rd"/<1>',
  redisPassword: "redis/pass word%1",
  providerKey: "UCloudPriv4teKeyZz9",
  smtp: "smtp-Pa55-relay",
  grafana: "grafana-admin-Pa55",
} as const;
/** These it learns from the gateway. */
const LICENSE = "LIC-7F3A-anna-0001";
/** These nobody tells it; only where they stand says what they are. Each with its place. */
const HINTED = {
  cookie: ["Cookie: sid=", "c00kie-of-a-person", "; theme=dark\n"],
  setCookie: ["Set-Cookie: __Secure-id=", "s3t-cookie-value", "; Path=/; HttpOnly\n"],
  bearer: ["authorization is Bearer ", "bearer-t0ken-of-nobody", "\n"],
  basic: ["got Basic ", Buffer.from("anna:basic-passw0rd").toString("base64"), "\n"],
  field: ['{"userPassword":"', "f1eld-password", '"}\n'],
  nested: [
    JSON.stringify('{"accessToken":"').slice(1, -1),
    "n3sted-token",
    `${JSON.stringify('"}').slice(1, -1)}\n`,
  ],
  query: ["GET /x?a=1&api_key=", "qu3ry-api-key", "&b=2\n"],
  login: ["nats://power:", "n4ts-login-password", "@nats:4222\n"],
  coded: ["next=redis%3A%2F%2Fu%3A", "c0ded-password", "%40host\n"],
  jwt: ["seen ", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "\n"],
  seed: ["nkey ", `SUAM${"LEGRGIW4WOAR7JPSBBWLLCCMQN6YVXLX4Z7DDDDDDDDDDDDDDDDDDD".slice(0, 54)}`, "\n"],
  licenseField: ['{"key":"', "LIC-unknown-to-redis", '"}\n'],
} as const;
const SECRETS = [...Object.values(KNOWN), LICENSE, ...Object.values(HINTED).map(([, value]) => value)];

const forms = (value: string) => [
  value,
  JSON.stringify(value),
  encodeURIComponent(value),
  Buffer.from(value).toString("base64"),
  Buffer.from(`user:${value}`).toString("base64"),
  Buffer.from(`x=${value}&`).toString("base64url"),
];
/** Everything, with a word by which it is seen that the place itself is in the bundle. */
const soil = (place: string) =>
  [
    `harmless-${place}`,
    ...[...Object.values(KNOWN), LICENSE].flatMap(forms),
    ...Object.values(HINTED).map((parts) => parts.join("")),
  ].join("\n");

/** Whether a text holds a secret: as it is, url-decoded, or in something that decodes from base64. */
function holds(text: string, secret: string): boolean {
  const bare = [
    text,
    text.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
  ];
  const decoded = [...text.matchAll(/[\w+/-]{8,}={0,2}/g)].flatMap(([run]) =>
    [0, 1, 2, 3].map((from) => Buffer.from(run.slice(from), "base64").toString("latin1")),
  );
  const looked = [secret, JSON.stringify(secret).slice(1, -1)];
  return [...bare, ...decoded].some((each) => looked.some((form) => each.includes(form)));
}

const AT = "2026-11-24T12:00:00.000Z";

async function plantedPower(t: TestContext, sources: Map<string, string>): Promise<string> {
  const status = statusAt(AT, {
    hold: { mode: "as_is", at: AT, until: null, reason: soil("hold"), by: "anna" },
    instances: [],
  });
  const why: Why = {
    at: AT,
    actingInstance: "host-1:7",
    asOf: AT,
    decisions: [],
    start: [{ name: "wanted", words: { en: "", zh: "" }, holds: false, value: soil("why"), from: null }],
    stops: [],
    releases: [],
    nextAt: null,
  };
  const config: EffectiveConfig = {
    service: "power",
    node: "v24",
    environment: {
      NATS_URL: `nats://u:${encodeURIComponent(KNOWN.redisPassword)}@nats:4222`,
      WORDS: soil("config"),
    },
    pool: { pool: "default", note: soil("pool"), deep: { password: "p00l-password" } },
    profile: { name: "compshare", file: "x", url: "https://console.example" },
  };
  const history: HistoryPage = HistoryPageSchema.parse({
    entries: [
      {
        sequence: 1,
        at: AT,
        entry: {
          kind: "operator",
          pool: "default",
          at: 1,
          action: "hold",
          token: "operator",
          address: "127.0.0.1",
          reason: soil("history"),
          forced: false,
          outcome: "done",
          message: soil("history-message"),
        },
      },
    ],
    next: null,
  });
  const diagnosis = diagnosisAt(AT, {
    readiness: { ready: true, words: soil("readiness") },
    listeners: [
      {
        name: "l",
        silentSeconds: 1,
        aheadSeconds: 0,
        registered: true,
        provenSecondsAgo: 1,
        about: { ready: false, words: "It waits.", details: { gateway: soil("details") } },
      },
    ],
    selectorsWords: soil("selectors"),
  });
  const artifacts: ArtifactList = {
    artifacts: [
      { name: "a.png", bytes: 3, at: AT, kind: "png" },
      { name: "a.html", bytes: 3, at: AT, kind: "html" },
    ],
  };
  const html = `<p>${soil("artifact")}</p><input name="x" type="password" value="typed-by-a-person"><meta name="csrf-token" content="meta-csrf-value">`;
  const documents: Readonly<Record<string, string>> = {
    "/api/v1/status": JSON.stringify(status),
    "/api/v1/why": JSON.stringify(why),
    "/api/v1/config": JSON.stringify(config),
    "/api/v1/history": JSON.stringify(history),
    "/api/v1/diagnosis": JSON.stringify(diagnosis),
    "/api/v1/artifacts": JSON.stringify(artifacts),
    "/api/v1/artifacts/a.html": html,
    "/api/v1/artifacts/a.png": "\x89PNG",
    "/metrics": `# HELP x y\nx{label="${JSON.stringify(soil("metrics")).slice(1, -1)}"} 1\nx{password="m3tric-password"} 1\n`,
  };
  for (const [path, text] of Object.entries(documents)) sources.set(path, text);
  const server = createServer((request, response) => {
    const text = documents[new URL(request.url ?? "/", "http://x").pathname];
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

async function plantedRedis(t: TestContext, sources: Map<string, string>): Promise<string> {
  const server = await startRedis();
  t.after(() => server.stop());
  const redis = new Redis(server.url, { protocol: 2 });
  const task = { type: "gpu.job.submit", task_type: soil("gateway"), request_id: `r1 ${LICENSE}` };
  await redis.hset("dsp:fdToKey", "7", LICENSE);
  await redis.lpush(`dsp:pending_tasks:${LICENSE}`, JSON.stringify(task));
  sources.set("gateway", JSON.stringify(task));
  await redis.config("SET", "requirepass", KNOWN.redisPassword);
  redis.disconnect();
  return server.url.replace("redis://", `redis://:${encodeURIComponent(KNOWN.redisPassword)}@`);
}

/** An installation with its secrets, a `docker` that has a container, and a log of its own. */
async function plantedHost(t: TestContext, redisUrl: string, sources: Map<string, string>) {
  const root = await mkdtemp(join(tmpdir(), "gpm-support-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, "secrets"));
  const secret = async (name: string, value: string) =>
    await writeFile(join(root, "secrets", name), `${value}\n`);
  await secret("operator-token", KNOWN.token);
  await secret("session-key", KNOWN.sessionKey);
  await secret("console-password", KNOWN.consolePassword);
  await secret("dsp-redis-url", redisUrl);
  await secret("alertmanager.yml", `global:\n  smtp_auth_password: "${KNOWN.smtp}"\n  resolve_timeout: 5m`);
  await writeFile(
    join(root, ".env"),
    `GRAFANA_ADMIN_PASSWORD='${KNOWN.grafana}'\nCOMPOSE_PROJECT_NAME=planted\n`,
  );
  const log = join(root, "power.log");
  await writeFile(log, soil("file"));
  sources.set("file", soil("file"));
  await writeFile(join(root, "docker.txt"), soil("docker"));
  sources.set("docker", soil("docker"));
  const docker = join(root, "docker");
  const script = `#!/bin/sh\ncase "$1" in ps) [ "$4" = label=com.docker.compose.project=planted ] && printf 'planted-power-1\\tpower:1\\tUp 2 hours\\n';; logs) cat ${root}/docker.txt; cat ${root}/docker.txt >&2;; esac\n`;
  await writeFile(docker, script);
  await chmod(docker, 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${root}:${path}`;
  t.after(() => {
    process.env.PATH = path;
  });
  return { root, log };
}

async function unpacked(file: string, dir: string): Promise<Map<string, string>> {
  await mkdir(dir, { recursive: true });
  await extract({ file, cwd: dir });
  const paths = await readdir(dir, { recursive: true, withFileTypes: true });
  const texts = new Map<string, string>();
  for (const each of paths.filter((entry) => entry.isFile())) {
    const path = join(each.parentPath, each.name);
    texts.set(path.slice(dir.length + 1).replace(/^[^/]+\//, ""), await readFile(path, "latin1"));
  }
  return texts;
}

test("none of the secrets that are planted everywhere is in the bundle, and everything else is", async (t) => {
  const sources = new Map<string, string>();
  const redis = await plantedRedis(t, sources);
  const power = await plantedPower(t, sources);
  const { root, log } = await plantedHost(t, redis, sources);
  const lines: string[] = [];
  const session = openSession(
    { power, listener: power, prometheus: undefined, receiver: undefined, token: KNOWN.token, lookedFor: [] },
    {
      json: false,
      language: "en",
      say: speaker("en"),
      print: (line) => lines.push(line),
      tell: () => undefined,
      paint: (_colour, text) => text,
    },
  );
  const { project, secrets } = findInstalled({ PROVIDER_PRIVATE_KEY: KNOWN.providerKey }, root, [redis]);
  const request = {
    output: join(root, "bundle.tar.gz"),
    withScreenshots: false,
    project,
    logFiles: [log, join(root, "none.log")],
    redis,
    secrets,
    writeOut: () => undefined,
  };
  await supportBundle(session, "bundle", request);
  const files = await unpacked(request.output, join(root, "unpacked"));

  // The planting worked: every secret is in every source.
  sources.delete("/api/v1/artifacts");
  sources.delete("/api/v1/artifacts/a.png");
  for (const [place, text] of sources)
    for (const secret of SECRETS) assert.ok(holds(text, secret), `${secret} was not planted in ${place}`);

  const extra = [
    "typed-by-a-person",
    "meta-csrf-value",
    "m3tric-password",
    "p00l-password",
    encodeURIComponent(KNOWN.redisPassword),
  ];
  for (const [path, text] of files)
    for (const secret of [...SECRETS, ...extra]) assert.ok(!holds(text, secret), `${secret} is in ${path}`);

  // And nothing that is none was lost.
  const all = [...files.values()].join("\n");
  for (const place of [
    "hold",
    "why",
    "config",
    "pool",
    "history",
    "history-message",
    "readiness",
    "details",
    "selectors",
    "artifact",
    "metrics",
    "gateway",
    "file",
    "docker",
  ])
    assert.ok(all.includes(`harmless-${place}`), place);
  for (const [path, text] of files)
    if (path.endsWith(".json")) assert.doesNotThrow(() => JSON.parse(text), path);
  assert.deepEqual([...files.keys()].sort(), [
    "artifacts/a.html",
    "config.json",
    "containers.json",
    "contents.json",
    "diagnosis-seen.json",
    "diagnosis.json",
    ...["clients", "monitors", "pending", "status", "workers"].map((lookup) => `gateway/${lookup}.json`),
    "history.json",
    "logs/planted-power-1.log",
    "logs/power.log",
    "metrics/listener.txt",
    "metrics/power.txt",
    "status.json",
    "versions.json",
    "why.json",
  ]);
  assert.match(files.get("gateway/clients.json") ?? "", /[0-9a-f]{16}/);
  assert.ok(
    lines.some((line) => line.includes("none.log: not to be had: ENOENT")),
    lines.join("\n"),
  );
  assert.match(lines.at(-1) ?? "", /bundle\.tar\.gz {2}\d+ (B|KiB)\./);

  const pictures = await makeBundle(session, "bundle", { ...request, withScreenshots: true });
  assert.ok(pictures.files.some(({ path }) => path === "artifacts/a.png"));
});

test("where nothing can be asked, the bundle says so part by part", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "gpm-support-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const away = "http://127.0.0.1:9";
  const session = openSession(
    {
      power: away,
      listener: away,
      prometheus: undefined,
      receiver: undefined,
      token: undefined,
      lookedFor: [],
    },
    {
      json: true,
      language: "en",
      say: speaker("en"),
      print: () => undefined,
      tell: () => undefined,
      paint: (_c, text) => text,
    },
  );
  let bytes = 0;
  const request = {
    output: "-",
    withScreenshots: false,
    project: "no-such-project-anywhere",
    logFiles: [],
    redis: undefined,
    secrets: [],
    writeOut: (packed: Buffer) => {
      bytes = packed.length;
    },
  };
  const bundle = await makeBundle(session, "bundle", request);
  assert.equal(bundle.bytes, bytes);
  const nowhere = { ...request, output: join(root, "none", "bundle.tar.gz") };
  await assert.rejects(makeBundle(session, "bundle", nowhere), /cannot be written to .*ENOENT.*--output/);
  assert.deepEqual(
    bundle.files.map(({ path }) => path),
    ["diagnosis.json", "versions.json"],
  );
  const words = new Map(bundle.missing.map(({ what, why }) => [what, why]));
  assert.match(words.get("status.json") ?? "", /Power cannot be asked at http:\/\/127\.0\.0\.1:9/);
  assert.match(words.get("gateway") ?? "", /Where the gateway's Redis is, is not known/);
  assert.ok(words.has("containers and their logs"));
});
