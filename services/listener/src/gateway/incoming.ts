/** Frames as they come in: read, counted, and told of where they cannot be understood. */
import type { BurstLog } from "../telemetry/burst-log.ts";
import { type FrameType, type Meaning, type ReadField, type Rejection, readFrame } from "./frames.ts";

export interface FramesOptions {
  readonly frameLimitBytes: number;
  /** For lines about single frames. */
  readonly frameLog: BurstLog;
  readonly onFrame: (type: FrameType, dropped: readonly ReadField[]) => void;
  readonly onRejected: (reason: Rejection) => void;
}

export class Frames {
  private readonly options: FramesOptions;

  constructor(options: FramesOptions) {
    this.options = options;
  }

  /** What a frame means; undefined where that cannot be said. */
  take(data: Buffer, isBinary: boolean): Meaning | undefined {
    const { frameLimitBytes, frameLog, onFrame } = this.options;
    const frame = readFrame(data, isBinary, frameLimitBytes);
    if (!frame.ok) {
      this.reject(frame.reason, frame.sample);
      return undefined;
    }
    const { type, meaning, dropped } = frame;
    onFrame(type, dropped);
    if (dropped.length > 0) {
      const words = "A frame is taken without the fields that cannot be read";
      frameLog.warn(() => ({ type, dropped, sample: frame.sample() }), words);
    }
    return meaning;
  }

  reject(reason: Rejection, sample: () => string): void {
    const { frameLog, onRejected } = this.options;
    onRejected(reason);
    frameLog.warn(() => ({ reason, sample: sample() }), "A frame cannot be understood and is ignored");
  }
}
