/**
 * The bucket of state in NATS of one service, made again where somebody deleted it: by the service itself where it may,
 * else by `make setup-nats`. What the service holds in memory is then all there is, so whoever keeps something in it is
 * told, and writes it anew.
 */
import {
  ErrorCode,
  type JetStreamManager,
  type KV,
  type KvEntry,
  type KvPutOptions,
  type KvWatchOptions,
  type NatsConnection,
  NatsError,
  type QueuedIterator,
  type StreamInfo,
} from "nats";
import { describeError } from "./errors.ts";
import { type BucketName, STREAMS } from "./events.ts";
import type { Logger } from "./logger.ts";
import { apiCode, bucketConfig, ensureStream } from "./streams.ts";

/**
 * The bucket is made right after the streams. One that is this much younger than all of them is not the first: what
 * its predecessor held is not known. In a cluster that is just starting some minutes may pass in between.
 */
const MADE_WITH_STREAMS_MS = 5 * 60_000;

/** The server's code for "somebody wrote in between". */
const WRONG_LAST_SEQUENCE = 10071;

/** Whether a write was refused because somebody wrote since the revision that it was made on. */
export function isConflict(error: unknown): boolean {
  return apiCode(error) === WRONG_LAST_SEQUENCE;
}

export interface BucketParts {
  readonly bucket: BucketName;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly replicas: number;
  /** How long an answer is awaited, in milliseconds. */
  readonly answerMs: number;
  readonly logger: Logger;
  /** A write failed, other than by a conflict; `what` is the kind of state, such as `lease` or `ledger`. */
  readonly onFailure: (what: string) => void;
}

/** What a part that keeps something needs of it. */
export type StateStore = Pick<
  StateBucket,
  "get" | "put" | "ensure" | "onRemade" | "madeAgain" | "defaced" | "lost"
>;

export class StateBucket {
  private readonly parts: BucketParts;
  private readonly life: Life;
  private readonly kv: KV;
  /** The newest revision of each key that this process has seen. */
  private readonly revisions = new Map<string, number>();
  /** Kinds of state that could not be written last. */
  private readonly troubled = new Set<string>();

  private constructor(parts: BucketParts, life: Life, kv: KV) {
    this.parts = parts;
    this.life = life;
    this.kv = kv;
    life.onRemade(() => this.revisions.clear());
  }

  /** Opens the bucket, and makes it where it is not there. */
  static async open(parts: BucketParts): Promise<StateBucket> {
    const life = new Life(parts);
    await life.check();
    return new StateBucket(parts, life, await kvOf(parts));
  }

  /** The same bucket, for whom an answer after `answerMs` is too late. */
  async answeringWithin(answerMs: number): Promise<StateBucket> {
    const parts = { ...this.parts, answerMs };
    return new StateBucket(parts, this.life, await kvOf(parts));
  }

  /** Whether there was another before this one, so that a key which is not there may have been in that. */
  get madeAgain(): boolean {
    return this.life.madeAgain;
  }

  /** Calls back when the bucket is found to be another one: nothing that was written is in it. */
  onRemade(listener: () => void): void {
    this.life.onRemade(listener);
  }

  /** Makes the bucket again where it is gone. */
  async ensure(): Promise<void> {
    await this.life.check();
  }

  /** @returns null when the key is not there; a bucket that is not there is made first. */
  async get(key: string): Promise<KvEntry | null> {
    const entry = await this.kv.get(key);
    // The client says the same of a key and of a bucket that are not there. And revisions of one bucket only grow.
    if (entry !== null && entry.revision >= (this.revisions.get(key) ?? 0)) return this.seen(key, entry);
    return (await this.life.check()) ? this.seen(key, await this.kv.get(key)) : entry;
  }

  /** @returns the revision. @throws when NATS does not take it, and, by a conflict, when the bucket was made again. */
  async put(key: string, text: string, options: Partial<KvPutOptions> = {}): Promise<number> {
    const what = kindOf(key);
    try {
      const revision = await this.write(key, text, options);
      this.revisions.set(key, revision);
      if (this.troubled.delete(what)) this.parts.logger.info({ what }, "state is kept in NATS again");
      return revision;
    } catch (error) {
      if (isConflict(error)) {
        // Refused because the key is not there: nobody wrote in between, the bucket is another one.
        if (options.previousSeq !== 0) await this.life.check().catch(() => undefined);
      } else {
        this.parts.onFailure(what);
        if (!this.troubled.has(what)) {
          const words = "State cannot be kept in NATS; it is tried again";
          this.parts.logger.warn({ what, key, cause: describeError(error) }, words);
        }
        this.troubled.add(what);
      }
      throw error;
    }
  }

  /** Something that is no state was found where ours stood: told, and counted as a failure. */
  defaced(key: string): void {
    const what = kindOf(key);
    this.parts.onFailure(what);
    const words =
      "State in NATS was replaced by something that nobody of ours wrote; what is known here is written over it. Find out who has a service's NATS password (docs/security.md)";
    this.parts.logger.error({ what, key }, words);
  }

  /** State that only counts or learns cannot be read, and begins anew: told, and counted as a failure. */
  lost(key: string): void {
    const what = kindOf(key);
    this.parts.onFailure(what);
    const words =
      "State in NATS cannot be read, and begins anew, because no machine hangs on it: another version wrote it, or somebody who should not. `make restore` brings the one of the last backup back";
    this.parts.logger.error({ what, key }, words);
  }

  async delete(key: string): Promise<void> {
    await this.kv.delete(key);
  }

  /** The names of the keys that match the filter. */
  async keys(filter: string): Promise<QueuedIterator<string>> {
    return await this.kv.keys(filter);
  }

  async watch(options: KvWatchOptions): Promise<QueuedIterator<KvEntry>> {
    return await this.kv.watch(options);
  }

  private async write(key: string, text: string, options: Partial<KvPutOptions>): Promise<number> {
    try {
      return await this.kv.put(key, text, options);
    } catch (error) {
      // Nobody listens on the bucket's subjects.
      if (!(error instanceof NatsError) || error.code !== ErrorCode.NoResponders) throw error;
      await this.life.check();
      return await this.kv.put(key, text, options);
    }
  }

  private seen(key: string, entry: KvEntry | null): KvEntry | null {
    if (entry !== null) this.revisions.set(key, entry.revision);
    return entry;
  }
}

async function kvOf({ connection, answerMs, bucket }: BucketParts): Promise<KV> {
  const js = connection.jetstream({ timeout: answerMs });
  return await js.views.kv(bucket, { allow_direct: false, bindOnly: true });
}

/** The kind of a key: `lease.<pool>` → `lease`, `listener.<pool>.ledger` → `ledger`. */
function kindOf(key: string): string {
  const [head = "", , last = head] = key.split(".");
  return head === "listener" ? last : head;
}

/** Whether the bucket is still the one that it was: it is a stream, and known by when it was made. */
class Life {
  private readonly parts: BucketParts;
  private readonly listeners: Array<() => void> = [];
  private created: string | undefined;
  private again = false;
  private told: string | undefined;
  private checking: Promise<boolean> | undefined;

  constructor(parts: BucketParts) {
    this.parts = parts;
  }

  get madeAgain(): boolean {
    return this.again;
  }

  onRemade(listener: () => void): void {
    this.listeners.push(listener);
  }

  /**
   * Looks, and makes it where it is gone. @returns whether it is another one than at the last look.
   * @throws when it is gone and this user may not make it.
   */
  async check(): Promise<boolean> {
    this.checking ??= this.look().finally(() => {
      this.checking = undefined;
    });
    return await this.checking;
  }

  private async look(): Promise<boolean> {
    const { created } = await this.ensure();
    if (created === this.created) return false;
    const known = this.created !== undefined;
    this.again = known || (await this.isSuccessor(created));
    this.created = created;
    if (!known) return false;
    this.parts.logger.warn(
      { created },
      "The state bucket in NATS was deleted; it is made again, and what is in memory is written into it",
    );
    for (const listener of this.listeners) listener();
    return true;
  }

  private async ensure(): Promise<StreamInfo> {
    const { manager, replicas, bucket, logger } = this.parts;
    return await ensureStream(manager, bucketConfig(bucket, replicas), (cause) => {
      if (cause !== this.told) logger.warn({ cause }, "The state bucket in NATS is not as it should be");
      this.told = cause;
    });
  }

  private async isSuccessor(created: string): Promise<boolean> {
    const streams = await Promise.all(
      Object.values(STREAMS).map((name) => this.parts.manager.streams.info(name)),
    );
    const first = Math.min(...streams.map((stream) => Date.parse(stream.created)));
    return Date.parse(created) - first > MADE_WITH_STREAMS_MS;
  }
}
