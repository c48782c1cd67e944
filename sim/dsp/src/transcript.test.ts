/** The stand-in plays the recording of the real gateway: the same frames for every actor, the same Redis. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { z } from "zod";
import { until } from "../../../tests/harness/process.ts";
import { type Server, startRedis } from "../../../tests/harness/servers.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { Peer } from "./peer.ts";
import { phpJson } from "./php-json.ts";

const Line = z.discriminatedUnion("event", [
  z.object({ actor: z.string(), event: z.literal("connects") }),
  z.object({ actor: z.string(), event: z.literal("is killed") }),
  z.object({ actor: z.string(), event: z.literal("sends"), frame: z.union([z.string(), z.looseObject({})]) }),
  z.object({ actor: z.string(), event: z.literal("receives"), frame: z.looseObject({}) }),
  z.object({ actor: z.string(), event: z.literal("pushes"), key: z.string(), frame: z.looseObject({}) }),
  z.object({ actor: z.string(), event: z.literal("answers"), command: z.string(), reply: z.unknown() }),
  z.object({ actor: z.string(), event: z.literal("is flushed") }),
]);
type Line = z.infer<typeof Line>;

const recording = readFileSync(new URL("../../../tests/data/dsp-transcript.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => Line.parse(JSON.parse(line)));

/** Blots out what differs from run to run: times and generated ids. */
function normal(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replaceAll(/(\\*"(?:ts|start_time)\\*":)\d+/g, "$10")
    .replaceAll(/\b([a-z_]+_)[0-9a-f]{13}\b/g, "$1id");
  return JSON.parse(text);
}

/** A hash's reply as an object: Redis promises no order of its fields. */
function unordered(command: string, reply: unknown): unknown {
  if (!command.startsWith("HGETALL") || !Array.isArray(reply)) return normal(reply);
  const pairs: Array<[string, unknown]> = [];
  for (let index = 0; index < reply.length; index += 2) pairs.push([String(reply[index]), reply[index + 1]]);
  return normal(Object.fromEntries(pairs));
}

let redis: Server;
let gateway: Gateway;
before(async () => {
  redis = await startRedis();
  gateway = await startGateway({ redisUrl: redis.url });
});
after(async () => {
  await gateway.stop();
  await redis.stop();
});

/** Resolves when the gateway has handled everything that this peer sent; leaves no trace among its frames. */
async function handled(peer: Peer): Promise<void> {
  const known = peer.frames.length;
  const pongs = peer.frames.filter((frame) => frame.type === "pong").length;
  peer.send({ type: "ping" });
  await until(
    "the barrier's pong",
    () => peer.frames.filter((frame) => frame.type === "pong").length > pongs,
  );
  const index = peer.frames.findIndex((frame, at) => at >= known && frame.type === "pong");
  peer.frames.splice(index, 1);
}

test("the recording, replayed", async () => {
  const peers = new Map<string, Peer>();
  const expected = new Map<string, unknown[]>();
  const peer = (actor: string) => {
    const found = peers.get(actor);
    assert.ok(found, `${actor} is connected`);
    return found;
  };
  const play = async (line: Line) => {
    if (line.event === "connects" || line.event === "is killed") {
      if (line.event === "is killed") peer(line.actor).terminate();
      else peers.set(line.actor, await Peer.connect(gateway.url));
    } else if (line.event === "sends") {
      peer(line.actor).send(line.frame);
      await handled(peer(line.actor));
    } else if (line.event === "receives") {
      const list = expected.get(line.actor) ?? [];
      list.push(line.frame);
      expected.set(line.actor, list);
      await until(
        `${line.actor} receives ${JSON.stringify(line.frame)}`,
        () => peer(line.actor).frames.length >= list.length,
      );
    } else if (line.event === "pushes") {
      await gateway.redis.rpush(line.key, phpJson(line.frame));
    } else if (line.event === "is flushed") {
      await gateway.redis.flushall();
    } else {
      const [command = "", ...args] = line.command.split(" ");
      const wanted = unordered(line.command, line.reply);
      let seen: unknown;
      await until(
        `${line.command} answers as recorded`,
        async () => {
          seen = unordered(line.command, await gateway.redis.call(command, ...args));
          return (
            JSON.stringify(seen) === JSON.stringify(wanted) || Array.isArray(seen) !== Array.isArray(wanted)
          );
        },
        3_000,
      ).catch(() => undefined);
      assert.deepEqual(seen, wanted, line.command);
    }
  };
  for (const line of recording) await play(line);
  assert.ok(expected.size >= 4, "the recording has several actors");
  for (const [actor, frames] of expected) {
    if (!peer(actor).closed) await handled(peer(actor));
    assert.deepEqual(normal(peer(actor).frames), normal(frames), `what ${actor} received`);
  }
  for (const each of peers.values()) await each.close();
});
