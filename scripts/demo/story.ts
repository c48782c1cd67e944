/** Tells what happens, in plain words with times, and keeps what the last line needs. */
import { performance } from "node:perf_hooks";

const BOLD = "\u001b[1m";
const DIM = "\u001b[2m";
const RESET = "\u001b[0m";

export class Story {
  private readonly beganAt = performance.now();
  private readonly colour = process.stdout.isTTY === true;

  private stamp(): string {
    const seconds = ((performance.now() - this.beganAt) / 1_000).toFixed(1).padStart(6);
    return this.colour ? `${DIM}${seconds} s${RESET}` : `${seconds} s`;
  }

  tell(text: string): void {
    console.log(`${this.stamp()}  ${text}`);
  }

  chapter(text: string): void {
    console.log(this.colour ? `\n${BOLD}${text}${RESET}` : `\n${text}`);
  }
}
