/**
 * One JetStream stream to a file and back, by the server's own snapshots: consistent, with sequences, revisions,
 * message ids and the state of its consumers, while everybody goes on using it. The client library has no call for
 * it; the protocol is that of NATS' ADR-2 and of its own tool (`nats stream backup`).
 */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import { createInbox, type NatsConnection } from "nats";
import { z } from "zod";

/** The server checks every message before it sends the first byte, and unpacks them before it answers the last. */
const ANSWER_MS = 60_000;
/** A snapshot that is silent for so long has died with its server. */
const SILENCE_MS = 30_000;
/** What the server's own check of a stream says, and how often it is asked before it is believed. */
const FOUND_BAD = /snapshot check detected/;
const CHECK_TRIES = 10;
const CHECK_AGAIN_MS = 1_000;
/** Well below the largest message that the server takes. */
const CHUNK_BYTES = 128 * 1024;

/** The server's own words about a stream: what is not named here goes back to it as it came. */
export const StreamMeta = z.object({
  config: z.looseObject({ name: z.string(), retention: z.string(), num_replicas: z.number() }),
  state: z.looseObject({ messages: z.number(), bytes: z.number(), last_seq: z.number() }),
});
export type StreamMeta = z.infer<typeof StreamMeta>;

const Refusal = z.object({ error: z.object({ description: z.string() }) });
const Target = z.object({ deliver_subject: z.string() });

export interface Connected {
  readonly connection: NatsConnection;
  /** What this user hears answers under. */
  readonly inboxPrefix: string;
}

function answer<S extends z.ZodType>(schema: S, text: string, what: string): z.output<S> {
  const json: unknown = text === "" ? {} : JSON.parse(text);
  const refusal = Refusal.safeParse(json).data;
  if (refusal !== undefined) throw new Error(`${what}: NATS says "${refusal.error.description}"`);
  return schema.parse(json);
}

async function ask<S extends z.ZodType>(
  { connection }: Connected,
  subject: string,
  body: object,
  schema: S,
  what: string,
): Promise<z.output<S>> {
  const message = await connection.request(subject, JSON.stringify(body), { timeout: ANSWER_MS });
  return answer(schema, message.string(), what);
}

/**
 * Writes a stream to `file`. @returns what it held. @throws when the snapshot is not whole.
 *
 * The server reads every message before it begins. One that is taken from the queue in that very moment it may call bad,
 * and finds nothing wrong with the stream a moment later.
 */
export async function saveStream(nats: Connected, name: string, file: string): Promise<StreamMeta> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await saveOnce(nats, name, file);
    } catch (error) {
      if (tries === CHECK_TRIES || !(error instanceof Error) || !FOUND_BAD.test(error.message)) throw error;
      await pause(CHECK_AGAIN_MS);
    }
  }
}

async function saveOnce(nats: Connected, name: string, file: string): Promise<StreamMeta> {
  const { connection, inboxPrefix } = nats;
  const what = `The stream ${name} cannot be saved`;
  const inbox = createInbox(inboxPrefix);
  const chunks = connection.subscribe(inbox);
  const out = createWriteStream(file, { mode: 0o600, flush: true });
  const written = finished(out);
  written.catch(() => undefined);
  let silent = false;
  const watch = setTimeout(() => {
    silent = true;
    chunks.unsubscribe();
  }, ANSWER_MS + SILENCE_MS);
  try {
    const meta = await ask(
      nats,
      `$JS.API.STREAM.SNAPSHOT.${name}`,
      { deliver_subject: inbox, chunk_size: CHUNK_BYTES, jsck: true },
      StreamMeta,
      what,
    );
    for await (const chunk of chunks) {
      watch.refresh();
      // The last one is empty; with a status it says why it is the last.
      if (chunk.data.length === 0) {
        const { code = 0, description = "" } = chunk.headers ?? {};
        if (code >= 300) throw new Error(`${what}: the snapshot broke off (${code} ${description})`);
        out.end();
        await written;
        return meta;
      }
      if (!out.write(chunk.data)) await Promise.race([once(out, "drain"), written]);
      chunk.respond();
    }
    throw new Error(`${what}: ${silent ? "the server has fallen silent" : "the connection was lost"}`);
  } finally {
    clearTimeout(watch);
    chunks.unsubscribe();
    if (!out.writableEnded) out.destroy();
  }
}

/** Makes a stream that is not there from `file`, kept `replicas` times. @throws when the server does not take it. */
export async function restoreStream(
  nats: Connected,
  { config, state }: StreamMeta,
  file: string,
  replicas: number,
): Promise<void> {
  const what = `The stream ${config.name} cannot be restored`;
  const { deliver_subject: target } = await ask(
    nats,
    `$JS.API.STREAM.RESTORE.${config.name}`,
    { config: { ...config, num_replicas: replicas }, state },
    Target,
    what,
  );
  const send = async (chunk: Uint8Array) => {
    const message = await nats.connection.request(target, chunk, { timeout: ANSWER_MS });
    return message.string();
  };
  const source = await open(file);
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) break;
      answer(z.unknown(), await send(buffer.subarray(0, bytesRead)), what);
    }
  } finally {
    await source.close();
  }
  const made = answer(StreamMeta, await send(new Uint8Array()), what);
  // Never less than it said of itself; it may be somewhat newer.
  if (made.state.last_seq < state.last_seq) {
    throw new Error(`${what}: it ends at ${made.state.last_seq}, not at ${state.last_seq}`);
  }
}
