/** What a stand-in keeps of a message that it took, and how it answers. */
export interface Taken {
  readonly at: number;
  /** What a person in the group reads. */
  readonly text: string;
}
export interface Asked {
  readonly at: number;
  readonly url: URL;
  readonly body: string;
}
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Undefined where it was not taken. */
  readonly text?: string;
}
export const json = (body: unknown, text?: string): Answer => ({
  status: 200,
  body,
  ...(text === undefined ? {} : { text }),
});
/** What it knows of the minutes before; it counts what arrives, taken or not. */
export interface Memory {
  arrived: number[];
  closedUntil: number;
}
export const MINUTE_MS = 60_000;
/** How far a signature's time may be from the robot's own clock, DingTalk and Feishu alike. */
export const HOUR_MS = 3_600_000;

export function read(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
/** How many came within the last minute, this one among them. */
export function count(memory: Memory, at: number): number {
  memory.arrived = [...memory.arrived.filter((each) => each > at - MINUTE_MS), at];
  return memory.arrived.length;
}
