/** NATS is there and does not accept us, for a while or for good. */
import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { nkeys } from "nats";
import { startGateway } from "../../sim/dsp/src/gateway.ts";
import { startGuardedNats } from "../harness/guarded-nats.ts";
import { freePort, until } from "../harness/process.ts";
import { startNats, startRedis } from "../harness/servers.ts";
import { Service } from "../harness/service.ts";
import { startStack } from "../harness/stack.ts";

/** As long as it was in the field: a client that gives up does so at the second refusal, within a second. */
const REFUSED_MS = 3_000;

async function refused(service: Service): Promise<void> {
  await until(`${service.name} says that it is refused`, async () =>
    (await service.readiness()).words.includes("NATS refuses the user"),
  );
}

/** How often it logged a sentence that begins so. */
const said = (service: Service, words: string) =>
  service.lines.filter((line) => line.includes(`"msg":"${words}`)).length;

test("a password that is rotated in the wrong order: both services say so, wait, and go on", async (t) => {
  const nats = await startGuardedNats();
  const stack = await startStack({ cluster: nats, policy: { idleTimeout: "60s" } });
  t.after(async () => {
    await stack.stop();
    await nats.stop();
  });
  const services = [stack.listener, stack.power];
  nats.admit(false);
  await nats.reload();
  await Promise.all(services.map(refused));
  await stack.dsp.submit({ type: "url", key: "K1" });
  await pause(REFUSED_MS);
  await Promise.all(services.map(refused));
  nats.admit(true);
  await nats.reload();
  await Promise.all(services.map((service) => service.ready()));
  await until("the job of the meantime starts the machine", () => stack.accepted("start") === 1);
  for (const service of services) {
    assert.equal(said(service, "NATS refuses the user"), 1, `${service.name} tells it once`);
    assert.equal(said(service, "NATS is away"), 0, `${service.name} does not call it away`);
  }

  // Refused, and then away: one thing is not told for the other.
  nats.admit(false);
  await nats.kill();
  await nats.resume();
  await Promise.all(services.map(refused));
  await nats.kill();
  for (const service of services) {
    await until(`${service.name} says that NATS is away`, async () =>
      (await service.readiness()).words.includes("NATS is away"),
    );
  }
  nats.admit(true);
  await nats.resume();
  await Promise.all(services.map((service) => service.ready()));
});

test("a server that was started with the wrong secret is waited for by a listener that starts", async (t) => {
  const [nats, redis] = await Promise.all([startGuardedNats({ admits: false }), startRedis()]);
  const dsp = await startGateway({ redisUrl: redis.url });
  const listener = new Service("listener", await freePort(), {
    DSP_URL: dsp.url,
    NATS_URL: nats.url,
    ...nats.loginOf("listener"),
  });
  t.after(async () => {
    await listener.stop();
    await dsp.stop();
    await Promise.all([nats.stop(), redis.stop()]);
  });
  listener.start();
  await until("it is registered", async () => (await listener.metric("gpu_listener_registered")) === 1);
  await refused(listener);
  nats.admit(true);
  await nats.reload();
  await listener.ready();
  assert.equal(said(listener, "NATS refuses the user"), 1);
});

test("a connection that is closed for good ends both services, and what waited is kept", async (t) => {
  const nats = await startNats();
  const dir = await mkdtemp(join(tmpdir(), "gpm-creds-"));
  const creds = join(dir, "service.creds");
  const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
  const block = (name: string, text: string) => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`;
  const whole = `${block("NATS USER JWT", "a.b.c")}\n${block("USER NKEY SEED", seed)}`;
  await writeFile(creds, whole);
  const env = { NATS_CREDS_FILE: creds };
  const cluster = { nodes: [nats], urls: () => nats.url, loginOf: () => env };
  const stack = await startStack({ cluster, policy: { idleTimeout: "60s" } });
  t.after(async () => {
    await stack.stop();
    await nats.stop();
  });
  await nats.kill();
  await until("the listener knows", async () => !(await stack.listener.readiness()).ready);
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("it waits", async () => (await stack.listener.metric("gpu_listener_outbox_depth")) === 1);
  // The client closes for good on credentials that it cannot read.
  await writeFile(creds, "torn");
  await nats.resume();
  for (const service of [stack.listener, stack.power]) {
    assert.equal(await service.exited(), 1, `${service.name} ends, so that its supervisor starts it again`);
    assert.ok(service.lines.some((line) => line.includes("is closed for good")));
  }
  await writeFile(creds, whole);
  stack.listener.start();
  stack.power.start();
  await until("the job starts the machine", () => stack.accepted("start") === 1);
});
