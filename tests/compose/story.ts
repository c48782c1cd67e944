/**
 * Jobs through the containers while services are restarted and killed: one start each, nothing lost.
 * The first argument says which part: `jobs`, or the two sides of a restart of Docker's daemon.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import { until } from "../harness/process.ts";
import {
  ask,
  containerOf,
  DSP,
  Gateway,
  JOB,
  LONG_MS,
  machine,
  make,
  oneStart,
  POWER,
  PROMETHEUS,
  post,
  run,
  settled,
  starts,
  submit,
  underWay,
} from "./running-stack.ts";

const BURST = 2_000;

async function mainJob(): Promise<void> {
  await settled();
  const submitted = Date.now();
  const count = (await starts()).length;
  await submit("main-1");
  const start = await until("the console takes the start", async () => (await starts())[count], LONG_MS);
  await until("the machine runs", async () => (await machine()) === "Running", LONG_MS);
  const running = Date.now();
  await until("idleness stops it", async () => (await machine()) === "Stopped", LONG_MS);
  console.log(
    `  ok   main job: start requested ${Math.round(start.atMs - submitted)} ms after the submission, machine running after ${running - submitted} ms, off after ${Date.now() - submitted} ms`,
  );
}

async function restarts(): Promise<void> {
  await oneStart("make restart-power in the middle of a start", async () => {
    await submit("restart-1");
    await underWay();
    await make("restart-power");
  });
  await oneStart(`make restart-power in the middle of a burst of ${BURST}`, async () => {
    const burst = post("/jobs/burst", { ...JOB, count: BURST, notifyOnly: true });
    await make("restart-power");
    await burst;
  });
  await oneStart("make restart-listener while jobs arrive every 20 ms", async () => {
    const { notified } = await ask(`${DSP}/state`, Gateway);
    let going = true;
    let jobs = 0;
    const arriving = (async () => {
      for (; going; jobs += 1) {
        // The gateway hands a worker at most fifty jobs of a license.
        const key = `license-${Math.floor(jobs / 40)}`;
        await post("/jobs", { ...JOB, key, taskType: `type_${jobs}`, requestId: `overlap-${jobs}` });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await make("restart-listener");
    going = false;
    await arriving;
    const now = (await ask(`${DSP}/state`, Gateway)).notified;
    const told = (now["gpu.job.submit"] ?? 0) - (notified["gpu.job.submit"] ?? 0);
    assert.ok(told >= jobs, `each of ${jobs} jobs was notified to a registered monitor, not ${told}`);
    console.log(`       ${jobs} jobs, ${told} notices`);
  });
}

async function kills(): Promise<void> {
  for (const service of [
    "nats",
    "redis",
    "sim-dsp",
    "listener",
    "power",
    "prometheus",
    "alertmanager",
    "grafana",
  ]) {
    await oneStart(`docker kill -s KILL ${service} in the middle of a start`, async () => {
      await submit(`kill-${service}`);
      await underWay();
      await run("docker", ["kill", "-s", "KILL", await containerOf(service)]);
      // Docker leaves alone what a person killed; whoever brings the stack up starts it.
      await make("up");
    });
  }
  for (const service of ["nats", "listener", "power"]) {
    await oneStart(`${service} crashes in the middle of a start and comes back by itself`, async () => {
      await submit(`crash-${service}`);
      await underWay();
      // The service itself: the process under init.
      const crash = "kill -9 $(cat /proc/1/task/1/children)";
      await run("docker", ["exec", await containerOf(service), "sh", "-c", crash]);
    });
  }
}

const parts: Readonly<Record<string, () => Promise<void>>> = {
  jobs: async () => {
    await mainJob();
    await restarts();
    await kills();
    const Targets = z.object({
      data: z.object({ activeTargets: z.array(z.object({ scrapePool: z.string(), health: z.string() })) }),
    });
    await until("Prometheus finds and scrapes every service", async () => {
      const { activeTargets } = (await ask(`${PROMETHEUS}/api/v1/targets`, Targets)).data;
      const found = new Set(activeTargets.map(({ scrapePool }) => scrapePool));
      return (
        ["listener", "power", "prometheus"].every((name) => found.has(name)) &&
        activeTargets.every(({ health }) => health === "up")
      );
    });
    console.log("  ok   Prometheus finds and scrapes every service");
    const Alerts = z.array(z.object({ labels: z.record(z.string(), z.string()) }));
    // An Alertmanager that was killed hears of it again within a minute.
    await until(
      "the rules' Watchdog is in Alertmanager",
      async () => {
        const query = ["amtool", "alert", "query", "-o", "json", "alertname=Watchdog"];
        const { stdout } = await run("docker", ["exec", await containerOf("alertmanager"), ...query]);
        return Alerts.parse(JSON.parse(stdout)).some(({ labels }) => labels.alertname === "Watchdog");
      },
      LONG_MS,
    );
    console.log("  ok   the rules' Watchdog is in Alertmanager");
  },
  "before-daemon": async () => {
    await settled();
    await submit("daemon-1");
    await underWay();
  },
  "after-daemon": async () => {
    const began = Date.now();
    // The console's stand-in forgets with the daemon, as no real console does; the job must be remembered by us.
    await until("power works again", async () => (await fetch(`${POWER}/readyz`)).ok, LONG_MS);
    console.log(`  ok   power is ready ${Date.now() - began} ms after the daemon`);
    await until("the job still gets its machine", async () => (await machine()) === "Running", LONG_MS);
    assert.equal((await starts()).length, 1, "one start after the restart");
    console.log(`  ok   the waiting job has its machine after ${Date.now() - began} ms, one start`);
  },
};
const part = parts[process.argv[2] ?? ""];
assert.ok(part !== undefined, `the part must be one of ${Object.keys(parts).join(", ")}`);
await part();
