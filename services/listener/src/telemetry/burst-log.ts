import type { Logger } from "@gpu-power-manager/shared/logger";

/** So many lines of one sentence are written in a second; a flood of notices must not wait for its own log. */
const LINES = 100;
const WINDOW_MS = 1_000;

/** A line's details, or how to make them: what is dear to make is made only for a line that is written. */
export type Fields = Readonly<Record<string, unknown>> | (() => Readonly<Record<string, unknown>>);

interface Line {
  readonly level: "info" | "warn" | "debug";
  readonly fields: Fields;
  readonly words: string;
}

/**
 * Logs one line an event, as long as they are few; beyond that the number of the others, once a second. Lines are
 * written at the end of the turn of the event loop: writing is a system call, and the event itself goes first.
 */
export class BurstLog {
  private readonly logger: Logger;
  private readonly said = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private lines: Line[] = [];

  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** @param words the sentence, from a closed list; lines are limited for each by itself. */
  info(fields: Fields, words: string): void {
    this.add("info", fields, words);
  }

  warn(fields: Fields, words: string): void {
    this.add("warn", fields, words);
  }

  private add(wanted: "info" | "warn", fields: Fields, words: string): void {
    const level = this.allows(words) ? wanted : "debug";
    if (!this.logger.isLevelEnabled(level)) return;
    if (this.lines.length === 0) setImmediate(() => this.write());
    this.lines.push({ level, fields, words });
  }

  private write(): void {
    for (const { level, fields, words } of this.lines.splice(0)) {
      this.logger[level](typeof fields === "function" ? fields() : fields, words);
    }
  }

  private allows(words: string): boolean {
    const before = this.said.get(words) ?? 0;
    this.said.set(words, before + 1);
    this.timer ??= setTimeout(() => this.close(), WINDOW_MS).unref();
    return before < LINES;
  }

  /** Writes what waits, and tells what was left out so far. */
  close(): void {
    this.write();
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const [words, count] of this.said) {
      if (count > LINES)
        this.logger.info({ line: words, more: count - LINES }, "a burst: only counted, not named");
    }
    this.said.clear();
  }
}
