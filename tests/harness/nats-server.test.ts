/** Where there is a current nats-server, tests run it with the configuration that is shipped; and they say which it is. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import { natsProgram } from "./nats-server.ts";
import { startNats } from "./servers.ts";

const State = z.object({
  max_payload: z.number(),
  jetstream: z.object({
    config: z.object({ sync_always: z.boolean().default(false), max_storage: z.number() }),
  }),
});

test("JetStream is stored as the shipped configuration says", async (t) => {
  const { command, version, knowsSyncInterval } = await natsProgram();
  t.diagnostic(`nats-server ${version} (${command})`);
  const nats = await startNats();
  t.after(() => nats.stop());
  const { max_payload, jetstream } = State.parse(await (await fetch(`${nats.monitorUrl}/varz`)).json());
  assert.equal(max_payload, 1024 * 1024);
  const shipped = readFileSync(new URL("../../deploy/nats/nats.conf", import.meta.url), "utf8");
  const mib = /^ *max_file_store: (\d+)MB$/m.exec(shipped)?.[1];
  assert.equal(jetstream.config.max_storage, Number(mib) * 1024 ** 2);
  assert.equal(jetstream.config.sync_always, knowsSyncInterval);
});
