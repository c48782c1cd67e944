/** Picks a few short fields out of a large JSON object, without its payload ever becoming text. Pure. */

/** Longer values are of no use to us: 256 characters, each of them escaped, are still shorter. */
const LONGEST = 2_048;

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const SPACE = 0x20;

/**
 * The members of these names as a JSON object of their own; null stands for a value that is an object, an array or
 * too long. Members are compared as they are written, so one whose name is escaped is left out. Each byte is looked
 * at once. Undefined for what is no JSON object; not every mistake in what is left out is noticed.
 */
export function pickFields(text: Buffer, names: ReadonlySet<string>): string | undefined {
  const picked: string[] = [];
  let at = skipSpace(text, 0);
  if (text[at] !== OPEN_OBJECT) return undefined;
  if (text[skipSpace(text, at + 1)] === CLOSE_OBJECT) return "{}";
  do {
    at = skipSpace(text, at + 1);
    if (text[at] !== QUOTE) return undefined;
    const nameEnd = skipString(text, at);
    const name = text.toString("latin1", at + 1, Math.min(nameEnd - 1, at + LONGEST));
    at = skipSpace(text, nameEnd);
    if (text[at] !== COLON) return undefined;
    const start = skipSpace(text, at + 1);
    const end = skipValue(text, start);
    if (end === start || end > text.length) return undefined;
    if (names.has(name)) {
      const nested = text[start] === OPEN_OBJECT || text[start] === OPEN_ARRAY;
      const value = nested || end - start > LONGEST ? "null" : text.toString("utf8", start, end);
      picked.push(`"${name}":${value}`);
    }
    at = skipSpace(text, end);
  } while (text[at] === COMMA);
  return text[at] === CLOSE_OBJECT ? `{${picked.join(",")}}` : undefined;
}

function skipSpace(text: Buffer, from: number): number {
  let at = from;
  for (let byte = text[at]; byte !== undefined && byte <= SPACE; byte = text[at]) at += 1;
  return at;
}

/** From the opening quote to behind the closing one; beyond the end where there is none. */
function skipString(text: Buffer, from: number): number {
  let at = from + 1;
  for (let byte = text[at]; byte !== QUOTE; byte = text[at]) {
    if (byte === undefined) return text.length + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return at + 1;
}

function skipValue(text: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  for (;;) {
    const byte = text[at];
    if (byte === undefined) return depth === 0 ? at : text.length + 1;
    if (byte === QUOTE) {
      at = skipString(text, at);
    } else {
      const closes = byte === CLOSE_OBJECT || byte === CLOSE_ARRAY;
      if (depth === 0 && (closes || byte === COMMA)) return at;
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
      else if (closes) depth -= 1;
      at += 1;
    }
  }
}
