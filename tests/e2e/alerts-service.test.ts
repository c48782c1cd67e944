/** Alerts about the services and the way between them, each fired for real: fault → Prometheus → Alertmanager → webhook. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "nats";
import { faultNamed, mendAll } from "../../scripts/demo/faults.ts";
import { serveControl } from "../../sim/dsp/src/control.ts";
import { startAlerting } from "../harness/alerting.ts";
import { until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

const TIMES_QUICKER = 48;
const EVERY_MS = 500;
/** Room for events, small enough to be filled by a few. */
const SMALL_STREAM = 16_384;

test("each alert about the services and the way between them arrives when its fault is there", async (t) => {
  const stack = await startStack({
    backlog: true,
    policy: { idleTimeout: "60s" },
    listenerEnv: { PROBE_INTERVAL: "500ms", PROBE_TIMEOUT: "500ms" },
  });
  t.after(() => stack.stop());
  const { listener, power } = stack;
  const gateway = await serveControl(stack.dsp);
  t.after(() => gateway.stop());
  const controls = { console: stack.console.controlUrl, gateway: gateway.url };
  const alerting = await startAlerting({
    dir: stack.dir,
    targets: { listener: listener.url, power: power.url },
    timesQuicker: TIMES_QUICKER,
    everyMs: EVERY_MS,
  });
  t.after(() => alerting.stop());
  const { fires, resolves, ruleQuiet, suppressed, assertSilent } = alerting;
  const tells = async (alert: string, fault: string, since: number) => {
    const { at } = await fires({ alertname: alert }, since);
    t.diagnostic(`ALERT ${alert} | ${fault} | ${((at - since) / 1_000).toFixed(1)} s`);
  };
  const inject = async (name: string): Promise<number> => {
    const since = Date.now();
    await faultNamed(name)?.inject(controls);
    return since;
  };
  await fires({ alertname: "Watchdog" }, 0);

  // ---- NATS, before any job: otherwise the listener would have events to pass on from the start
  const natsKilled = Date.now();
  await stack.nats.kill();
  await tells("PowerNotReconciling", "NATS is killed: the lease cannot be renewed", natsKilled);
  const stuck = Date.now();
  await stack.dsp.submit({ type: "url", key: "K2" });
  await tells("EventsStuck", "a job is submitted while NATS is down", stuck);
  await suppressed({ alertname: "PowerNotReconciling" });
  await stack.nats.resume();
  await resolves({ alertname: "EventsStuck" }, stuck);
  await until("power is ready again", async () => (await power.readiness()).ready);

  // ---- the gateway
  const forgot = await inject("forgets-a-type");
  await tells("NotificationsMissed", "the gateway notifies of every type but this", forgot);
  await mendAll(controls);

  const away = await inject("gateway-away");
  await tells("ListenerNotRegistered", "the gateway is down", away);
  await suppressed({ alertname: "NotificationPathUnproven" });
  assertSilent({ alertname: "NotificationPathUnproven" }, away);
  await mendAll(controls);
  await resolves({ alertname: "ListenerNotRegistered" }, away);
  await ruleQuiet({ alertname: "NotificationPathUnproven" });

  const deaf = await inject("notifies-nobody");
  await tells("NotificationPathUnproven", "the gateway answers, and notifies nobody", deaf);
  assertSilent({ alertname: "ListenerNotRegistered" }, deaf);
  await mendAll(controls);
  await resolves({ alertname: "NotificationPathUnproven" }, deaf);

  // ---- the services
  const listenerKilled = Date.now();
  await listener.kill();
  await tells("ListenerDown", "the listener is killed", listenerKilled);
  listener.start();
  await resolves({ alertname: "ListenerDown" }, listenerKilled);
  assertSilent({ alertname: "ListenerNotRegistered" }, listenerKilled);

  const powerKilled = Date.now();
  await power.kill();
  await tells("PowerDown", "power is killed", powerKilled);
  await suppressed({ alertname: "PowerNotReconciling" });
  assertSilent({ alertname: "PowerNotReconciling" }, powerKilled);
  power.start();
  await resolves({ alertname: "PowerDown" }, powerKilled);
  await power.ready();
  // It has waited for the lease of the one that was killed, which is long in shortened time.
  await ruleQuiet({ alertname: "PowerNotReconciling" });

  // ---- backups
  const mark = join(stack.dir, "power", "last-backup");
  const seconds = (ago: number) => `${Math.floor(Date.now() / 1_000) - ago}\n`;
  await ruleQuiet({ alertname: "BackupTooOld" });
  const old = Date.now();
  await writeFile(mark, seconds(2 * 86_400));
  await tells("BackupTooOld", "the last backup was made two days ago", old);
  await writeFile(mark, seconds(0));
  await resolves({ alertname: "BackupTooOld" }, old);

  // ---- what lies between them
  const nats = await connect({ servers: stack.nats.url });
  const manager = await nats.jetstreamManager();
  const { config } = await manager.streams.info("GPU_JOBS");
  const filled = Date.now();
  await manager.streams.update("GPU_JOBS", { ...config, max_bytes: SMALL_STREAM });
  // A listener whose POOL is spelt wrong: nobody takes its events away.
  const used = async () => (await manager.streams.info("GPU_JOBS")).state.bytes / SMALL_STREAM;
  while ((await used()) < 0.85) await nats.jetstream().publish("gpu.jobs.defualt.url", new Uint8Array(500));
  await tells(
    "NatsStorageNearlyFull",
    "events of a pool that no power serves, in a stream made small",
    filled,
  );
  await manager.streams.purge("GPU_JOBS", { filter: "gpu.jobs.defualt.>" });
  await manager.streams.update("GPU_JOBS", config);
  await nats.close();
});
