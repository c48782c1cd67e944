// Preloaded into a service: its wall clock is off by the milliseconds that the file SKEW_FILE holds.
import { readFileSync } from "node:fs";

const real = Date.now;
const EVERY_MS = 50;
let skew = 0;
let readAt = Number.NEGATIVE_INFINITY;
Date.now = () => {
  if (performance.now() - readAt > EVERY_MS) {
    skew = Number(readFileSync(process.env.SKEW_FILE, "utf8"));
    readAt = performance.now();
  }
  return real() + skew;
};
