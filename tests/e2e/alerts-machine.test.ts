/** Alerts about machines and their console, each fired for real: fault → Prometheus → Alertmanager → webhook. */
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "nats";
import { parse, stringify } from "yaml";
import { faultNamed, mendAll } from "../../scripts/demo/faults.ts";
import { serveControl } from "../../sim/dsp/src/control.ts";
import { startAlerting } from "../harness/alerting.ts";
import { until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

/** 4 minutes are 5 seconds then, which a bucket of the start latency ends at. */
const TIMES_QUICKER = 48;
const EVERY_MS = 500;
/** Longer than the 5 s that the rules allow, shorter than a start may take. */
const SLOW_BOOT_MS = 6_000;

test("each alert about machines and their console arrives when its fault is there", async (t) => {
  const stack = await startStack({
    machines: 3,
    policy: {
      startTimeout: "10s",
      maxStartsPerHour: 1_000,
      budget: { day: { amount: 0.005 }, month: { amount: 1_000, warnAt: 0.000_001 } },
      observe: { off: "500ms", on: "500ms", changing: "200ms", compare: "3s" },
    },
    console: { faults: { initializing: "never" } },
    listenerEnv: { PROBE_INTERVAL: "500ms", PROBE_TIMEOUT: "500ms" },
  });
  t.after(() => stack.stop());
  const gateway = await serveControl(stack.dsp);
  t.after(() => gateway.stop());
  const controls = { console: stack.console.controlUrl, gateway: gateway.url };
  const began = Date.now();
  const alerting = await startAlerting({
    dir: stack.dir,
    targets: { listener: stack.listener.url, power: stack.power.url },
    timesQuicker: TIMES_QUICKER,
    everyMs: EVERY_MS,
  });
  t.after(() => alerting.stop());
  const { fires, resolves, suppressed, assertSilent, ruleFires } = alerting;
  const tells = async (alert: string, fault: string, since: number, labels: Record<string, string> = {}) => {
    const { at, labels: found } = await fires({ alertname: alert, ...labels }, since);
    const which = found.instance === undefined ? "" : ` of ${found.instance}`;
    t.diagnostic(`ALERT ${alert}${which} | ${fault} | ${((at - since) / 1_000).toFixed(1)} s`);
  };
  const inject = async (name: string): Promise<number> => {
    const since = Date.now();
    await faultNamed(name)?.inject(controls);
    return since;
  };
  const [first = "", second = "", third = ""] = stack.ids;
  await tells("Watchdog", "none: it always fires", began);

  // ---- starts that fail, hang or are slow
  stack.console.turn({ soldOut: [first], stuckStarting: [second], bootMs: SLOW_BOOT_MS });
  const submitted = Date.now();
  await stack.dsp.submit({ type: "url", key: "K1" });
  await tells("GpuStartFailed", "sold out", submitted, { instance: "gpu-1", outcome: "sold_out" });
  await tells("JobWaitingWithoutGpu", "one machine sold out, the next hangs", submitted, {
    severity: "critical",
  });
  // One cause, one page: as long as a job waits, the machine that hangs is held back.
  await suppressed({ alertname: "GpuStuckStarting", instance: "gpu-2" });
  assertSilent({ alertname: "GpuStuckStarting" }, submitted);
  await until("the third machine runs", () => stack.state(2) === "Running");
  const running = Date.now();
  // An operator's hold keeps it running, so that it idles.
  const nats = await connect({ servers: stack.nats.url });
  t.after(() => nats.close());
  const kv = await nats.jetstream().views.kv("gpu_power");
  await kv.put("hold.default", "{}");
  await Promise.all([
    tells("GpuStartSlow", `a boot of ${SLOW_BOOT_MS / 1_000} s`, running, { instance: "gpu-3" }),
    tells("GpuStuckStarting", "never leaves starting", submitted, { instance: "gpu-2" }),
    tells("JobWaitingWithoutGpu", "the day's starts were late", running, { severity: "warning" }),
    tells("GpuRunningButWorkerOffline", "a machine without a worker", running, { instance: "gpu-3" }),
    tells("BudgetNearlySpent", "a millionth of 1,000 CNY, at which it warns", running, { period: "month" }),
    tells("BudgetSpent", "a budget of 0.005 CNY", running, { period: "day" }),
  ]);
  const idles = tells("GpuIdleButRunning", "kept on by a hold, without work", running, { instance: "gpu-3" });
  idles.catch(() => undefined);

  // ---- what the provider tells beside the state, and what cannot be told to it
  const told = Date.now();
  const known = parse(await readFile(stack.poolFile, "utf8"));
  const policy = { ...known.policy, deadMansSwitch: "6h" };
  await writeFile(stack.poolFile, stringify({ ...known, policy }));
  const inAnHour = Math.floor(told / 1_000) + 3_600;
  stack.console.turn({
    api500: "actions",
    facts: {
      [first]: { releaseAfterMs: 1_200_000 },
      [second]: { expireTime: inAnHour, autoRenew: false },
      [third]: { withoutGpu: "A", expireTime: inAnHour, autoRenew: true },
    },
  });
  await Promise.all([
    tells("GpuWillBeReleased", "off, and to be deleted soon", told, { instance: "gpu-1", within: "1d" }),
    tells("GpuPaidTimeEnds", "prepaid for an hour, and not renewed", told, { instance: "gpu-2" }),
    tells("GpuWithoutItsGpu", "started without its GPU", told, { instance: "gpu-3" }),
    suppressed({ alertname: "GpuWillBeReleased", instance: "gpu-1", within: "3d" }),
    tells("DeadMansSwitchStuck", "the provider takes no planned stop", told, { instance: "gpu-3" }),
  ]);
  stack.console.turn({ facts: {}, api500: "none" });
  await resolves({ alertname: "GpuWithoutItsGpu", instance: "gpu-3" }, told);
  assertSilent({ alertname: "GpuPaidTimeEnds", instance: "gpu-3" }, told);
  await resolves({ alertname: "GpuWillBeReleased", instance: "gpu-1", within: "1d" }, told);

  // ---- what the console shows
  const emptied = await inject("empty-list");
  await tells("ConsoleStateUnknown", "an empty list", emptied, { instance: "gpu-3" });
  stack.console.turn({ emptyList: false });
  await resolves({ alertname: "ConsoleStateUnknown", instance: "gpu-3" }, emptied);

  const disagreed = Date.now();
  stack.console.turn({ pageDisagrees: { [third]: "Stopped" } });
  await tells("ConsoleWitnessesDisagree", "the page shows another state than the API", disagreed);
  await suppressed({ alertname: "ConsoleStateUnknown", instance: "gpu-3" });
  assertSilent({ alertname: "ConsoleStateUnknown", instance: "gpu-3" }, disagreed);
  stack.console.turn({ pageDisagrees: {} });

  const renamed = Date.now();
  stack.console.turn({ changedSelectors: ["row"] });
  await tells("ConsoleSelectorDrift", "a renamed class in the console's page", renamed);
  stack.console.turn({ changedSelectors: [] });

  // ---- switched by others, until Prometheus has seen each change
  const flapping = Date.now();
  for (const state of [
    "Running",
    "Stopped",
    "Running",
    "Stopped",
    "Running",
    "Stopped",
    "Running",
    "Stopped",
  ]) {
    await stack.setState(0, state, false);
    await until(
      `Prometheus sees gpu-1 ${state}`,
      async () =>
        (await alerting.prometheus.query(
          `gpu_power_instance_state{instance="gpu-1",state="${state.toLowerCase()}"}`,
        )) === 1,
    );
  }
  await tells("GpuFlapping", "switched on and off four times by somebody", flapping, { instance: "gpu-1" });

  // ---- a second machine for one machine's work
  const doubled = Date.now();
  await stack.setState(0, "Running", false);
  await tells("GpuSurplus", "a person turned on another machine beside it", doubled);
  const forgotten = Date.now();
  const pool = parse(await readFile(stack.poolFile, "utf8"));
  await writeFile(stack.poolFile, stringify({ ...pool, instances: pool.instances.slice(1) }));
  await tells("GpuForgotten", "it is taken out of the pool file while it runs", forgotten, {
    instance: "gpu-1",
  });
  // The machine that is forgotten is the one too many: one page for both.
  await suppressed({ alertname: "GpuSurplus" });
  await stack.setState(0, "Stopped", false);
  await resolves({ alertname: "GpuForgotten", instance: "gpu-1" }, forgotten);

  await idles;
  const lost = await inject("login-lost");
  await tells("ConsoleLoginRequired", "the session expired, only a person can log in", lost);
  await ruleFires({ alertname: "ConsoleStateUnknown" });
  assertSilent({ alertname: "ConsoleStateUnknown" }, lost);
  // A person logs in, and the console gives a session that ends soon.
  stack.console.turn({ sessionMs: 600_000 });
  await stack.loginByHand();
  await resolves({ alertname: "ConsoleLoginRequired" }, lost);
  await tells("ConsoleSessionEnds", "a session of ten minutes, by its cookies", lost);
  await mendAll(controls);

  // ---- no machine can be had
  stack.console.turn({ soldOut: [...stack.ids], stuckStarting: [] });
  for (const index of stack.ids.keys()) await stack.setState(index, "Stopped", false);
  await kv.delete("hold.default");
  const wanted = Date.now();
  await stack.dsp.submit({ type: "url", key: "K2" });
  await tells("GpuSoldOut", "the provider has no GPU free for any machine of the pool", wanted);
  await suppressed({ alertname: "JobWaitingWithoutGpu", severity: "critical" });
});
