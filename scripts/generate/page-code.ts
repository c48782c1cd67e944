/** The code of the operator's page: written in TypeScript, checked as such, and stripped of its types once, here. */
import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

const PAGE = "services/power/src/operator/page";
const SOURCES = new URL(`../../${PAGE}/browser/`, import.meta.url);

/** What a browser loads has no package names and no types. */
function forBrowsers(source: string): string {
  return stripTypeScriptTypes(source)
    .replaceAll(/(from |import\()"(\.\/[\w-]+)\.ts"/g, '$1"$2.js"')
    .replaceAll('from "uplot"', 'from "./uplot.js"')
    .replaceAll(/[ \t]+$/gm, "");
}

export function pageCode(): Record<string, () => string> {
  const names = readdirSync(SOURCES).filter((name) => name.endsWith(".ts"));
  return Object.fromEntries(
    names.map((name) => [
      `${PAGE}/assets/${name.replace(/\.ts$/, ".js")}`,
      () => forBrowsers(readFileSync(new URL(name, SOURCES), "utf8")),
    ]),
  );
}
