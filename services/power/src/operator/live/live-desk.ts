/**
 * The live view's people: who looks, who controls, and what each is told. Pictures and what is typed pass through; neither is
 * kept, nor written to a log.
 */
import type { LiveConsole } from "../../console/live/live-console.ts";
import type { Picture } from "../../console/live/picture.ts";
import {
  EMPTY,
  expire,
  type Floor,
  give,
  keep,
  type Person,
  present,
  release,
  take,
  touched,
} from "./floor.ts";
import type { FromBrowser } from "./messages.ts";
import { levelAt, levelFor } from "./picture-quality.ts";
import type { Watcher } from "./watcher.ts";

/** Who may stay and who has been idle is looked at this often. */
const TICK_MS = 1_000;
/** A level that has just been chosen is judged no sooner. */
const LEVEL_HOLDS_MS = 2_000;

export interface LiveDeskParts {
  readonly live: Pick<
    LiveConsole,
    "watch" | "unwatch" | "setLevel" | "lend" | "takeBack" | "input" | "rest" | "controlled"
  >;
  /** Whether the console asks for a login. */
  readonly loginRequired: () => boolean;
  /** Who controls has changed, or power has the page again. */
  readonly onChange: () => void;
  /** For history: a person has taken or given up control. */
  readonly tell: (what: "control" | "end_control", person: Person, address: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

export class LiveDesk {
  private readonly parts: LiveDeskParts;
  private readonly watchers = new Set<Watcher>();
  private floor: Floor = EMPTY;
  /** The page is in the holder's hands, and no longer in power's. */
  private lent = false;
  /** Control was taken because the console asked for a login: with the login it is over. */
  private forLogin = false;
  private level = 0;
  private levelSince = Number.NEGATIVE_INFINITY;
  private room: (() => void) | undefined;
  private filming = false;

  constructor(parts: LiveDeskParts) {
    this.parts = parts;
    const tick = setInterval(() => this.tick(), TICK_MS).unref();
    parts.signal.addEventListener("abort", () => clearInterval(tick), { once: true });
  }

  get watching(): number {
    return this.watchers.size;
  }

  /** Who controls; null where power does. */
  get holder(): { readonly name: string; readonly since: number } | null {
    const { holder } = this.floor;
    return holder && { name: holder.person.name, since: holder.since };
  }

  enter(watcher: Watcher): void {
    this.watchers.add(watcher);
    this.move(present(this.floor, watcher.parts.person, true, this.parts.now()));
    this.lookAnew();
  }

  leave(watcher: Watcher): void {
    if (!this.watchers.delete(watcher)) return;
    const { person } = watcher.parts;
    const there = [...this.watchers].some(({ parts }) => parts.person.key === person.key);
    this.move(present(this.floor, person, there, this.parts.now()));
    this.room?.();
    this.lookAnew();
  }

  hear(watcher: Watcher, message: FromBrowser): void {
    const { live, now } = this.parts;
    const { person, mayControl } = watcher.parts;
    switch (message.type) {
      case "seen":
        watcher.seen(message.frame);
        this.judgeLevel();
        if (watcher.free) this.room?.();
        return;
      case "look":
        if (watcher.looks === message.on) return;
        watcher.looks = message.on;
        this.lookAnew();
        return;
      case "control":
        if (!mayControl) return;
        if (message.act === "take") this.move(take(this.floor, person, now()));
        else if (message.act === "release") this.move(release(this.floor, person, now()));
        else if (message.act === "give") this.move(give(this.floor, person, now()));
        else this.move(keep(this.floor, person));
        return;
      default:
        if (!this.lent || this.floor.holder?.person.key !== person.key) return;
        this.floor = touched(this.floor, person, now());
        live.input(message);
    }
  }

  /** The person has passed the login: power goes on at once. */
  loggedIn(): void {
    const { holder } = this.floor;
    if (holder === null || !this.forLogin) return;
    for (const watcher of this.watchers) watcher.tell({ type: "loggedIn" });
    this.move(release({ ...this.floor, asks: null }, holder.person, this.parts.now()));
  }

  private tick(): void {
    for (const watcher of this.watchers) {
      if (!watcher.parts.mayStay()) watcher.parts.socket.close(4401, "The session is over.");
    }
    const before = this.floor;
    const after = expire(before, this.parts.now());
    if (after === before) return;
    for (const { parts } of this.watchers)
      if (parts.person.key === before.holder?.person.key)
        parts.socket.send(JSON.stringify({ type: "ended", why: "idle" }));
    this.move(after);
  }

  /** Control passes; the page with it. */
  private move(next: Floor): void {
    const { live, loginRequired, onChange, tell } = this.parts;
    const [from, to] = [this.floor.holder?.person, next.holder?.person];
    this.floor = next;
    if (from?.key !== to?.key) {
      live.rest();
      if (from !== undefined) tell("end_control", from, this.addressOf(from));
      if (to !== undefined) tell("control", to, this.addressOf(to));
      if (from === undefined && to !== undefined) {
        this.forLogin = loginRequired();
        void live.lend().then(() => {
          this.lent = live.controlled;
          this.tellFloor();
          onChange();
        });
      } else if (to === undefined) {
        this.lent = false;
        void live.takeBack().then(onChange);
      }
      onChange();
    }
    this.tellFloor();
  }

  private addressOf({ key }: Person): string {
    return [...this.watchers].find(({ parts }) => parts.person.key === key)?.parts.address ?? "unknown";
  }

  private tellFloor(): void {
    const { holder, asks } = this.floor;
    for (const watcher of this.watchers) {
      const { person, mayControl } = watcher.parts;
      const mine = holder?.person.key === person.key;
      watcher.tellIfNew({
        type: "floor",
        you: mine ? (this.lent ? "controls" : "gets") : asks?.key === person.key ? "asks" : "watches",
        mayControl,
        holder: holder?.person.name ?? null,
        asks: asks?.name ?? null,
        watchers: this.watchers.size,
      });
    }
  }

  /** Films where somebody looks, and anew for who has just come: a page at rest makes no picture by itself. */
  private lookAnew(): void {
    const { live } = this.parts;
    const looked = [...this.watchers].some(({ looks }) => looks);
    if (looked && this.filming) void live.setLevel(levelAt(this.level));
    else if (looked) {
      this.filming = true;
      void live.watch({
        picture: (picture) => this.show(picture),
        room: async () => await this.untilRoom(),
        refused: (what, detail) => {
          for (const watcher of this.watchers) watcher.tell({ type: "refused", what, detail });
        },
      });
    } else if (this.filming) {
      this.filming = false;
      void live.unwatch();
    }
  }

  private show(picture: Picture): void {
    for (const watcher of this.watchers) watcher.show(picture);
  }

  /** The quickest line sets the pace; the others get the newest picture whenever they have drawn one. */
  private async untilRoom(): Promise<void> {
    if ([...this.watchers].some(({ free }) => free)) return;
    await new Promise<void>((resolve) => {
      this.room = resolve;
    });
  }

  /** By the line of who controls; where nobody does, by the quickest. */
  private judgeLevel(): void {
    const { now, live } = this.parts;
    const { holder } = this.floor;
    const judged = [...this.watchers].filter(
      ({ looks, parts }) => looks && (holder === null || parts.person.key === holder.person.key),
    );
    if (now() - this.levelSince < LEVEL_HOLDS_MS) return;
    const levels = judged.map((watcher) => levelFor(this.level, watcher.takeWaits()));
    const next = levels.length === 0 ? this.level : Math.min(...levels);
    if (next === this.level) return;
    this.level = next;
    this.levelSince = now();
    void live.setLevel(levelAt(next));
  }
}
