import { isDeepStrictEqual } from "node:util";
import type { StateBucket } from "@gpu-power-manager/shared/state-bucket";
import { type DocumentStore, KvDocument } from "../state/kv-document.ts";
import type { InstanceView } from "./decide/snapshot.ts";
import { InstanceRecord, newRecord } from "./instance/record.ts";
import { withoutFuture, withRunPriced, writeOff } from "./instance/running-time.ts";
import { isOn, Member } from "./member.ts";
import type { Instance, Pool } from "./pool.ts";
import { rosterOf } from "./roster.ts";

/** The pool's instances, following the pool file; and those that it lists no more, until they are off. */
export class Fleet {
  private readonly kv: DocumentStore & Pick<StateBucket, "keys">;
  private readonly mayWrite: () => boolean;
  private readonly now: () => number;
  private pool: Pool | undefined;
  members: readonly Member[] = [];

  /** @param mayWrite whether this process holds the lease. */
  constructor(kv: DocumentStore & Pick<StateBucket, "keys">, mayWrite: () => boolean, now: () => number) {
    this.kv = kv;
    this.mayWrite = mayWrite;
    this.now = now;
  }

  /** Those that the pool file lists: they alone are started, and serve demand. */
  get listed(): readonly Member[] {
    return this.members.filter(({ forgotten }) => !forgotten);
  }

  /** All instances as `decide` sees them. */
  views(): InstanceView[] {
    return this.members.map((member) => member.view());
  }

  find(id: string): Member | undefined {
    return this.members.find((member) => member.instance.id === id);
  }

  /**
   * Takes the pool's list of instances over; those that stay keep what is known of them, under another name, too.
   * @returns whether there was anything to take over. @throws when it cannot be written; to be called again then.
   */
  async follow(pool: Pool): Promise<boolean> {
    const done = this.members.filter((member) => member.done);
    if (pool === this.pool && done.length === 0) return false;
    for (const member of done) await member.change((record) => writeOff(record));
    const before = this.pool === undefined ? await this.remembered(pool) : this.members;
    const known = before
      .filter((member) => !done.includes(member))
      .map((member) => ({
        id: member.instance.id,
        providerId: member.instance.providerId,
        on: member.on,
        member,
      }));
    const { listed, forgotten } = rosterOf(pool.instances, known);
    // These first: their names may be given to others, whose records then take the place of theirs.
    const left: Member[] = [];
    for (const { known: found, id } of forgotten) {
      const { member } = found;
      if (member.instance.id !== id) await this.rename(member, pool, id);
      member.forgotten = true;
      left.push(member);
    }
    const members: Member[] = [];
    for (const { instance, known: found } of listed) {
      const member = found?.member ?? new Member(instance, await this.open(pool, instance));
      if (member.instance.id !== instance.id) await this.rename(member, pool, instance.id);
      member.instance = instance;
      member.forgotten = false;
      await remember(member);
      members.push(member);
    }
    this.members = [...members, ...left];
    this.pool = pool;
    return true;
  }

  /** The machines that were on when a power last wrote of them, whether the pool file lists them or not. */
  private async remembered(pool: Pool): Promise<Member[]> {
    const prefix = `instance.${pool.pool}.`;
    const ids: string[] = [];
    for await (const key of await this.kv.keys(`${prefix}*`)) ids.push(key.slice(prefix.length));
    const members: Member[] = [];
    for (const id of ids.sort()) {
      const entry = await this.kv.get(`${prefix}${id}`);
      if (entry === null || entry.operation !== "PUT") continue;
      const { data: record } = InstanceRecord.safeParse(entry.json());
      // What was off is nobody's concern; one that cannot be read is, and says so when it is opened.
      if (record !== undefined && !isOn(record)) continue;
      const document = await this.document(pool, id, () => newRecord({ providerId: "" }));
      const { providerId, terms } = document.value;
      members.push(new Member({ id, providerId, priority: 0, currency: "CNY", ...terms }, document));
    }
    return members;
  }

  private async open(pool: Pool, instance: Instance): Promise<KvDocument<typeof InstanceRecord>> {
    const document = await this.document(pool, instance.id, () => newRecord(instance));
    // The name was given to another machine: what was recorded is not about this one.
    if (document.value.providerId !== instance.providerId) await document.change(() => newRecord(instance));
    return document;
  }

  private async rename(member: Member, pool: Pool, id: string): Promise<void> {
    await member.moveTo(id, await this.document(pool, id, () => member.record));
  }

  private async document({ pool, policy }: Pool, id: string, initial: () => InstanceRecord) {
    const document = await KvDocument.open({
      kv: this.kv,
      key: `instance.${pool}.${id}`,
      schema: InstanceRecord,
      initial,
      mayWrite: this.mayWrite,
    });
    await document.change((record) => withoutFuture(withRunPriced(record), this.now(), policy.quarantine));
    return document;
  }
}

/** Writes down what the pool file says that a machine costs: when it is forgotten, the file does not say it any more. */
async function remember(member: Member): Promise<void> {
  const { pricePerHour, currency } = member.instance;
  const terms = { ...(pricePerHour === undefined ? {} : { pricePerHour }), currency };
  await member.change((record) => (isDeepStrictEqual(record.terms, terms) ? record : { ...record, terms }));
}
