import { Fatal } from "@gpu-power-manager/shared/errors";
import { type KV, NatsError } from "nats";
import type { z } from "zod";

/** The server's code for "somebody wrote in between". */
const WRONG_LAST_SEQUENCE = 10071;
/** Two writers that meet this often in a row are not two writers but a fault. */
const MAX_CONFLICTS = 20;

/**
 * One JSON document in KV, held in memory and written with the expected revision, so that a second writer is
 * noticed instead of overwritten. Changes are serialised.
 */
export class KvDocument<S extends z.ZodType> {
  private readonly kv: KV;
  private readonly key: string;
  private readonly schema: S;
  private readonly initial: () => z.output<S>;
  private current: z.output<S>;
  private revision = 0;
  private tail: Promise<unknown> = Promise.resolve();

  private constructor(kv: KV, key: string, schema: S, initial: () => z.output<S>) {
    this.kv = kv;
    this.key = key;
    this.schema = schema;
    this.initial = initial;
    this.current = initial();
  }

  /** Reads the document, or begins with `initial` where there is none. @throws Fatal when it is not readable. */
  static async open<S extends z.ZodType>(kv: KV, key: string, schema: S, initial: () => z.output<S>) {
    const document = new KvDocument(kv, key, schema, initial);
    await document.load();
    return document;
  }

  get value(): z.output<S> {
    return this.current;
  }

  private async load(): Promise<void> {
    const entry = await this.kv.get(this.key);
    if (entry === null || entry.operation !== "PUT") {
      this.revision = entry?.revision ?? 0;
      this.current = this.initial();
      return;
    }
    const parsed = this.schema.safeParse(entry.json());
    if (!parsed.success) {
      // Beginning anew would forget what it holds, so a person has to look.
      throw new Fatal(
        "state_unreadable",
        `The state "${this.key}" in NATS cannot be read (${parsed.error.issues[0]?.message ?? "unknown shape"}): ` +
          "it was written by another version. Run that version, or delete the key to begin anew.",
      );
    }
    this.revision = entry.revision;
    this.current = parsed.data;
  }

  /**
   * Applies `update` to the newest value and writes the result; where somebody else wrote in between, reads
   * theirs and applies it again. Nothing is written when `update` returns the value it was given.
   * @returns the value as written. @throws when NATS does not take it: then the value is as it was.
   */
  async change(update: (value: z.output<S>) => z.output<S>): Promise<z.output<S>> {
    const turn = this.tail.then(() => this.write(update));
    this.tail = turn.catch(() => undefined);
    return await turn;
  }

  private async write(update: (value: z.output<S>) => z.output<S>): Promise<z.output<S>> {
    for (let conflicts = 0; ; conflicts += 1) {
      const next = update(this.current);
      if (next === this.current) return next;
      try {
        this.revision = await this.kv.put(this.key, JSON.stringify(next), { previousSeq: this.revision });
        this.current = next;
        return next;
      } catch (error) {
        const conflict = error instanceof NatsError && error.api_error?.err_code === WRONG_LAST_SEQUENCE;
        if (!conflict || conflicts >= MAX_CONFLICTS) throw error;
        // Also after a write whose answer was lost: the value read now then holds it already.
        await this.load();
      }
    }
  }
}
