import { setTimeout as pause } from "node:timers/promises";
import { Fatal, Transient } from "@gpu-power-manager/shared/errors";
import { isConflict, type StateStore } from "@gpu-power-manager/shared/state-bucket";
import type { z } from "zod";

/** Two writers that meet this often in a row are not two writers but a fault. */
const MAX_CONFLICTS = 20;
/** Between tries to write into a bucket that was made again. */
const RESTORE_MS = 500;

/** What a document needs of the bucket. */
export type DocumentStore = Pick<StateStore, "get" | "put" | "onRemade" | "defaced" | "lost">;

/** Of several documents on one key (a name that was given to another machine) the one opened last speaks for it. */
const latest = new WeakMap<DocumentStore, Map<string, object>>();

export interface KvDocumentOptions<S extends z.ZodType> {
  readonly kv: DocumentStore;
  readonly key: string;
  readonly schema: S;
  readonly initial: () => z.output<S>;
  /** Whether this process holds the lease: asked before each write. */
  readonly mayWrite: () => boolean;
  /**
   * It only counts or learns, so that one which cannot be read begins anew, loudly: no start waits for a person on its
   * account. Never for what decides whether there is work, or whether a machine is on.
   */
  readonly expendable?: true;
}

/**
 * One JSON document in KV, held in memory by the power that acts and written with the expected revision. Changes are
 * serialised.
 *
 * It is written once when it is opened, changed or not. A write that the power before left on its way (paused, or cut
 * off) was made on an older revision, so from then on it is refused; and since that power may not write any more
 * without the lease, it cannot try again on the new one. Without this its late write would stand in KV, unknown to the
 * memory of the power that acts.
 */
export class KvDocument<S extends z.ZodType> {
  private readonly options: KvDocumentOptions<S>;
  private current: z.output<S>;
  private revision = 0;
  private tail: Promise<unknown> = Promise.resolve();

  private constructor(options: KvDocumentOptions<S>) {
    this.options = options;
    this.current = options.initial();
  }

  /**
   * Reads the document, or begins with `initial` where there is none.
   * @throws Fatal when it is not readable, and not expendable.
   */
  static async open<S extends z.ZodType>(options: KvDocumentOptions<S>) {
    const document = new KvDocument(options);
    await document.load();
    await document.write((value) => value, { evenUnchanged: true });
    const { kv, key } = options;
    const documents = latest.get(kv) ?? new Map<string, object>();
    latest.set(kv, documents.set(key, document));
    kv.onRemade(() => {
      if (documents.get(key) === document) void document.restore();
    });
    return document;
  }

  get value(): z.output<S> {
    return this.current;
  }

  private async load(): Promise<void> {
    const { kv, key, schema, initial, mayWrite, expendable } = this.options;
    const entry = await kv.get(key);
    if (entry === null && this.revision > 0) {
      // Nobody deleted the key, or that would be there to read: the bucket was, and what is in memory is all there is.
      this.revision = 0;
      return;
    }
    if (entry === null || entry.operation !== "PUT") {
      this.revision = entry?.revision ?? 0;
      this.current = initial();
      return;
    }
    const parsed = schema.safeParse(jsonOf(entry.string()));
    if (!parsed.success) {
      if (this.revision > 0 && mayWrite()) {
        // Nobody else writes while we hold the lease: what stands there now is no power's state, and memory has it.
        kv.defaced(key);
        this.revision = entry.revision;
        return;
      }
      if (expendable === true && mayWrite()) {
        kv.lost(key);
        this.revision = entry.revision;
        this.current = initial();
        return;
      }
      // Beginning anew would forget what it holds, so a person has to look.
      throw new Fatal(
        "state_unreadable",
        `The state "${key}" in NATS cannot be read (${parsed.error.issues[0]?.message ?? "unknown shape"}): ` +
          "another version wrote it, or somebody who should not. Run that version, or bring the last backup back: make restore",
      );
    }
    this.revision = entry.revision;
    this.current = parsed.data;
  }

  /**
   * Applies `update` to the newest value and writes the result; where somebody else wrote in between, reads
   * theirs and applies it again. Nothing is written when `update` returns the value it was given.
   * @returns the value as written. @throws when NATS does not take it, or the lease is not held: then the value is
   * as it was.
   */
  async change(update: (value: z.output<S>) => z.output<S>): Promise<z.output<S>> {
    const turn = this.tail.then(() => this.write(update, { evenUnchanged: false }));
    this.tail = turn.catch(() => undefined);
    return await turn;
  }

  /** Writes it into a bucket that was made again, as soon as that can be. */
  private async restore(): Promise<void> {
    for (;;) {
      try {
        const turn = this.tail.then(() => this.write((value) => value, { evenUnchanged: true }));
        this.tail = turn.catch(() => undefined);
        await turn;
        return;
      } catch {
        await pause(RESTORE_MS, undefined, { ref: false });
      }
    }
  }

  private async write(
    update: (value: z.output<S>) => z.output<S>,
    { evenUnchanged }: { evenUnchanged: boolean },
  ): Promise<z.output<S>> {
    const { kv, key, mayWrite } = this.options;
    for (let conflicts = 0; ; conflicts += 1) {
      const next = update(this.current);
      if (next === this.current && !evenUnchanged) return next;
      if (!mayWrite()) {
        throw new Transient("lease_lapsed", "Nothing is written while the lease is not held.");
      }
      try {
        this.revision = await kv.put(key, JSON.stringify(next), { previousSeq: this.revision });
        this.current = next;
        return next;
      } catch (error) {
        if (!isConflict(error) || conflicts >= MAX_CONFLICTS) throw error;
        // Also after a write whose answer was lost: the value read now then holds it already.
        await this.load();
      }
    }
  }
}

/** Undefined where it is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
