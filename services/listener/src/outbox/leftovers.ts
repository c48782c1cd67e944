/**
 * Spools that others have left: listeners that stopped while NATS was away, or died. Whoever runs takes them up, also
 * while it runs, since the one that stops may write its file after the next has begun.
 *
 * No lock says whether the owner of a file lives: containers that share the folder do not see each other's processes.
 * A listener touches its files at each look instead, and one that is silent for long is taken for dead. Where that was
 * wrong (a paused process) an event is published by two under one message id, and NATS keeps one.
 */
import { createReadStream } from "node:fs";
import { readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Outgoing } from "./outbox.ts";
import { readLine } from "./spool-lines.ts";
import { isLeft, isSpool, isUnfinished, takenName } from "./spool-names.ts";

/** Several times what the busiest listener needs between two looks. */
const SILENT_MS = 5_000;

export interface LeftoversOptions {
  readonly folder: string | undefined;
  /** Of this process, for its files' names. */
  readonly id: string;
  readonly logger: Logger;
}

interface Taken {
  readonly path: string;
  /** Its name before it was taken. */
  readonly was: string;
  readonly unreadable: number;
}

export class Leftovers {
  private readonly options: LeftoversOptions;
  private taken: Taken[] = [];
  private serial = 0;
  /** Told of already, and nothing can be done about them. */
  private readonly hopeless = new Set<string>();

  constructor(options: LeftoversOptions) {
    this.options = options;
  }

  /** Takes up what others have left since it was last asked. The files stay until `settle`. Never throws. */
  async takeUp(): Promise<Outgoing[]> {
    const { folder = "", logger } = this.options;
    const found: Outgoing[] = [];
    for (const name of await this.left()) {
      const path = join(folder, takenName(this.options.id, ++this.serial));
      if (!(await this.claim(name, path))) continue;
      const events: Outgoing[] = [];
      let unreadable = 0;
      try {
        for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
          if (line === "") continue;
          const outgoing = readLine(line);
          if (outgoing === undefined) unreadable += 1;
          else events.push(outgoing);
        }
      } catch (error) {
        await this.putAside({ path, was: name, unreadable }, describeError(error));
        continue;
      }
      this.taken.push({ path, was: name, unreadable });
      found.push(...events);
      logger.info({ events: events.length, file: name }, "events that another run left are taken up");
    }
    return found;
  }

  /** Tells others that what was taken up is in good hands. */
  async touch(): Promise<void> {
    const now = new Date();
    for (const { path } of this.taken) await utimes(path, now, now).catch(() => undefined);
  }

  /** NATS or the spool of this process has what was taken up: the files go; one that was not whole is put aside. */
  async settle(): Promise<void> {
    for (const taken of this.taken.splice(0)) {
      if (taken.unreadable > 0) await this.putAside(taken, "not every line is an event of this version");
      else await rm(taken.path, { force: true }).catch(() => undefined);
    }
  }

  /** Gives back what was taken up and is not settled, for the next. */
  async leave(): Promise<void> {
    for (const { path } of this.taken.splice(0)) {
      await rename(path, path.replace(/\.jsonl$/, ".left.jsonl")).catch(() => undefined);
    }
  }

  /** The names of spools that nobody keeps up. */
  private async left(): Promise<string[]> {
    const { folder, id } = this.options;
    if (folder === undefined) return [];
    const names = await readdir(folder).catch(() => []);
    const left: string[] = [];
    for (const name of names) {
      if (name.startsWith(`listener-spool-${id}.`) || this.hopeless.has(name)) continue;
      const path = join(folder, name);
      if (isUnfinished(name)) {
        if (await isSilent(path)) await rm(path, { force: true }).catch(() => undefined);
      } else if (isSpool(name) && (isLeft(name) || (await isSilent(path)))) {
        left.push(name);
      }
    }
    return left.sort();
  }

  /** Makes the file ours. @returns false when another was quicker, or it cannot be. */
  private async claim(name: string, path: string): Promise<boolean> {
    const { folder = "", logger } = this.options;
    const from = join(folder, name);
    const now = new Date();
    try {
      // First, so that nobody sees it under our name and silent. Not everybody's file can be touched.
      await utimes(from, now, now).catch(() => undefined);
      await rename(from, path);
      return true;
    } catch (error) {
      const gone = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (!gone) {
        this.hopeless.add(name);
        const words =
          "A spool that another run left can neither be taken up nor put aside: give it to this user";
        logger.error({ file: from, cause: describeError(error) }, words);
      }
      return false;
    }
  }

  private async putAside({ path, was, unreadable }: Taken, cause: string): Promise<void> {
    const { logger } = this.options;
    const aside = `${path}.unreadable`;
    const words =
      "A spool that another run left cannot be read as a whole: it is put aside, and what could be read is taken up. Look for waiting jobs in the gateway's backlog";
    await rename(path, aside).catch(() => undefined);
    logger.error({ was, file: aside, lines: unreadable, cause }, words);
  }
}

/** Whether nobody has touched it for long. A time to come is nobody's touch either: the clock was set back since. */
async function isSilent(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && Math.abs(Date.now() - info.mtimeMs) > SILENT_MS;
}
