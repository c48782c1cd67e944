/** How many entries may be asked for at once, so that few bytes are under way whatever an entry weighs. No I/O. */

/** Entries asked for of a list at first: most have fewer, are read in one step, and cannot change meanwhile. */
const FIRST = 4;
/** And from then on. */
const NEXT = 16;
/** The least that gets on: an entry that is known already, and the next. */
const LEAST = 2;
/** Entries under way while all that came were small: of so many the first large ones may be a surprise. */
const MOST = 256;

export class Flow {
  private readonly bytesUnderWay: number;
  private largest: number | undefined;
  private underWay = 0;
  private readonly waiting: Array<{ readonly most: number; readonly admit: (window: number) => void }> = [];

  /** @param bytesUnderWay what may be under way, as far as the largest entry that was seen tells. */
  constructor(bytesUnderWay: number) {
    this.bytesUnderWay = bytesUnderWay;
  }

  /**
   * Resolves, when there is room, with the number of entries that may be asked for.
   * @param begun something of the same list is known already.
   */
  async begin(begun: boolean): Promise<number> {
    return await new Promise((resolve) => {
      this.waiting.push({ most: begun ? NEXT : FIRST, admit: resolve });
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
    const room = this.largest === undefined ? FIRST : Math.min(MOST, this.bytesUnderWay / this.largest);
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      const window = Math.max(LEAST, Math.min(next.most, Math.floor(room)));
      if (this.underWay > 0 && this.underWay + window > room) return;
      this.waiting.shift();
      this.underWay += window;
      next.admit(window);
    }
  }
}
