/** The page as a film: pictures of it whenever it changes, for as long as somebody looks. */
import type { Page } from "playwright";

/** Nothing is encoded for longer without a look whether anybody can take a picture. */
const MAX_HOLD_MS = 1_000;

export interface Picture {
  readonly jpeg: Buffer;
  /** Of the page, in its own pixels. */
  readonly width: number;
  readonly height: number;
}

export interface Level {
  /** Of JPEG, in percent. */
  readonly quality: number;
  /** The picture's width by the page's. */
  readonly scale: number;
}

export interface FilmParts {
  readonly page: Page;
  readonly level: Level;
  readonly onPicture: (picture: Picture) => void;
  /** Resolves once somebody can take another picture: until then the browser makes no more than a few. */
  readonly room: () => Promise<void>;
}

/** Films the page until what it returns is called. @throws when the page is gone. */
export async function film({ page, level, onPicture, room }: FilmParts): Promise<() => Promise<void>> {
  const { width, height } = page.viewportSize() ?? { width: 1280, height: 720 };
  await page.screencast.start({
    quality: level.quality,
    size: { width: Math.round(width * level.scale), height: Math.round(height * level.scale) },
    onFrame: async ({ data, viewportWidth, viewportHeight }) => {
      onPicture({ jpeg: data, width: viewportWidth, height: viewportHeight });
      await Promise.race([room(), new Promise((resolve) => setTimeout(resolve, MAX_HOLD_MS).unref())]);
    },
  });
  return async () => await page.screencast.stop();
}
