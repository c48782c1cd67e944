/** How Chromium is made small. Each flag keeps the sandbox of its processes and the check of certificates as they are. */

/**
 * What Playwright itself switches on. Chromium takes the last `--enable-features` alone, so these are said again; a
 * test holds them against the Playwright that is installed.
 */
export const PLAYWRIGHT_FEATURES = ["CDPScreenshotNewSurface", "SkipListAccountsWithoutGaiaCookies"];

export const FLAGS = [
  // A console's list needs no 3D, and without it no software that stands in for a graphics card: 12 MB.
  "--disable-gpu",
  "--disable-software-rasterizer",
  // The network service has no sandbox on Linux, so a process of its own shields nothing: 10 MB.
  `--enable-features=${[...PLAYWRIGHT_FEATURES, "NetworkServiceInProcess2"].join(",")}`,
  "--renderer-process-limit=1",
  "--disable-extensions",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** Pictures, fonts and films: not loaded where no person looks. SVG stays, which buttons are made of. */
export const BLOCKED_URLS = [
  ...["png", "jpg", "jpeg", "gif", "webp", "avif", "bmp", "ico"],
  ...["woff", "woff2", "ttf", "otf", "eot"],
  ...["mp4", "webm", "mp3", "m4a"],
].flatMap((ending) => [`*.${ending}`, `*.${ending}?*`]);
