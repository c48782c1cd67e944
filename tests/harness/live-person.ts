/** A person at the live view, who sees pictures of the console's page and moves a mouse over them. */
import type { Browser, Page } from "playwright";
import { z } from "zod";
import { until } from "./process.ts";

/** Runs in the person's page. A string, because its types are the browser's. */
const COLOUR_AT = `(x, y) => {
  const screen = document.querySelector("canvas");
  const scale = screen.width / Number(screen.dataset.width ?? screen.width);
  return [...screen.getContext("2d").getImageData(x * scale, y * scale, 1, 1).data];
}`;
const PASTE = `(text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  document.querySelector("#live-keys").dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
}`;
const Colour = z.array(z.number());

/** The page's size in power's browser. */
const VIEWPORT = { width: 1280, height: 720 };

export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where elements of a page of the console stand, as a person finds them by looking. */
export async function spotsOn<const Name extends string>(
  browser: Browser,
  url: string,
  selectors: Readonly<Record<Name, string>>,
): Promise<Readonly<Record<Name, Spot>>> {
  const context = await browser.newContext({ locale: "zh-CN", viewport: VIEWPORT });
  const page = await context.newPage();
  await page.goto(url);
  const spots: Partial<Record<Name, Spot>> = {};
  for (const name of Object.keys(selectors) as Name[]) {
    const box = await page.locator(selectors[name]).first().boundingBox();
    if (box === null) throw new Error(`${name} is not on ${url}`);
    spots[name] = box;
  }
  await context.close();
  return spots as Record<Name, Spot>;
}

export class LivePerson {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async takeControl(): Promise<void> {
    await this.page.locator("#live-take:visible").click();
    await this.page.locator(".live-frame.is-controlled").waitFor();
  }

  /** Where a place of the console's page is on this person's screen. */
  async onScreen(x: number, y: number): Promise<{ x: number; y: number }> {
    const box = await this.page.locator("#live-screen").boundingBox();
    if (box === null) throw new Error("the live view shows nothing");
    return { x: box.x + (x / VIEWPORT.width) * box.width, y: box.y + (y / VIEWPORT.height) * box.height };
  }

  async click({ x, y, width, height }: Spot): Promise<void> {
    const at = await this.onScreen(x + width / 2, y + height / 2);
    await this.page.mouse.click(at.x, at.y);
  }

  async type(spot: Spot, text: string): Promise<void> {
    await this.click(spot);
    await this.page.keyboard.type(text, { delay: 15 });
  }

  /** As from a password manager. */
  async paste(spot: Spot, text: string): Promise<void> {
    await this.click(spot);
    await this.page.evaluate(`(${PASTE})(${JSON.stringify(text)})`);
  }

  /** Leads a knob to the right as a hand does: slow, quick, slow, and not quite straight. */
  async slide({ x, y, width, height }: Spot, way: number): Promise<void> {
    const from = { x: x + width / 2, y: y + height / 2 };
    const start = await this.onScreen(from.x, from.y);
    await this.page.mouse.move(start.x, start.y);
    await this.page.mouse.down();
    const steps = 30;
    for (let step = 1; step <= steps; step += 1) {
      const part = step / steps;
      const to = await this.onScreen(
        from.x + way * part * part * (3 - 2 * part),
        from.y + Math.sin(step) * 3,
      );
      await this.page.mouse.move(to.x, to.y);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    await this.page.mouse.up();
  }

  /** The colour at a place of the console's page, as it was drawn last: red, green, blue. */
  async colourAt(x: number, y: number): Promise<readonly number[]> {
    return Colour.parse(await this.page.evaluate(`(${COLOUR_AT})(${x}, ${y})`));
  }

  async sees(
    what: string,
    { x, y, width, height }: Spot,
    colour: readonly [number, number, number],
  ): Promise<void> {
    await until(`the person sees ${what}`, async () => {
      const seen = await this.colourAt(x + width / 2, y + height / 2);
      return colour.every((part, index) => Math.abs(part - (seen[index] ?? 0)) < 24);
    });
  }
}
