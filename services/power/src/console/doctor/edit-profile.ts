/** One line of a profile with another value: comments, order and every other letter of the file stay. Pure. */
import { ConfigError } from "@gpu-power-manager/shared/errors";
import { isMap, isScalar, parseDocument } from "yaml";
import { parseProfile } from "../profile.ts";

/** Plain in every place where YAML may put a value; all else is quoted. */
const PLAIN = /^[A-Za-z.][\w. >*-]*$/;
/** Plain words that YAML reads as something else than a text. */
const NOT_TEXT = /^(?:true|false|null|yes|no|on|off|~|\.inf|\.nan|[-+.\d].*)$/i;

/**
 * @param line the place, such as `page.row` or `start.steps.0.click`.
 * @throws ConfigError where there is no such line with one value, or the profile could not be used then.
 */
export function withLine(text: string, file: string, line: string, value: string): string {
  const path = line.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const node = parseDocument(text).getIn(path, true);
  if (!isScalar(node) || !node.range)
    throw new ConfigError(file, [`it has no line ${line} with one value; write it by hand`]);
  const [from, to] = node.range;
  const plain =
    PLAIN.test(value) && value === value.trim() && !(NOT_TEXT.test(value) && !/^\.[a-z]/i.test(value));
  const written = plain && !/^\.(?:inf|nan)$/i.test(value) ? value : JSON.stringify(value);
  const changed = `${text.slice(0, from)}${written}${text.slice(to)}`;
  parseProfile(changed, file);
  return changed;
}

/**
 * A whole part of the profile, such as `start`, with another text; what stands before and behind it stays.
 * @param part the part as YAML, from its name on.
 * @throws ConfigError where the profile has no such part, or could not be used then.
 */
export function withPart(text: string, file: string, name: string, part: string): string {
  const { contents } = parseDocument(text);
  const pair = isMap(contents)
    ? contents.items.find(({ key }) => isScalar(key) && key.value === name)
    : undefined;
  const from = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
  if (from === undefined) throw new ConfigError(file, [`it has no part ${name}; write it by hand`]);
  // Up to the next line that begins at the margin: the next part, or a comment about it.
  const rest = text.slice(from);
  const next = /\n(?=\S)/.exec(rest);
  const to = next === null ? text.length : from + next.index + 1;
  const changed = `${text.slice(0, from)}${part.trimEnd()}\n${text.slice(to)}`;
  parseProfile(changed, file);
  return changed;
}
