/** The artifacts that the console's driver keeps, for reading. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ArtifactList } from "@gpu-power-manager/shared/history-page";

type Entry = ArtifactList["artifacts"][number];

/** Names are ours (a time, a number, a label): anything else is no artifact, whatever path it spells. */
const NAME = /^[\w-]+\.(?<kind>png|html)$/;

export class ArtifactShelf {
  private readonly folder: string;

  /** @param stateDir power's STATE_DIR. */
  constructor(stateDir: string) {
    this.folder = join(stateDir, "artifacts");
  }

  /** Newest first. @param attemptId only those of this attempt. */
  list(attemptId?: string): Entry[] {
    let names: string[];
    try {
      names = readdirSync(this.folder);
    } catch {
      // Made with the first doubt.
      return [];
    }
    return names
      .filter((name) => attemptId === undefined || name.includes(attemptId))
      .flatMap((name) => this.entry(name) ?? [])
      .sort((a, b) => b.at.localeCompare(a.at) || b.name.localeCompare(a.name));
  }

  find(name: string): { readonly kind: Entry["kind"]; readonly read: () => Buffer } | undefined {
    const entry = this.entry(name);
    return entry && { kind: entry.kind, read: () => readFileSync(join(this.folder, name)) };
  }

  private entry(name: string): Entry | undefined {
    const kind = NAME.exec(name)?.groups?.kind;
    if (kind !== "png" && kind !== "html") return undefined;
    try {
      const { size, mtime } = statSync(join(this.folder, name));
      return { name, bytes: size, at: mtime.toISOString(), kind };
    } catch {
      // It has just made room for a newer one.
      return undefined;
    }
  }
}
