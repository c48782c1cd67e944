/**
 * Takes secrets out of texts that leave the house. Pure. Two nets, one behind the other: values that are known to be
 * secret, in every form in which texts write them, and whatever stands where a secret stands (a field called password,
 * an address with a login, a cookie), whoever's it is.
 */

export const BLOT = "[secret]";
/** A shorter value would blot ordinary words; where its field says what it is, the second net has it. */
const MIN_LENGTH = 4;
/** The same for letters cut out of a longer base64 text. */
const MIN_CUT_LENGTH = 8;
/** What settings with a secret's name hold that is none. */
const HARMLESS = /^(?:true|false|null|none|\(set\)|operator|viewer|\d{1,5}|\[secret\])$/i;

/** From the beginning of a word only: a page holds pictures as words of 100,000 letters, looked at from each of them. */
const NAME =
  "(?<![\\w-])[\\w-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|cookie|credential|csrf|signature|license|session[_-]?key|session[_-]?id|api[_-]?key|access[_-]?key|private[_-]?key|public[_-]?key|authorization)[\\w-]*";
/** `\"…\"` inside another text, `"…"`, `'…'`, or a bare word. */
const VALUE = `\\\\+"(?:[^"\\\\]|\\\\(?!\\\\*"))*\\\\+"|"(?:[^"\\\\]|\\\\.)*"|'[^'\\n]*'|[^\\s,;&<>"'}\\])]+`;

/** Whole headers: a cookie has blanks and semicolons in it. */
const HEADER =
  /((?:set-cookie|cookie|(?:proxy-)?authorization|x-api-key|u-csrf-token)\s*:\s*)(?!\s*["'\\[{])[^\r\n"'\\]+/gi;
const FIELD = new RegExp(`((?:${NAME}|(?<=["'])key)(?:\\\\*["'])?\\s*[:=]\\s*)(${VALUE})`, "gi");
const TAG = /<(?:input|meta)\b[^>]*>/gi;
const SECRET_TAG = new RegExp(`type=["']?password|(?:name|id)=["']?${NAME}`, "i");

const PATTERNS: ReadonlyArray<readonly [RegExp, string]> = [
  // Addresses with a login in them, as they are and url-encoded.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@"'<>]{0,256}:[^\s/@"'<>]{0,256}@/gi, `$1${BLOT}@`],
  [/\b([a-z][a-z0-9+.-]{0,20}%3A%2F%2F)[^\s"'<>]{0,256}?%3A[^\s"'<>]{0,256}?%40/gi, `$1${BLOT}%40`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{4,}/gi, `$1 ${BLOT}`],
  [/-----BEGIN [A-Z0-9 ]*(?:PRIVATE KEY|SEED|JWT)-----[\s\S]*?-----+END [A-Z0-9 ]*-----+/g, BLOT],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, BLOT],
  // Seeds of NATS, and keys of the kind that many providers give.
  [/\bS[ACNOUX][A-Z2-7]{56}\b/g, BLOT],
  [/\bsk-[\w-]{16,}/g, BLOT],
];

function formsOf(value: string): string[] {
  const well = value.toWellFormed();
  const encoded = encodeURIComponent(well);
  const bytes = Buffer.from(well, "utf8");
  const html = well.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    // A JSON document inside another.
    JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1),
    encoded,
    encodeURI(well),
    encoded.replaceAll("%20", "+"),
    encoded.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    encodeURIComponent(encoded),
    html.replaceAll('"', "&quot;"),
    html.replaceAll('"', "&quot;").replaceAll("'", "&#39;"),
    bytes.toString("hex"),
    ...base64Forms(bytes),
  ];
}

/** Base64 of the bytes alone, and the letters that are the same wherever they stand in a longer base64 text. */
function base64Forms(bytes: Buffer): string[] {
  return (["base64", "base64url"] as const).flatMap((encoding) => [
    bytes.toString(encoding),
    ...[0, 1, 2].flatMap((before) => {
      const shifted = Buffer.concat([Buffer.alloc(before), bytes])
        .toString(encoding)
        .replace(/=+$/, "");
      const first = before === 0 ? 0 : before + 1;
      const whole = Math.floor(((before + bytes.length) * 8) / 6);
      const same = shifted.slice(first, whole);
      return same.length < MIN_CUT_LENGTH ? [] : [same];
    }),
  ]);
}

export class Scrubber {
  /** What stands in the place of each form. */
  private readonly blots = new Map<string, string>();
  private ordered: ReadonlyArray<readonly [string, string]> | undefined;

  /** Takes a value that is secret. @param blot what stands in its place, such as a hash that tells two apart. */
  add(value: string, blot: string = BLOT): void {
    const trimmed = value.trim();
    if (trimmed.length < MIN_LENGTH || HARMLESS.test(trimmed)) return;
    for (const form of formsOf(trimmed)) if (form.length >= MIN_LENGTH) this.blots.set(form, blot);
    this.ordered = undefined;
  }

  /** The text without what is secret. */
  scrub(text: string): string {
    let clean = text;
    // The longest first, so that no rest of a longer one stays.
    this.ordered ??= [...this.blots].sort(([a], [b]) => b.length - a.length);
    for (const [form, blot] of this.ordered) if (clean.includes(form)) clean = clean.replaceAll(form, blot);
    for (const [pattern, blot] of PATTERNS) clean = clean.replaceAll(pattern, blot);
    clean = clean.replaceAll(HEADER, `$1${BLOT}`);
    clean = clean.replaceAll(TAG, (tag) =>
      SECRET_TAG.test(tag)
        ? tag.replaceAll(/((?:value|content)=)(?:"[^"]*"|'[^']*'|[^\s>]+)/gi, `$1"${BLOT}"`)
        : tag,
    );
    return clean.replaceAll(FIELD, (_all, before: string, value: string) => `${before}${blotted(value)}`);
  }
}

/** The quotes stay, so that a document stays one. */
function blotted(value: string): string {
  const quotes = /^(\\*["'])([\s\S]*?)(\\*["'])$/.exec(value);
  if (quotes === null) return HARMLESS.test(value) || /^[{[]/.test(value) ? value : BLOT;
  const [, open = "", inner = "", close = ""] = quotes;
  return inner === "" || HARMLESS.test(inner) ? value : `${open}${BLOT}${close}`;
}
