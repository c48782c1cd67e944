/** One line of a profile with another value: comments, order and every other letter of the file stay. Pure. */
import { ConfigError } from "@gpu-power-manager/shared/errors";
import { isScalar, parseDocument } from "yaml";
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
