/**
 * A full disk under each service: what was written before is still there, the service says so, and it goes on when
 * there is room. The volumes are a few MB of memory (small-volumes.yml); a container that does nothing holds them, so
 * that they outlive restarts. Run by full-disks.sh, in an installation of its own of which nothing is up yet.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import { until } from "../harness/process.ts";
import {
  ask,
  CONSOLE,
  containerOf,
  LONG_MS,
  machine,
  make,
  oneStart,
  PROMETHEUS,
  project,
  run,
  settled,
  starts,
  submit,
} from "./running-stack.ts";

const VOLUMES = ["nats", "listener", "power", "prometheus", "alertmanager"] as const;
type Volume = (typeof VOLUMES)[number];
const HOLDER = `${project}-holder`;

const inHolder = async (words: string) => (await run("docker", ["exec", HOLDER, "sh", "-c", words])).stdout;
/** To the last byte; what is written while it is being filled has failed already. */
const fill = async (volume: Volume) =>
  await inHolder(`dd if=/dev/zero of=/volumes/${volume}/fill bs=4k 2>/dev/null || true`);
const makeRoom = async (volume: Volume) => await inHolder(`rm /volumes/${volume}/fill`);
const inside = async (service: string, ...command: string[]) =>
  (await run("docker", ["exec", await containerOf(service), ...command])).stdout;

/** What a service has logged since then. */
async function logOf(service: string, since: Date): Promise<string> {
  const options = ["logs", "--since", since.toISOString(), await containerOf(service)];
  const { stdout, stderr } = await run("docker", options, { maxBuffer: 64 * 1024 * 1024 });
  return stdout + stderr;
}
async function says(service: string, words: RegExp, since: Date): Promise<void> {
  await until(`${service} says ${words}`, async () => words.test(await logOf(service, since)), LONG_MS, 500);
}
async function readiness(service: "listener" | "power"): Promise<string> {
  const port = service === "listener" ? 9101 : 9102;
  const script = `fetch("http://127.0.0.1:${port}/readyz").then(async (r) => console.log(await r.text()))`;
  return await inside(service, "node", "-e", script);
}
async function metric(service: "listener" | "power", series: RegExp): Promise<number | undefined> {
  const port = service === "listener" ? 9101 : 9102;
  const script = `fetch("http://127.0.0.1:${port}/metrics").then(async (r) => console.log(await r.text()))`;
  const line = (await inside(service, "node", "-e", script)).split("\n").find((each) => series.test(each));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}
const uptime = async () => (await metric("power", /^gpu_power_uptime_seconds_total\{/)) ?? 0;
/** Ends the service itself at once, as a crash does; Docker's policy starts it again. */
const crash = async (service: string) =>
  await inside(service, "sh", "-c", "kill -9 $(cat /proc/1/task/1/children)").catch(() => undefined);

const Value = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});
async function query(expression: string): Promise<number | undefined> {
  const url = `${PROMETHEUS}/api/v1/query?query=${encodeURIComponent(expression)}`;
  const [first] = (await ask(url, Value)).data.result;
  return first === undefined ? undefined : Number(first.value[1]);
}
const Listed = z.array(z.object({ labels: z.record(z.string(), z.string()) }));
const alerts = async (name: string) =>
  Listed.parse(
    JSON.parse(await inside("alertmanager", "amtool", "alert", "query", "-o", "json", `alertname=${name}`)),
  );
const silences = async () => await inside("alertmanager", "amtool", "silence", "query", "-o", "simple");
const silence = async (name: string) =>
  await inside(
    "alertmanager",
    "amtool",
    "silence",
    "add",
    `alertname=${name}`,
    "--comment=test",
    "--duration=2h",
  );

async function bringUp(): Promise<void> {
  await run("scripts/stack/prepare.sh");
  await run("bash", ["-c", "source scripts/stack/compose.sh; every up --no-start"]);
  const mounts = VOLUMES.flatMap((volume) => ["-v", `${project}_${volume}:/volumes/${volume}`]);
  const options = [
    "run",
    "-d",
    "--name",
    HOLDER,
    "--user",
    "0:0",
    "--label",
    `com.docker.compose.project=${project}`,
  ];
  const image = `gpu-power-manager/sim:${process.env.VERSION ?? "dev"}`;
  await run("docker", [...options, ...mounts, image, "sleep", "infinity"]);
  await make("up");
}

async function nats(): Promise<void> {
  await settled();
  const before = { starts: (await starts()).length, uptime: await uptime() };
  assert.ok(before.uptime > 0);
  /** What has room in the page that is being written is still taken, a few jobs at most. */
  const refuses = async (name: string) => {
    const since = new Date();
    await fill("nats");
    let jobs = 0;
    await until(
      "the listener says that NATS stores nothing",
      async () => {
        jobs += 1;
        await submit(`${name}-${jobs}`);
        return /no space left on device.*wait here and none is lost/.test(await readiness("listener"));
      },
      LONG_MS,
      500,
    );
    await says("nats", /no space left on device/, since);
    return jobs;
  };
  const jobs = await refuses("nats-full");
  await crash("nats");
  const more = await refuses("nats-full-after-a-crash");
  // What could just be written down may have had its start; without the lease there is no second one, and no stop.
  await says("power", /The lease cannot be renewed/, new Date(Date.now() - LONG_MS));
  await makeRoom("nats");
  await until("the machine runs for them", async () => (await machine()) === "Running", LONG_MS);
  await settled();
  assert.equal((await starts()).length, before.starts + 1, "one start for all of them");
  await make("restart-power");
  await settled();
  assert.ok((await uptime()) > before.uptime, "uptime goes on from what was stored");
  console.log(
    `  ok   nats: refuses jobs and state, after a crash too, and says so; with room one start for all ${jobs + more} jobs, and all that was stored is there`,
  );
}

async function listener(): Promise<void> {
  const since = new Date();
  await fill("listener");
  assert.equal(await metric("listener", /^gpu_listener_disk_free_bytes\{/), 0);
  await oneStart("a job while the listener's disk is full and NATS away", async () => {
    await run("docker", ["stop", await containerOf("nats")]);
    await submit("listener-full");
    await says("listener", /cannot be written to STATE_DIR/, since);
    await makeRoom("listener");
    await says("listener", /the spool can be written again/, since);
    await make("up");
  });
  console.log(
    "  ok   listener: works on, says what a stop would lose, and writes it down when there is room",
  );
}

async function power(): Promise<void> {
  await settled();
  const since = new Date();
  await fill("power");
  assert.equal(await metric("power", /^gpu_power_disk_free_bytes\{.*disk="power"/), 0);
  await make("restart-power");
  await settled();
  await says("power", /"restoredSession":true/, since);
  await run("curl", ["-fsS", "-X", "POST", `${CONSOLE}/expire-session`]);
  await oneStart(
    "a job while power's disk is full and its session has ended",
    async () => await submit("power-full"),
  );
  await says("power", /The console session cannot be saved/, since);
  await until(
    "DiskFull is told",
    async () => (await alerts("DiskFull")).some(({ labels }) => labels.disk === "power"),
    LONG_MS,
    1_000,
  );
  const roomAt = new Date();
  await makeRoom("power");
  await says("power", /console session saved/, roomAt);
  console.log(
    "  ok   power: works on, says that the session cannot be saved, keeps the one before; DiskFull is told; saves it when there is room",
  );
}

async function prometheus(): Promise<void> {
  const since = new Date();
  const samples = async () => (await query('sum(count_over_time(up{job="listener"}[3h]))')) ?? 0;
  const before = await samples();
  assert.ok(before > 0);
  await fill("prometheus");
  await says("prometheus", /no space left on device/, since);
  await crash("prometheus");
  await says("prometheus", /is not started.*Make room on that disk/, since);
  await makeRoom("prometheus");
  const roomAt = Date.now() / 1_000;
  await until(
    "it goes on",
    async () => ((await query('timestamp(up{job="listener"})')) ?? 0) > roomAt,
    LONG_MS,
    1_000,
  );
  assert.ok((await samples()) > before, "what was there before is still there");
  console.log(
    "  ok   prometheus: says so, waits for room after a crash on the full disk, and then goes on with all that it had",
  );
}

async function alertmanager(): Promise<void> {
  await silence("KeptBefore");
  const restart = async () => {
    await run("docker", ["restart", await containerOf("alertmanager")]);
    await until("Alertmanager answers", async () => (await silences()).length > 0, LONG_MS);
  };
  await restart();
  const since = new Date();
  await fill("alertmanager");
  await silence("MadeWhileFull");
  await inside("alertmanager", "amtool", "alert", "add", "alertname=HeardWhileFull");
  assert.equal((await alerts("HeardWhileFull")).length, 1);
  await restart();
  await says("alertmanager", /no space left on device/, since);
  assert.match(await silences(), /KeptBefore/);
  await makeRoom("alertmanager");
  await silence("MadeAfterwards");
  await restart();
  for (const name of ["KeptBefore", "MadeAfterwards"]) assert.match(await silences(), new RegExp(name));
  console.log(
    "  ok   alertmanager: still takes alerts, says that it cannot write; silences of before and after are kept",
  );
}

await bringUp();
await oneStart("a job before, for history and uptime", async () => await submit("before"));
await nats();
await listener();
await power();
await prometheus();
await alertmanager();
