/**
 * The time that everything is decided on: milliseconds since 1970 that never go back.
 *
 * Between readings the monotonic clock moves it on. At each reading it is compared with the wall clock: small
 * differences (NTP) are made up for so slowly that no duration notices. A wall clock that is far ahead has jumped,
 * because the machine was paused or slept, or because somebody set it: time then jumps, too, once, and whoever follows
 * is told, since nobody knows how much of it has truly passed. One that is far behind was set back: time goes slower
 * until it has caught up, so that nothing ever lies in the future. Slower is safe: an idle time that lasts too long
 * costs money, one that is too short costs work.
 */
import { uptime } from "node:os";

/** NTP corrects by slewing at most 500 ppm; what is further off than this was set, or slept through. */
export const JUMP_MS = 2_000;
/** Of each millisecond so much is added or taken to make up for a small difference, as NTP does. */
const SLEW = 0.0005;
/** The same for a wall clock that was set back: an hour takes ten. */
const SLOW = 0.1;
/** Readings that were torn apart (the process was not run in between) are made again. */
const TORN_MS = 20;
const TRIES = 5;

/** The clocks at one moment, in milliseconds. */
export interface Reading {
  /** Since the process began; stands still while the machine sleeps or is paused. */
  readonly mono: number;
  /** Since 1970; anybody may set it. */
  readonly wall: number;
  /** Since the machine was booted; goes on while it sleeps, stands still while a virtual one is paused. */
  readonly boot: number;
}

export type Jump =
  /** Time jumped ahead by `ms`, of which the machine slept `sleptMs`; the rest it was paused, or its clock was set. */
  | { readonly direction: "ahead"; readonly ms: number; readonly sleptMs: number }
  /** The wall clock is `ms` behind: it was set back. */
  | { readonly direction: "behind"; readonly ms: number };

export const JUMP_DIRECTIONS = ["ahead", "behind"] as const;

/** What a log says of it. */
export const JUMP_WORDS = {
  ahead:
    "The clock jumped ahead: the machine was paused or slept, or its time was set; everything is looked at anew",
  behind:
    "The clock was set back: time goes slower here until it has caught up; a restart takes the new time over",
} as const satisfies Record<Jump["direction"], string>;

/** Time as of the last reading, and how far the wall clock then was from it. */
export interface Timeline {
  readonly reading: Reading;
  readonly now: number;
  /** What is to be made up for; negative where the wall clock is behind. */
  readonly owed: number;
  /** The wall clock was set back and that was told. */
  readonly behind: boolean;
}

export function beginTimeline(reading: Reading): Timeline {
  return { reading, now: reading.wall, owed: 0, behind: false };
}

/** The time at a later moment of the monotonic clock. */
export function timeAt({ reading, now, owed, behind }: Timeline, mono: number): number {
  const elapsed = Math.max(0, mono - reading.mono);
  const most = elapsed * (behind ? SLOW : SLEW);
  return now + elapsed + Math.max(-most, Math.min(owed, elapsed * SLEW));
}

/** Compares with the wall clock anew. `jump` is null but for the one reading that shows it first. */
export function followWall(
  timeline: Timeline,
  reading: Reading,
): { readonly timeline: Timeline; readonly jump: Jump | null } {
  const now = timeAt(timeline, reading.mono);
  const owed = reading.wall - now;
  if (owed > JUMP_MS) {
    const before = timeline.reading;
    const slept = reading.boot - before.boot - (reading.mono - before.mono);
    return {
      timeline: { reading, now: reading.wall, owed: 0, behind: false },
      jump: { direction: "ahead", ms: owed, sleptMs: Math.max(0, Math.min(slept, owed)) },
    };
  }
  if (owed >= -JUMP_MS) return { timeline: { reading, now, owed, behind: false }, jump: null };
  // While it is caught up with, only a further step is news.
  const told = timeline.behind && owed > timeline.owed - JUMP_MS;
  return {
    timeline: { reading, now, owed, behind: true },
    jump: told ? null : { direction: "behind", ms: -owed },
  };
}

/** Milliseconds since the machine was booted, to about 10; goes on while it sleeps. */
export function bootMs(): number {
  return uptime() * 1_000;
}

/** Reads the machine's clocks as of one moment; undefined where the process was interrupted again and again. */
export function readClocks(): Reading | undefined {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const mono = performance.now();
    const reading = { mono, wall: Date.now(), boot: bootMs() };
    if (performance.now() - mono < TORN_MS) return reading;
  }
  return undefined;
}

export class Clock {
  private readonly read: () => Reading | undefined;
  private readonly mono: () => number;
  private timeline: Timeline;

  constructor(read: () => Reading | undefined = readClocks, mono: () => number = () => performance.now()) {
    this.read = read;
    this.mono = mono;
    this.timeline = beginTimeline(read() ?? { mono: mono(), wall: Date.now(), boot: bootMs() });
  }

  /** Milliseconds since 1970, with fractions. It jumps nowhere but in `follow`. */
  readonly now = (): number => timeAt(this.timeline, this.mono());

  /** Compares with the wall clock; returns the jump that was found, where there is one. */
  follow(): Jump | null {
    const reading = this.read();
    if (reading === undefined) return null;
    const { timeline, jump } = followWall(this.timeline, reading);
    this.timeline = timeline;
    return jump;
  }
}
