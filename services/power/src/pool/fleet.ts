import type { KV } from "nats";
import { KvDocument } from "../state/kv-document.ts";
import type { InstanceView } from "./decide/snapshot.ts";
import { type Looks, NO_LOOKS } from "./instance/looks.ts";
import { InstanceRecord, newRecord } from "./instance/record.ts";
import { viewOf } from "./instance/view.ts";
import type { Instance, Pool } from "./pool.ts";

/** One instance of the pool: its configuration, its durable record, and what this process saw of it. */
export class Member {
  instance: Instance;
  looks: Looks = NO_LOOKS;
  /** The run (by its beginning) whose worker was seen coming online. */
  workerSeenIn: number | null = null;
  private readonly document: KvDocument<typeof InstanceRecord>;

  constructor(instance: Instance, document: KvDocument<typeof InstanceRecord>) {
    this.instance = instance;
    this.document = document;
  }

  get record(): InstanceRecord {
    return this.document.value;
  }

  get pricePerHour(): number {
    return this.instance.pricePerHour ?? 0;
  }

  view(): InstanceView {
    return viewOf(this.instance, this.record, this.looks);
  }

  /** Writes a change of the record; see `KvDocument.change`. */
  async change(update: (record: InstanceRecord) => InstanceRecord): Promise<InstanceRecord> {
    return await this.document.change(update);
  }
}

/** The pool's instances, following the pool file. */
export class Fleet {
  private readonly kv: KV;
  private readonly mayWrite: () => boolean;
  private pool: Pool | undefined;
  members: readonly Member[] = [];

  /** @param mayWrite whether this process holds the lease. */
  constructor(kv: KV, mayWrite: () => boolean) {
    this.kv = kv;
    this.mayWrite = mayWrite;
  }

  /** Takes the pool's list of instances over; those that stay keep what is known of them. Resolves to whether it is new. */
  async follow(pool: Pool): Promise<boolean> {
    if (pool === this.pool) return false;
    const members: Member[] = [];
    for (const instance of pool.instances) {
      const known = this.members.find(
        (member) => member.instance.id === instance.id && member.instance.providerId === instance.providerId,
      );
      if (known !== undefined) {
        known.instance = instance;
        members.push(known);
      } else {
        members.push(await this.open(pool.pool, instance));
      }
    }
    this.members = members;
    this.pool = pool;
    return true;
  }

  private async open(pool: string, instance: Instance): Promise<Member> {
    const key = `instance.${pool}.${instance.id}`;
    const document = await KvDocument.open({
      kv: this.kv,
      key,
      schema: InstanceRecord,
      initial: () => newRecord(instance),
      mayWrite: this.mayWrite,
    });
    // The name was given to another machine: what was recorded is not about this one.
    if (document.value.providerId !== instance.providerId) await document.change(() => newRecord(instance));
    return new Member(instance, document);
  }

  /** All instances as `decide` sees them. */
  views(): InstanceView[] {
    return this.members.map((member) => member.view());
  }

  find(id: string): Member | undefined {
    return this.members.find((member) => member.instance.id === id);
  }
}
