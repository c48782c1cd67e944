/** Since when notices could be heard, as power knows it: a machine is only idle for as long as somebody listened. */
import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { jetstreamOf, storedGaps } from "../harness/jetstream.ts";
import { freePort, until } from "../harness/process.ts";
import { Service } from "../harness/service.ts";
import { type Stack, startStack } from "../harness/stack.ts";

async function listeningSince(stack: Stack): Promise<number> {
  return await until("power hears of a listener", async () => {
    const { listeningSince: since } = await stack.status();
    return since === null ? undefined : Date.parse(since);
  });
}

test("a listener that is killed and followed at once leaves a break, however short", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  await listeningSince(stack);
  await stack.listener.kill();
  const killedAt = Date.now();
  stack.listener.start();
  await stack.listener.ready();
  const readyAt = Date.now();
  await until("hearing began anew", async () => (await listeningSince(stack)) >= killedAt);
  t.diagnostic(`another was ready ${readyAt - killedAt} ms after one was killed`);
});

function anotherListener(stack: Stack, port: number, dspUrl = stack.dsp.url): Service {
  return new Service("listener", port, {
    DSP_URL: dspUrl,
    NATS_URL: stack.nats.url,
    STATE_DIR: stack.dir,
  });
}

test("a listener that registers before another leaves goes on where that one ends", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  const since = await listeningSince(stack);
  const next = anotherListener(stack, await freePort());
  next.start();
  t.after(() => next.stop());
  await next.ready();
  assert.equal(await stack.listener.stop(), 0);
  await until(
    "the two are known to have overlapped",
    async () => Math.abs((await listeningSince(stack)) - since) < 100,
  );
});

test("a gap in which another listener heard all the while is recorded as covered", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  const spy = await jetstreamOf(stack.nats.url);
  t.after(() => spy.close());
  const way = await breakableWay(stack.dsp.url);
  t.after(() => way.close());
  const cut = anotherListener(stack, await freePort(), way.url);
  cut.start();
  t.after(() => cut.stop());
  await cut.ready();
  // The first may come before it has heard of the other at all.
  let recorded = 0;
  await until("a gap is covered", async () => {
    way.break();
    const gaps = await until("one more gap is recorded", async () => {
      const all = await storedGaps(spy);
      return all.length > recorded ? all : undefined;
    });
    recorded = gaps.length;
    return gaps.some(({ cause, covered }) => cause === "disconnected" && covered);
  });
});

/** A way to the gateway that is one listener's alone, so that it can be broken for this one. */
async function breakableWay(url: string) {
  const { hostname, port, pathname } = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  const listening = await freePort();
  await new Promise<void>((resolve) => server.listen(listening, "127.0.0.1", resolve));
  const breakNow = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `ws://127.0.0.1:${listening}${pathname}`,
    break: breakNow,
    close: () => {
      server.close();
      breakNow();
    },
  };
}
