/** What happens, as it happens, for whoever watches. */

import type { Bus } from "@gpu-power-manager/shared/bus";
import { Happening, type JobTaken } from "@gpu-power-manager/shared/history-page";

type StreamEvent = "history" | "status" | "job";
export type Watcher = (event: StreamEvent, data: unknown) => void;

export class Feed {
  private readonly watchers = new Set<Watcher>();

  /** @returns ends it. */
  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  get watched(): number {
    return this.watchers.size;
  }

  /** Tells of everything that comes into the pool's history, by whomever, until the connection ends. */
  follow(bus: Bus, pool: string): void {
    bus.connection.subscribe(`gpu.history.${pool}.*`, {
      callback: (error, message) => {
        if (error || this.watchers.size === 0) return;
        const entry = read(message);
        if (entry !== undefined) this.tell("history", entry);
      },
    });
  }

  /** The status may have changed; watchers are told that, and read it when they want it. */
  changed(): void {
    this.tell("status", {});
  }

  /** Jobs have been taken into demand. */
  taken(jobs: readonly JobTaken[]): void {
    if (this.watchers.size === 0) return;
    for (const job of jobs) this.tell("job", job);
  }

  private tell(event: StreamEvent, data: unknown): void {
    for (const watcher of this.watchers) watcher(event, data);
  }
}

function read(message: { json: () => unknown }): Happening | undefined {
  try {
    return Happening.safeParse(message.json()).data;
  } catch {
    return undefined;
  }
}
