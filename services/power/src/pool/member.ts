import type { KvDocument } from "../state/kv-document.ts";
import type { InstanceView } from "./decide/snapshot.ts";
import { type Looks, NO_LOOKS } from "./instance/looks.ts";
import { type InstanceRecord, newRecord } from "./instance/record.ts";
import { type Prices, pricesOf } from "./instance/spending.ts";
import { viewOf } from "./instance/view.ts";
import type { Instance } from "./pool.ts";

/** A forgotten machine that the provider has not listed for so many looks in a row is released; about five minutes. */
const GONE_LOOKS = 20;

/** One instance: its configuration, its durable record, and what this process saw of it. */
export class Member {
  instance: Instance;
  /** It is on, and not in the pool file any more. */
  forgotten = false;
  looks: Looks = NO_LOOKS;
  /** The run (by its beginning) whose worker was seen coming online. */
  workerSeenIn: number | null = null;
  private document: KvDocument<typeof InstanceRecord>;

  constructor(instance: Instance, document: KvDocument<typeof InstanceRecord>) {
    this.instance = instance;
    this.document = document;
  }

  get record(): InstanceRecord {
    return this.document.value;
  }

  /** What an hour of it costs. */
  prices(now: number): Prices {
    return pricesOf(this.instance, this.looks, now);
  }

  /** It is on, or on its way, or something is under way on it. */
  get on(): boolean {
    return isOn(this.record);
  }

  /** A forgotten machine of which nothing more is to be watched: it is off, or the provider has it no more. */
  get done(): boolean {
    const { unknown, unknownLooks } = this.looks;
    const released = unknown?.reason === "not_in_list" && unknownLooks >= GONE_LOOKS;
    return this.forgotten && (!this.on || released);
  }

  view(): InstanceView {
    return viewOf(this.instance, this.record, this.looks, this.forgotten);
  }

  /** Writes a change of the record; see `KvDocument.change`. */
  async change(update: (record: InstanceRecord) => InstanceRecord): Promise<InstanceRecord> {
    return await this.document.change(update);
  }

  /** Goes on under another name, whose document takes over what is known. */
  async moveTo(id: string, document: KvDocument<typeof InstanceRecord>): Promise<void> {
    const { record, document: before } = this;
    await document.change(() => record);
    this.document = document;
    this.instance = { ...this.instance, id };
    // Else the name before would say for ever that the machine is on. It may be another machine's by now.
    await before.change((old) => (old.providerId === record.providerId ? newRecord(old) : old));
  }
}

export function isOn({ state, attempt }: InstanceRecord): boolean {
  return attempt !== null || (state !== "stopped" && state !== "unknown");
}
