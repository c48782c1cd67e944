/** Which listeners there are, as far as their signs of life tell. */
import type { Diagnosis } from "@gpu-power-manager/shared/diagnosis";
import type { ListenerAlive } from "@gpu-power-manager/shared/events";

/** One that has been silent for so long is told no more: it was replaced. */
const FORGOTTEN_MS = 10 * 60_000;

export class Listeners {
  private readonly now: () => number;
  private readonly signs = new Map<string, { readonly at: number; readonly alive: ListenerAlive }>();

  /** @param now milliseconds since 1970. */
  constructor(now: () => number) {
    this.now = now;
  }

  readonly heard = (alive: ListenerAlive): void => {
    this.signs.set(alive.listener, { at: this.now(), alive });
  };

  /** The latest first. */
  shown(): Diagnosis["listeners"] {
    const now = this.now();
    for (const [name, { at }] of this.signs) if (now - at > FORGOTTEN_MS) this.signs.delete(name);
    return [...this.signs.values()]
      .sort((a, b) => b.at - a.at)
      .map(({ at, alive }) => ({
        name: alive.listener,
        silentSeconds: (now - at) / 1_000,
        aheadSeconds: (alive.at - at) / 1_000,
        registered: alive.registered,
        provenSecondsAgo: alive.provenAt === null ? null : (now - at + alive.at - alive.provenAt) / 1_000,
        about: alive.about ?? null,
      }));
  }
}
