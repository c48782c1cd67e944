/** How many entries may be asked for at once, so that few bytes are under way whatever an entry weighs. No I/O. */

/** Entries asked for in one command: a list that has fewer is read in one step, and cannot change meanwhile. */
const WINDOW = 8;
/** The least that gets on: an entry that is known already, and the next. */
const LEAST = 2;
/** Entries under way while all that came were small: of so many the first large ones may be a surprise. */
const MOST = 256;

export class Flow {
  private readonly bytesUnderWay: number;
  private largest: number | undefined;
  private underWay = 0;
  private readonly waiting: Array<(window: number) => void> = [];

  /** @param bytesUnderWay what may be under way, as far as the largest entry that was seen tells. */
  constructor(bytesUnderWay: number) {
    this.bytesUnderWay = bytesUnderWay;
  }

  /** Resolves, when there is room, with the number of entries that may be asked for. */
  async begin(): Promise<number> {
    return await new Promise((resolve) => {
      this.waiting.push(resolve);
      this.admit();
    });
  }

  /** What was asked for has come; its largest entry had so many bytes. */
  end(window: number, largest: number): void {
    // Nothing has no weight, and tells nothing of the next.
    if (largest > 0) this.largest = Math.max(this.largest ?? 0, largest);
    this.underWay -= window;
    this.admit();
  }

  private admit(): void {
    // Before anything was seen one window is all there is room for.
    const room = this.largest === undefined ? WINDOW : Math.min(MOST, this.bytesUnderWay / this.largest);
    const window = Math.max(LEAST, Math.min(WINDOW, Math.floor(room)));
    while (this.underWay === 0 || this.underWay + window <= room) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.underWay += window;
      next(window);
    }
  }
}
