/**
 * The outbox on disk: what has waited for NATS since the last look is written down, so that neither a stop nor a
 * `kill -9` loses more than the events of one look. While NATS takes events there is no file at all.
 *
 * The file grows by what came since; it is written anew when NATS took something of it, or when many lines are about
 * events that more was folded into since. It is replaced as a whole, so it can be read at every moment.
 */
import { accessSync, constants, mkdirSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Outbox, Outgoing } from "./outbox.ts";
import { SpoolFile } from "./spool-file.ts";
import { jobsOf, lineOf } from "./spool-lines.ts";
import { leftName, ownName } from "./spool-names.ts";

/** Lines that are made and written at once: the gateway is listened to in between. */
const CHUNK = 1_000;
/** Lines about events that were folded further since, beyond which the file is written anew. */
const STALE_LINES = 200;

const RECOVER = "look for waiting jobs in the gateway's backlog and start the GPU by hand if there are any";

/** What passes by itself, or is told while the service runs: nothing that a start should fail on. */
const PASSING = ["ENOSPC", "EDQUOT", "EIO"];

/**
 * Makes sure of STATE_DIR now, because at the stop it would be too late.
 * @throws ConfigError when a person gave a folder that cannot be one, or not ours.
 */
export function openStateDir(folder: string | undefined): void {
  if (folder === undefined) return;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (error instanceof Error && "code" in error && PASSING.includes(String(error.code))) return;
    const problem = `STATE_DIR must be a folder that can be written: ${describeError(error)}`;
    throw new ConfigError("The environment", [problem]);
  }
}

export interface SpoolOptions {
  /** STATE_DIR; without it nothing is kept. */
  readonly folder: string | undefined;
  /** Of this process, for its files' names. */
  readonly id: string;
  readonly outbox: Outbox;
  readonly logger: Logger;
}

/** The file, and what of the outbox is in it. */
interface Kept {
  readonly file: SpoolFile;
  /** The first event in it, by its number among all that were ever in line, and the first that is not. */
  readonly from: number;
  to: number;
  /** Those that were not in line when they were written, as they were then. */
  readonly folded: Map<string, Outgoing>;
}

export class Spool {
  private readonly options: SpoolOptions;
  private readonly path: string;
  private kept: Kept | undefined;
  /** What waited when it was last looked: in line up to this number, and whether there was more than that. */
  private seen = { to: 0, folded: false };
  private missing = 0;
  private trouble: string | undefined;

  constructor(options: SpoolOptions) {
    this.options = options;
    this.path = join(options.folder ?? "", ownName(options.id));
  }

  /** Whether events outlive a stop at all. */
  get keeps(): boolean {
    return this.options.folder !== undefined;
  }

  /** Events that wait and are on disk. */
  get events(): number {
    const { outbox } = this.options;
    const { kept } = this;
    if (kept === undefined) return 0;
    const folded = outbox.folded().filter((each) => kept.folded.get(each.event.eventId) === each);
    return Math.max(0, kept.to - Math.max(kept.from, outbox.taken)) + folded.length;
  }

  /** Events that waited at the last look and could not be brought to disk: a stop or crash would lose them. */
  get unkept(): number {
    return this.missing;
  }

  /**
   * Brings the file up to what waits. To be called again and again, never twice at a time.
   * @param all also what has come since the last look; else only that some of it still waits makes a file.
   */
  async look(all = false): Promise<void> {
    const { outbox, folder } = this.options;
    const { seen } = this;
    const folded = outbox.folded();
    const to = outbox.taken + outbox.lined;
    const waits = outbox.depth > 0 && (all || outbox.taken < seen.to || seen.folded || folded.length > 0);
    this.seen = { to, folded: folded.length > 0 };
    if (folder === undefined) {
      this.missing = waits ? outbox.depth : 0;
      return;
    }
    try {
      if (waits) await this.write(folder, to, folded);
      // Whatever waited at the last look is gone, and nothing younger is in the file.
      else await this.remove();
      this.missing = 0;
      if (this.trouble !== undefined) this.options.logger.info("the spool can be written again");
      this.trouble = undefined;
    } catch (error) {
      this.missing = this.count(to, folded);
      this.tell(describeError(error));
    }
  }

  /**
   * Leaves the file to whoever runs next, and says what is in it, and what is not.
   * To be called after the last `look(true)`.
   */
  async leave(): Promise<void> {
    const { outbox, folder, logger } = this.options;
    if (outbox.depth === 0) return;
    const all = outbox.all();
    if (folder === undefined) {
      const words = `Events are lost that NATS had not taken: set STATE_DIR so that they are kept; ${RECOVER}`;
      logger.error({ events: all.length, jobs: jobsOf(all) }, words);
      return;
    }
    const lost = this.unwritten(outbox.taken + outbox.lined, outbox.folded());
    const kept = { events: all.length - lost.length, jobs: jobsOf(all) - jobsOf(lost) };
    if (this.kept !== undefined) {
      const file = join(folder, leftName(this.options.id));
      await this.kept.file.close();
      this.kept = undefined;
      await rename(this.path, file);
      logger.warn({ ...kept, file }, "Events that NATS had not taken are kept for the next start");
    }
    if (lost.length > 0) {
      const words = `Events are lost because the spool cannot be written: ${RECOVER}`;
      logger.error({ events: lost.length, jobs: jobsOf(lost), cause: this.trouble }, words);
    }
  }

  /** Brings all that waits into the file: by adding to it where that is enough. @throws when not all of it fits. */
  private async write(folder: string, to: number, folded: readonly Outgoing[]): Promise<void> {
    const { outbox } = this.options;
    const path = await stat(this.path).catch(() => undefined);
    if (this.kept !== undefined && !(await this.kept.file.is(path))) {
      // Another took us for dead, and has what was in it; or somebody has cleared the folder.
      await this.kept.file.close();
      this.kept = undefined;
    }
    const { kept } = this;
    if (kept === undefined) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      this.kept = await this.begin(this.path);
      await this.add(this.kept, to, folded);
      return;
    }
    const stale = outbox.taken > kept.from || kept.file.lines > 2 * outbox.depth + STALE_LINES;
    if (!stale || !(await this.replace(to, folded))) await this.add(kept, to, folded);
  }

  private async begin(path: string): Promise<Kept> {
    await rm(path, { force: true });
    const file = await SpoolFile.create(path);
    const from = this.options.outbox.taken;
    return { file, from, to: from, folded: new Map() };
  }

  /** Adds what is not in the file yet. @throws when not all of it fits; what does is in it. */
  private async add(kept: Kept, to: number, folded: readonly Outgoing[]): Promise<void> {
    const { outbox } = this.options;
    while (kept.to < to) {
      const { taken } = outbox;
      const from = Math.max(kept.to, taken);
      const chunk: Outgoing[] = [];
      for (let place = from; place < Math.min(to, from + CHUNK); place += 1) {
        const outgoing = outbox.at(place - taken);
        if (outgoing !== undefined) chunk.push(outgoing);
      }
      const { written, error } = await kept.file.append(chunk.map(lineOf));
      kept.to = from + written;
      if (error !== undefined) throw error;
    }
    const changed = folded.filter((outgoing) => kept.folded.get(outgoing.event.eventId) !== outgoing);
    const { written, error } = await kept.file.append(changed.map(lineOf));
    for (const outgoing of changed.slice(0, written)) kept.folded.set(outgoing.event.eventId, outgoing);
    if (error !== undefined) throw error;
    await kept.file.sync();
  }

  /** Puts a new file in the place of the old one. @returns false where there is no room for both. */
  private async replace(to: number, folded: readonly Outgoing[]): Promise<boolean> {
    const path = `${this.path}.new`;
    const old = this.kept;
    let next: Kept | undefined;
    try {
      next = await this.begin(path);
      await this.add(next, to, folded);
      await rename(path, this.path);
    } catch {
      await next?.file.close();
      await rm(path, { force: true });
      return false;
    }
    this.kept = next;
    await old?.file.close();
    return true;
  }

  private async remove(): Promise<void> {
    if (this.kept === undefined) return;
    await this.kept.file.close();
    this.kept = undefined;
    await rm(this.path, { force: true });
  }

  private unwritten(to: number, folded: readonly Outgoing[]): Outgoing[] {
    const { outbox } = this.options;
    const { kept } = this;
    const lost: Outgoing[] = [];
    for (let place = Math.max(kept?.to ?? 0, outbox.taken); place < to; place += 1) {
      const outgoing = outbox.at(place - outbox.taken);
      if (outgoing !== undefined) lost.push(outgoing);
    }
    return [...lost, ...folded.filter((each) => kept?.folded.get(each.event.eventId) !== each)];
  }

  private count(to: number, folded: readonly Outgoing[]): number {
    return this.unwritten(to, folded).length;
  }

  /** Once for each cause, not at each look. */
  private tell(cause: string): void {
    if (this.trouble === undefined) {
      const { outbox, folder, logger } = this.options;
      const words =
        "Events that wait for NATS cannot be written to STATE_DIR, so a stop or crash would lose them: free space there, or make it writable";
      logger.error({ unkept: this.missing, waiting: outbox.depth, folder, cause }, words);
    }
    this.trouble = cause;
  }
}
