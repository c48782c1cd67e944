/** What servers outside show: the end of their certificate, also when it is past, and the time that it is there. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { Registry } from "prom-client";
import { makePrivateCa, serveTls } from "../../../tests/harness/private-ca.ts";
import { until } from "../../../tests/harness/process.ts";
import { authoritiesEnv } from "./authorities.ts";
import { askOutside, deriveFromOutside, Outside } from "./outside.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const forever = new AbortController().signal;

/** A server whose clock is ahead of ours by so much; undefined tells no time. */
async function startHttp(aheadMs: number | undefined) {
  const server = createServer((_request, response) => {
    response.sendDate = false;
    if (aheadMs !== undefined) response.setHeader("date", new Date(Date.now() + aheadMs).toUTCString());
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { port: address.port, url: `http://127.0.0.1:${address.port}`, stop: () => server.close() };
}

function near(found: number | undefined, expected: number, within: number): void {
  assert.ok(Math.abs((found ?? Number.NaN) - expected) <= within, `${found} is not ${expected}`);
}

test("the end of a certificate is read, whoever vouches for it, and when it is past, too", async (t) => {
  const ca = await makePrivateCa();
  const http = await startHttp(0);
  t.after(() => http.stop());
  for (const days of [5, 0]) {
    const server = await serveTls(await ca.issue(days), http.port);
    t.after(() => server.stop());
    for (const scheme of ["https", "wss", "rediss"]) {
      const { certificateEndsAt } = await askOutside(`${scheme}://127.0.0.1:${server.port}/path`, forever);
      near(certificateEndsAt, Date.now() + days * DAY_MS, 60_000);
    }
  }
});

for (const [words, aheadMs] of [
  ["right", 0],
  ["an hour ahead of us", HOUR_MS],
  ["an hour behind us", -HOUR_MS],
] as const) {
  test(`a server's clock that is ${words} is told`, async (t) => {
    const { url, stop } = await startHttp(aheadMs);
    t.after(stop);
    near((await askOutside(url, forever)).aheadMs, -aheadMs, 1_500);
  });
}

test("a server that tells neither is unknown, and one that is away is said to be", async (t) => {
  const { url, stop } = await startHttp(undefined);
  t.after(stop);
  assert.deepEqual(await askOutside(url, forever), { certificateEndsAt: undefined, aheadMs: undefined });
  assert.deepEqual(await askOutside("redis://127.0.0.1:9", forever), {
    certificateEndsAt: undefined,
    aheadMs: undefined,
  });
  await assert.rejects(askOutside("https://127.0.0.1:9", forever));
  await assert.rejects(askOutside("rediss://127.0.0.1:9", forever));
});

test("certificates, authorities and clocks are gauges; what a server showed stays when it goes away", async (t) => {
  const ca = await makePrivateCa(20);
  const http = await startHttp(HOUR_MS);
  const server = await serveTls(await ca.issue(5), http.port);
  const servers: Record<string, string> = {
    console: `https://localhost:${server.port}/list`,
    away: "https://127.0.0.1:9",
  };
  const outside = new Outside(() => servers);
  const stop = new AbortController();
  t.after(() => stop.abort());
  void outside.follow(stop.signal);
  await until("it has been asked", () => [...outside.seen()].length === 1);
  http.stop();
  server.stop();

  const registry = new Registry();
  let wall = 1_000_000;
  deriveFromOutside(registry, {
    prefix: "gpu_power",
    outside,
    authorities: authoritiesEnv.CA_DIR.parse(ca.dir),
    steady: () => 1_000_000,
    wall: () => wall,
  });
  const value = async (series: string) => {
    const line = (await registry.metrics())
      .split("\n")
      .find((each) => each.startsWith(`gpu_power_${series} `));
    return line === undefined ? undefined : Number(line.split(" ").at(-1));
  };
  const now = Date.now() / 1_000;
  near(await value('certificate_end_timestamp_seconds{certificate="console"}'), now + 5 * 86_400, 60);
  near(await value('certificate_end_timestamp_seconds{certificate="authority.pem"}'), now + 20 * 86_400, 60);
  assert.equal(await value('certificate_end_timestamp_seconds{certificate="away"}'), undefined);
  near(await value('clock_ahead_seconds{server="console"}'), -3_600, 2);
  assert.equal(await value("clock_set_seconds"), 0);
  wall -= HOUR_MS;
  assert.equal(await value("clock_set_seconds"), -3_600);

  servers.console = "https://another.example.com/";
  assert.equal(await value('certificate_end_timestamp_seconds{certificate="console"}'), undefined);
});
