import { readFileSync } from "node:fs";
import { ConfigError, describeError } from "@gpu-power-manager/shared/errors";
import { isCollection, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";

/** The line of the deepest node on the way to `path` that exists: for a missing key, that of its parent. */
function lineOf(
  document: ReturnType<typeof parseDocument>,
  path: readonly PropertyKey[],
  lines: LineCounter,
): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const keys = path.slice(0, length).map((key) => (typeof key === "symbol" ? String(key) : key));
    const node = length === 0 ? document.contents : document.getIn(keys, true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    if (isCollection(node)) return 1;
  }
  return 1;
}

/** The line of a key of the map at `path`: where a person mistyped it. */
function lineOfKey(
  document: ReturnType<typeof parseDocument>,
  path: readonly PropertyKey[],
  key: string,
  lines: LineCounter,
): number {
  const map = path.length === 0 ? document.contents : document.getIn(path.map(String), true);
  const pair = isMap(map)
    ? map.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
    : null;
  const range = isScalar(pair?.key) ? pair.key.range : undefined;
  return range ? lines.linePos(range[0]).line : lineOf(document, path, lines);
}

/**
 * Reads YAML text through a schema.
 * @throws ConfigError with every mistake as `file:line: path message`.
 */
export function parseYaml<S extends z.ZodType>(schema: S, text: string, file: string): z.output<S> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new ConfigError(
      file,
      document.errors.map((error) => `${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`),
    );
  }
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    file,
    parsed.error.issues.flatMap((issue) => {
      const where = issue.path.map(String).join(".") || "the file";
      const at = (line: number) => `${file}:${line}: ${where}: ${issue.message}`;
      if (issue.code !== "unrecognized_keys") return [at(lineOf(document, issue.path, lines))];
      return issue.keys.map((key) => at(lineOfKey(document, issue.path, key, lines)));
    }),
  );
}

/** Reads a YAML file through a schema. @throws ConfigError when it cannot be read or used. */
export function loadYaml<S extends z.ZodType>(schema: S, file: string): z.output<S> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(file, [`it cannot be read: ${describeError(error)}`]);
  }
  return parseYaml(schema, text, file);
}
