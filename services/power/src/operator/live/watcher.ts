/** One person's connection: gets the newest picture as fast as it draws them, and never an old one. */
import type { WebSocket } from "ws";
import type { Picture } from "../../console/live/picture.ts";
import type { Person } from "./floor.ts";
import { PICTURE_HEADER, type ToBrowser } from "./messages.ts";
import { JUDGED_BY } from "./picture-quality.ts";

/** One is drawn while the next is on its way. */
const MAX_IN_FLIGHT = 2;

export interface WatcherParts {
  readonly socket: WebSocket;
  readonly person: Person;
  readonly mayControl: boolean;
  /** Whether the session that opened it still lives. */
  readonly mayStay: () => boolean;
  /** From where, for history. */
  readonly address: string;
}

export class Watcher {
  readonly parts: WatcherParts;
  /** The tab is looked at. */
  looks = true;
  private next = 0;
  private readonly sentAt = new Map<number, number>();
  private newest: Picture | undefined;
  private told = "";
  /** From sending to drawing, of the last pictures. */
  private waits: number[] = [];

  constructor(parts: WatcherParts) {
    this.parts = parts;
  }

  /** Whether another picture would be sent at once. */
  get free(): boolean {
    return this.looks && this.newest === undefined && this.sentAt.size < MAX_IN_FLIGHT;
  }

  /** How long the last pictures took; forgotten once it is asked for enough of them. */
  takeWaits(): readonly number[] {
    const { waits } = this;
    if (waits.length >= JUDGED_BY) this.waits = [];
    return waits;
  }

  show(picture: Picture): void {
    this.newest = picture;
    this.send();
  }

  seen(frame: number): void {
    const sentAt = this.sentAt.get(frame);
    if (sentAt === undefined) return;
    this.sentAt.delete(frame);
    this.waits.push(performance.now() - sentAt);
    this.send();
  }

  tell(message: ToBrowser): void {
    this.parts.socket.send(JSON.stringify(message));
  }

  /** Tells what is so, where it is something else than was told last. */
  tellIfNew(message: ToBrowser): void {
    const text = JSON.stringify(message);
    if (text === this.told) return;
    this.told = text;
    this.parts.socket.send(text);
  }

  private send(): void {
    const { newest } = this;
    if (newest === undefined || !this.looks || this.sentAt.size >= MAX_IN_FLIGHT) return;
    this.newest = undefined;
    const frame = this.next;
    this.next += 1;
    const header = Buffer.alloc(PICTURE_HEADER);
    header.writeUInt32BE(frame, 0);
    header.writeUInt32BE(newest.width, 4);
    header.writeUInt32BE(newest.height, 8);
    this.sentAt.set(frame, performance.now());
    this.parts.socket.send(Buffer.concat([header, newest.jpeg]));
  }
}
