// Preloaded into a service: its wall clock is off by the milliseconds that the file SKEW_FILE holds.
import { readFileSync } from "node:fs";

const RealDate = Date;
const EVERY_MS = 50;
let skew = 0;
let readAt = Number.NEGATIVE_INFINITY;
globalThis.Date = class SkewedDate extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(SkewedDate.now());
    else super(...given);
  }
  static now() {
    if (performance.now() - readAt > EVERY_MS) {
      skew = Number(readFileSync(process.env.SKEW_FILE, "utf8"));
      readAt = performance.now();
    }
    return RealDate.now() + skew;
  }
};
