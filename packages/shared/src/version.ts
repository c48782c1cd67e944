import { readFileSync } from "node:fs";

/** Written when an image is built, beside the sources. */
const FILE = new URL("../../../VERSION", import.meta.url);

/** The version of the image that this process runs from; undefined where it runs from sources. */
export function readVersion(file: URL | string = FILE): string | undefined {
  try {
    return readFileSync(file, "utf8").trim() || undefined;
  } catch {
    // No image.
    return undefined;
  }
}
