/** A person's hand on the page: gives the browser what it would have had from a mouse and a keyboard of its own. */
import type { CDPSession } from "playwright";
import type { PageInput } from "./input.ts";
import { type Pace, paced } from "./pace.ts";

/** Whoever sends so much more than can be done in time is no person. */
const MAX_WAITING = 2_000;

export class Hand {
  private readonly cdp: CDPSession;
  private readonly waiting: Array<{ readonly input: PageInput; readonly due: number }> = [];
  private pace: Pace | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(cdp: CDPSession) {
    this.cdp = cdp;
  }

  /** In order, each when it is due. */
  take(input: PageInput): void {
    if (this.waiting.length >= MAX_WAITING) return;
    this.pace = paced(this.pace, input.at, performance.now());
    this.waiting.push({ input, due: this.pace.lastDue });
    this.doDue();
  }

  /** What has not happened yet does not happen any more. */
  rest(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting.length = 0;
    this.pace = undefined;
  }

  private doDue(): void {
    if (this.timer !== undefined) return;
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      const pause = next.due - performance.now();
      if (pause >= 1) {
        this.timer = setTimeout(() => {
          this.timer = undefined;
          this.doDue();
        }, pause);
        return;
      }
      this.waiting.shift();
      // Not waited for: the browser answers a move when it has drawn, and does all in the order in which it came. A
      // page that has gone meanwhile takes nothing.
      this.act(next.input).catch(() => undefined);
    }
  }

  private async act(input: PageInput): Promise<void> {
    const { cdp } = this;
    if (input.type === "text") {
      await cdp.send("Input.insertText", { text: input.text });
      return;
    }
    const { modifiers } = input;
    if (input.type === "key") {
      const { kind, key, code, keyCode, location, repeat } = input;
      const text = kind === "down" ? textOf(key, modifiers) : undefined;
      await cdp.send("Input.dispatchKeyEvent", {
        type: kind === "up" ? "keyUp" : text === undefined ? "rawKeyDown" : "keyDown",
        key,
        code,
        windowsVirtualKeyCode: keyCode,
        location,
        autoRepeat: repeat,
        modifiers,
        ...(text === undefined ? {} : { text, unmodifiedText: text }),
      });
      return;
    }
    const { x, y } = input;
    if (input.type === "wheel") {
      const { dx: deltaX, dy: deltaY } = input;
      await cdp.send("Input.dispatchMouseEvent", { type: "mouseWheel", x, y, deltaX, deltaY, modifiers });
      return;
    }
    const { kind, button, buttons, clicks: clickCount } = input;
    const type = ({ move: "mouseMoved", down: "mousePressed", up: "mouseReleased" } as const)[kind];
    await cdp.send("Input.dispatchMouseEvent", { type, x, y, button, buttons, clickCount, modifiers });
  }
}

/** What a key writes; undefined for one that only does something. */
function textOf(key: string, modifiers: number): string | undefined {
  if (key === "Enter") return "\r";
  const ordered = (modifiers & (2 | 4)) !== 0;
  return [...key].length === 1 && !ordered ? key : undefined;
}
