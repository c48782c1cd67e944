/** What the page itself was told: every answer to its scripts, so that what it may show is known. */
import type { Page, Request } from "playwright";

/** An answer that has come and is still being read when an artifact is kept is waited for so long. */
const SETTLE_MS = 2_000;
/** Answers without a body. */
const BODILESS = new Set([204, 205, 304]);

export class PageAnswers {
  private readonly onAnswer: (answer: unknown) => void;
  private readonly reading = new Set<Promise<void>>();
  /** Counts documents. */
  private document = 0;
  /** An answer to this document could not be read. */
  private unreadIn: number | undefined;

  constructor(onAnswer: (answer: unknown) => void) {
    this.onAnswer = onAnswer;
  }

  follow(page: Page): void {
    page.on("framenavigated", (frame) => {
      // What was shown before is gone with its document.
      if (frame === page.mainFrame()) this.document += 1;
    });
    page.on("requestfinished", (request) => {
      if (!["xhr", "fetch"].includes(request.resourceType())) return;
      const { document } = this;
      const read: Promise<void> = this.read(request)
        .catch(() => {
          this.unreadIn = document;
        })
        .finally(() => this.reading.delete(read));
      this.reading.add(read);
    });
  }

  /** @throws when the browser has not got the answer any more. */
  private async read(request: Request): Promise<void> {
    const response = await request.response();
    if (response === null || BODILESS.has(response.status())) return;
    if (response.status() >= 300 && response.status() < 400) return;
    const text = await response.text();
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      // No fields, nothing that a field's name could call secret.
      return;
    }
    this.onAnswer(answer);
  }

  /** Waits for answers that are being read; false when there is one of which nobody knows what it held. */
  async settled(): Promise<boolean> {
    const all = Promise.all(this.reading).then(() => true);
    const late = new Promise<false>((resolve) => setTimeout(resolve, SETTLE_MS, false).unref());
    return (await Promise.race([all, late])) && this.unreadIn !== this.document;
  }
}
