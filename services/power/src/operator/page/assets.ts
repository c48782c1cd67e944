/** What the browser loads, all of our own origin; read once and kept, and known to the browser by its content. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type RequestHandler, Router } from "express";

const here = (name: string) => new URL(name, import.meta.url);
const uplot = (name: string) => createRequire(import.meta.url).resolve(`uplot/dist/${name}`);

const JS = "text/javascript; charset=utf-8";
const CSS = "text/css; charset=utf-8";
/** By name below `page/`. */
const ASSETS: Readonly<Record<string, { readonly file: URL | string; readonly type: string }>> = {
  "main.js": { file: here("./assets/main.js"), type: JS },
  "acting.js": { file: here("./assets/acting.js"), type: JS },
  "clocks.js": { file: here("./assets/clocks.js"), type: JS },
  "live.js": { file: here("./assets/live.js"), type: JS },
  "live-hand.js": { file: here("./assets/live-hand.js"), type: JS },
  "timeline.js": { file: here("./assets/timeline.js"), type: JS },
  "uplot.js": { file: uplot("uPlot.esm.js"), type: JS },
  "page.css": { file: here("./assets/page.css"), type: CSS },
  "icon.svg": { file: here("./assets/icon.svg"), type: "image/svg+xml" },
};

export function assetRoutes(): Router {
  const router = Router();
  for (const [name, { file, type }] of Object.entries(ASSETS)) {
    let kept: { readonly body: Buffer; readonly etag: string } | undefined;
    const serve: RequestHandler = (request, response) => {
      kept ??= read(file);
      // Asked for each time, and sent only when it has changed: an upgrade is never half an old page.
      response.set({ "Content-Type": type, "Cache-Control": "no-cache", ETag: kept.etag });
      if (request.get("if-none-match") === kept.etag) response.status(304).end();
      else response.end(kept.body);
    };
    router.get(`/page/${name}`, serve);
  }
  return router;
}

function read(file: URL | string) {
  const body = readFileSync(file);
  return { body, etag: `"${createHash("sha256").update(body).digest("base64url")}"` };
}
