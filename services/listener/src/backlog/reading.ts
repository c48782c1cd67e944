/**
 * One reading of the gateway's backlog: in small steps, and of each entry only what is needed is kept, so that
 * neither we nor the gateway's Redis ever hold much of it at once.
 */
import { Flow } from "./flow.ts";
import { isActiveTask, PENDING_PREFIX, type PendingJob, PendingList, STATUS_PREFIX } from "./pending.ts";

/** Matches both families of keys, so that one pass over the key space is enough. */
const PATTERN = "dsp:*task*";
/** Keys looked at a step; each step is short, because a live server answers others in between. */
const SCAN_COUNT = 1_000;
/** Lists that are read beside one another; how much of them is under way at once is up to the flow. */
const LANES = 64;
/** A list that changes while it is read is read again, so many times. */
const TRIES = 3;

export interface ReadingLimits {
  /** Keys of either family. */
  readonly keys: number;
  /** Entries of all lists together. */
  readonly entries: number;
  /** Bytes of all entries together. */
  readonly bytes: number;
  /** Bytes under way at once. */
  readonly bytesUnderWay: number;
}

const MIB = 1024 * 1024;

export const LIMITS: ReadingLimits = {
  // A hundred times the licenses of a large gateway; their names alone fill some 20 MB.
  keys: 100_000,
  // What a successor has to know of them still fits into one message of NATS (`ledger-state.ts`).
  entries: 100_000,
  // Some seconds of a fast network: 500 jobs of 1 MB each.
  bytes: 512 * MIB,
  bytesUnderWay: 8 * MIB,
};

/**
 * Why only a part was seen: a limit, or a list that changed each time it was read (`change`).
 */
export type PartCause = "keys" | "entries" | "bytes" | "change";

export interface BacklogReading {
  /** The waiting jobs that could be understood. */
  readonly pending: readonly PendingJob[];
  /** How many jobs wait, with those that could not be understood; at least so many where only a part was seen. */
  readonly waiting: number;
  /** Entries of task status that are young enough to mean work, or were not seen and may be. */
  readonly activeTasks: number;
  /** Unset when all was seen. */
  readonly part: PartCause | undefined;
  /** How far our clock is ahead of Redis', in milliseconds, less than 0 where it is behind; exact to half an answer's way. */
  readonly aheadMs: number;
}

/** The commands that a reading needs, of a connection. */
export interface BacklogSource {
  time(): Promise<number[]>;
  scan(
    cursor: string,
    match: "MATCH",
    pattern: string,
    token: "COUNT",
    count: number,
  ): Promise<[string, string[]]>;
  lrangeBuffer(key: string, start: number, stop: number): Promise<Buffer[]>;
  hvalsBuffer(key: string): Promise<Buffer[]>;
}

/** What an entry of this hash was read as before; undefined for one that is new. */
export type Recall = (hash: string) => PendingJob | undefined;

/** @throws when Redis cannot be asked, or a key is of another type than it should be. */
export async function readBacklog(
  source: BacklogSource,
  recall: Recall,
  limits: ReadingLimits = LIMITS,
): Promise<BacklogReading> {
  return await new Reading(source, recall, limits).run();
}

class Reading {
  private readonly source: BacklogSource;
  private readonly recall: Recall;
  private readonly limits: ReadingLimits;
  private readonly flow: Flow;
  private readonly pending: PendingJob[] = [];
  private waiting = 0;
  private activeTasks = 0;
  private entries = 0;
  private bytes = 0;
  private part: PartCause | undefined;

  constructor(source: BacklogSource, recall: Recall, limits: ReadingLimits) {
    this.source = source;
    this.recall = recall;
    this.limits = limits;
    this.flow = new Flow(limits.bytesUnderWay);
  }

  async run(): Promise<BacklogReading> {
    // The gateway's task times are compared with its own side's clock, so ours may be wrong.
    const askedAt = Date.now();
    const [nowS = Number.NaN, microseconds = 0] = (await this.source.time()).map(Number);
    const aheadMs = (askedAt + Date.now()) / 2 - (nowS * 1_000 + microseconds / 1_000);
    const { lists, statuses } = await this.findKeys();
    await beside(LANES, lists, (key) => this.readList(key));
    await beside(LANES, statuses, (key) => this.readTasks(key, nowS));
    const { pending, waiting, activeTasks, part } = this;
    return { pending, waiting, activeTasks, part, aheadMs };
  }

  /** SCAN, never KEYS: it may tell a key twice, never hide one that was there all the while. */
  private async findKeys(): Promise<{ lists: Set<string>; statuses: Set<string> }> {
    const lists = new Set<string>();
    const statuses = new Set<string>();
    let cursor = "0";
    do {
      const [next, found] = await this.source.scan(cursor, "MATCH", PATTERN, "COUNT", SCAN_COUNT);
      cursor = next;
      for (const key of found) {
        const family = key.startsWith(PENDING_PREFIX)
          ? lists
          : key.startsWith(STATUS_PREFIX)
            ? statuses
            : undefined;
        if (family === undefined || family.has(key)) continue;
        if (family.size < this.limits.keys) family.add(key);
        else this.pass("keys", family === lists);
      }
    } while (cursor !== "0");
    return { lists, statuses };
  }

  /** One key is not read: a list that is there holds a job at least, and a task that was not seen may be young. */
  private pass(cause: PartCause | undefined, isList: boolean): void {
    this.part ??= cause;
    if (isList) this.waiting += 1;
    else this.activeTasks += 1;
  }

  private get full(): PartCause | undefined {
    if (this.entries > this.limits.entries) return "entries";
    return this.bytes > this.limits.bytes ? "bytes" : undefined;
  }

  private async readList(key: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const { jobs, count, part } = await this.readWindows(key);
      if (part === "change" && tries < TRIES) continue;
      for (const job of jobs) this.pending.push(job);
      this.waiting += count;
      if (part !== undefined && count === 0) this.pass(part, true);
      this.part ??= part;
      return;
    }
  }

  /**
   * Reads a list from its old end, a window after the other. Each begins with the last entry of the one before: if
   * that is another by now, entries were taken out in between, and some might be seen twice or not at all.
   */
  private async readWindows(
    key: string,
  ): Promise<{ jobs: PendingJob[]; count: number; part: PartCause | undefined }> {
    const list = new PendingList(key.slice(PENDING_PREFIX.length));
    const jobs: PendingJob[] = [];
    let count = 0;
    let last: string | undefined;
    for (;;) {
      const answer = await this.ask(last !== undefined, (window) => {
        const start = last === undefined ? 0 : count - 1;
        return this.source.lrangeBuffer(key, start, start + window - 1);
      });
      if (answer === undefined) return { jobs, count, part: this.full };
      const { window, raws } = answer;
      for (const [place, raw] of raws.entries()) {
        const hash = list.hash(raw);
        if (place === 0 && last !== undefined) {
          if (hash !== last) return { jobs, count, part: "change" };
          continue;
        }
        last = hash;
        count += 1;
        this.entries += 1;
        const job = this.recall(hash) ?? list.read(raw, hash);
        if (job !== undefined) jobs.push(job);
      }
      if (raws.length < window) {
        // The one that should have been the first is gone, too.
        const change = raws.length === 0 && last !== undefined;
        return { jobs, count, part: change ? "change" : undefined };
      }
    }
  }

  private async readTasks(key: string, nowS: number): Promise<void> {
    const answer = await this.ask(false, () => this.source.hvalsBuffer(key));
    if (answer === undefined) return this.pass(this.full, false);
    for (const raw of answer.raws) if (isActiveTask(raw, nowS)) this.activeTasks += 1;
  }

  /** Sends a command when there is room for its answer; undefined when a limit is reached by then. */
  private async ask(
    begun: boolean,
    command: (window: number) => Promise<Buffer[]>,
  ): Promise<{ readonly window: number; readonly raws: readonly Buffer[] } | undefined> {
    const window = await this.flow.begin(begun);
    if (this.full !== undefined) {
      this.flow.end(window, 0);
      return undefined;
    }
    const raws = await command(window);
    let largest = 0;
    for (const { length } of raws) {
      this.bytes += length;
      largest = Math.max(largest, length);
    }
    // More than was asked for (a hash comes whole) counts as if it were fewer and larger.
    this.flow.end(window, raws.length > window ? (largest * raws.length) / window : largest);
    return { window, raws };
  }
}

/** Asks for each key, several beside one another; after a failure no further one is asked for. */
async function beside(
  lanes: number,
  keys: Iterable<string>,
  ask: (key: string) => Promise<void>,
): Promise<void> {
  const rest = keys[Symbol.iterator]();
  let failed = false;
  const lane = async () => {
    for (let next = rest.next(); !next.done && !failed; next = rest.next()) await ask(next.value);
  };
  const lanesRun = Array.from({ length: lanes }, () =>
    lane().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  await Promise.all(lanesRun);
}
