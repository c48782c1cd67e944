/** How full the disks are on which a service writes, asked of the file system at each scrape. */
import { statfs } from "node:fs/promises";
import { Gauge, type Registry } from "prom-client";

/** What the file system says; blocks of `bsize` bytes. `bavail` is what somebody without rights may still use. */
export interface FileSystem {
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

export interface DiskSource {
  /** The service's own prefix of metrics. */
  readonly prefix: "gpu_listener" | "gpu_power";
  /** A folder on each disk, by the name that the disk has in the metrics. */
  readonly folders: Readonly<Record<string, string>>;
  readonly ask?: (folder: string) => Promise<FileSystem>;
}

/** Adds the gauges; a disk that cannot be asked has none. */
export function deriveFromDisks(registry: Registry, { prefix, folders, ask = statfs }: DiskSource): void {
  const gauge = (name: string, help: string, value: (of: FileSystem) => number | undefined) =>
    new Gauge({
      name: `${prefix}_disk_${name}`,
      help,
      labelNames: ["disk"],
      registers: [registry],
      async collect() {
        this.reset();
        for (const [disk, folder] of Object.entries(folders)) {
          const found = await ask(folder).catch(() => undefined);
          const number = found === undefined ? undefined : value(found);
          if (number !== undefined) this.set({ disk }, number);
        }
      },
    });
  // Some file systems make inodes as they need them, and say 0.
  const inodes = ({ files }: FileSystem, number: number) => (files > 0 ? number : undefined);
  gauge(
    "free_bytes",
    "Bytes that may still be written on a disk: that of the service's own state, and of power also that of the pool file, where settings and backups lie (host).",
    ({ bavail, bsize }) => bavail * bsize,
  );
  gauge(
    "bytes",
    "Bytes that a disk holds, without what is kept for root.",
    ({ blocks, bfree, bavail, bsize }) => (blocks - bfree + bavail) * bsize,
  );
  gauge(
    "free_inodes",
    "Files that may still be made on a disk; absent where the file system sets no limit.",
    (of) => inodes(of, of.ffree),
  );
  gauge("inodes", "Files that a disk can hold; absent where the file system sets no limit.", (of) =>
    inodes(of, of.files),
  );
}
