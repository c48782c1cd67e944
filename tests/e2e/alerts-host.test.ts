/** Alerts about the host and the servers outside, each fired for real: fault → Prometheus → Alertmanager → webhook. */
import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { authoritiesEnv } from "@gpu-power-manager/shared/authorities";
import { deriveFromDisks, type FileSystem } from "@gpu-power-manager/shared/disks";
import { deriveFromOutside, Outside } from "@gpu-power-manager/shared/outside";
import { processRegistry } from "@gpu-power-manager/shared/registry";
import type { Registry } from "prom-client";
import { startAlerting } from "../harness/alerting.ts";
import { makePrivateCa, serveTls } from "../harness/private-ca.ts";

/** A fortnight becomes 28 hours: a certificate that is issued for a day ends soon. */
const TIMES_QUICKER = 12;
const EVERY_MS = 500;
const HOUR_MS = 3_600_000;

async function serveHere(
  t: TestContext,
  answer: (date: () => string) => Promise<{ text: string; date?: string }>,
) {
  const server = createServer((_request, response) => {
    void answer(() => new Date().toUTCString()).then(({ text, date }) => {
      if (date !== undefined) response.setHeader("date", date);
      response.end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}
const serveMetrics = async (t: TestContext, registry: Registry) =>
  `http://127.0.0.1:${await serveHere(t, async () => ({ text: await registry.metrics() }))}`;

test("each alert about disks, certificates and clocks arrives when its fault is there, and ends with it", async (t) => {
  // The services' own gauges, as they serve them; only the disk itself and the clock's jump are made up.
  const disk: { -readonly [K in keyof FileSystem]: FileSystem[K] } = {
    bsize: 4096,
    blocks: 1_000,
    bfree: 500,
    bavail: 500,
    files: 1_000,
    ffree: 900,
  };
  const leave = (free: number) => {
    disk.bfree = free;
    disk.bavail = free;
  };
  let thereMs = 0;
  let setMs = 0;
  const now = async () => ({ text: "", date: new Date(Date.now() + thereMs).toUTCString() });
  const [consolePort, gatewayPort] = await Promise.all([serveHere(t, now), serveHere(t, now)]);
  const ca = await makePrivateCa();
  const ending = await serveTls(await ca.issue(1), consolePort);
  const ended = await serveTls(await ca.issue(0), gatewayPort);
  t.after(() => {
    ending.stop();
    ended.stop();
  });

  const power = processRegistry("default");
  deriveFromDisks(power, { prefix: "gpu_power", folders: { host: "/" }, ask: async () => disk });
  const listener = processRegistry("default");
  const servers: Record<string, string> = {};
  const outside = new Outside(() => servers);
  deriveFromOutside(power, {
    prefix: "gpu_power",
    outside,
    authorities: authoritiesEnv.CA_DIR.parse(ca.dir),
    steady: () => 0,
    wall: () => setMs,
  });
  const alerting = await startAlerting({
    dir: await mkdtemp(join(tmpdir(), "alerts-host-")),
    targets: { power: await serveMetrics(t, power), listener: await serveMetrics(t, listener) },
    timesQuicker: TIMES_QUICKER,
    everyMs: EVERY_MS,
  });
  t.after(() => alerting.stop());
  const { fires, resolves, suppressed, assertSilent } = alerting;
  const tells = async (alert: string, fault: string, since: number) => {
    const { at } = await fires({ alertname: alert }, since);
    t.diagnostic(`ALERT ${alert} | ${fault} | ${((at - since) / 1_000).toFixed(1)} s`);
  };
  await fires({ alertname: "Watchdog" }, 0);
  for (const quiet of ["DiskNearlyFull", "CertificateEndsSoon", "ClockWrong"])
    assertSilent({ alertname: quiet }, 0);

  // ---- the disk
  const filling = Date.now();
  leave(100);
  await tells("DiskNearlyFull", "a tenth of the disk is free", filling);
  const full = Date.now();
  leave(0);
  await tells("DiskFull", "nothing of the disk is free", full);
  await suppressed({ alertname: "DiskNearlyFull" });
  leave(500);
  await resolves({ alertname: "DiskFull" }, full);
  const many = Date.now();
  disk.ffree = 5;
  await fires({ alertname: "DiskFull", resource: "inodes" }, many);
  disk.ffree = 900;

  // ---- certificates, and a clock there that is not ours
  const asked = Date.now();
  servers.console = `https://127.0.0.1:${ending.port}/`;
  servers.gateway = `wss://127.0.0.1:${ended.port}/`;
  thereMs = HOUR_MS;
  const stop = new AbortController();
  t.after(() => stop.abort());
  void outside.follow(stop.signal);
  await tells("CertificateEndsSoon", "the console's certificate ends in a day", asked);
  await tells("CertificateEnded", "the gateway's certificate has ended", asked);
  await suppressed({ alertname: "CertificateEndsSoon", certificate: "gateway" });
  await tells("ClockWrong", "the clock here is an hour behind the console's", asked);
  delete servers.console;
  await resolves({ alertname: "ClockWrong" }, asked);

  const set = Date.now();
  setMs = -HOUR_MS;
  await fires({ alertname: "ClockWrong" }, set);
});
