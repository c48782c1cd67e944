/** When the last backup was made: `make backup` leaves the time in the state folder, which is all that power knows. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Gauge, type Registry } from "prom-client";

/** Seconds since 1970, as `date +%s` writes them. */
const TIME = /^\d{9,11}$/;

/** @returns Unix seconds; undefined while no backup was made, or where the file says nothing that can be read. */
export function lastBackupAt(stateDir: string): number | undefined {
  try {
    const text = readFileSync(join(stateDir, "last-backup"), "utf8").trim();
    return TIME.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Adds the gauge, read at each scrape. */
export function deriveFromBackup(registry: Registry, stateDir: string): void {
  new Gauge({
    name: "gpu_power_backup_timestamp_seconds",
    help: "When the last backup was finished (make backup), in Unix seconds; absent until there is one.",
    registers: [registry],
    collect() {
      this.remove();
      const at = lastBackupAt(stateDir);
      if (at !== undefined) this.set(at);
    },
  });
}
