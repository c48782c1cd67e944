/**
 * What must never be kept or told: passwords, keys, how one logs in to a machine. Learnt from the provider's
 * answers as they pass, and blotted out of every text that leaves the console's driver.
 */

/** Fields that are secret in whichever answer; a profile names those of its own provider beside these. */
export const SECRET_FIELDS = ["Password", "SshLoginCommand", "IPSet", "Softwares"] as const;
export const BLOT = "[secret]";
/** A shorter text would blot ordinary words. */
const MIN_LENGTH = 4;
/** The same for a part of a text (the host of a command, the token of an address), which also has to hold a digit. */
const MIN_PART_LENGTH = 7;
/** Beyond these the oldest are forgotten: a thousand machines whose secrets changed a few times. */
const MAX_VALUES = 50_000;

export class Secrets {
  private readonly fields: () => readonly string[];
  /** In the order in which they were last seen. */
  private readonly values = new Set<string>();
  private compiled: { readonly pattern: RegExp | undefined } | undefined;

  /** @param fields names of fields, beside `SECRET_FIELDS`, whose values are secret wherever they stand. */
  constructor(fields: () => readonly string[]) {
    this.fields = fields;
  }

  /** Takes the secrets of an answer of the provider. */
  learn(answer: unknown): void {
    const names = new Set([...SECRET_FIELDS, ...this.fields()].map((name) => name.toLowerCase()));
    const walk = (value: unknown, secret: boolean): void => {
      if (Array.isArray(value)) for (const each of value) walk(each, secret);
      else if (typeof value === "object" && value !== null)
        for (const [name, each] of Object.entries(value)) walk(each, secret || names.has(name.toLowerCase()));
      else if (secret && typeof value === "string") this.addWithParts(value);
      else if (secret && typeof value === "number") this.addPart(String(value));
    };
    walk(answer, false);
  }

  /** Takes a text that is secret as a whole: a header, a cookie, a password of ours. */
  add(value: string): void {
    if (value.length < MIN_LENGTH) return;
    if (!this.values.delete(value)) this.compiled = undefined;
    this.values.add(value);
    const [oldest] = this.values;
    if (this.values.size > MAX_VALUES && oldest !== undefined) this.values.delete(oldest);
  }

  private addWithParts(value: string): void {
    this.add(value);
    // A page may show the host of a login command alone, or keep the token of an address in a field.
    for (const part of value.split(/[\s@/?&=:,;"'<>()]+/)) this.addPart(part);
    const decoded = decodedBase64(value);
    if (decoded !== undefined) this.add(decoded);
  }

  private addPart(part: string): void {
    if (part.length >= MIN_PART_LENGTH && /\d/.test(part)) this.add(part);
  }

  /** Matches whatever is secret, in each way in which texts write it; undefined while nothing is known. */
  get pattern(): RegExp | undefined {
    this.compiled ??= { pattern: compile(this.values) };
    return this.compiled.pattern;
  }

  /** The text with its secrets blotted out. */
  blot(text: string): string {
    return this.pattern === undefined ? text : text.replaceAll(this.pattern, BLOT);
  }
}

function compile(values: ReadonlySet<string>): RegExp | undefined {
  if (values.size === 0) return undefined;
  const forms = new Set([...values].flatMap(formsOf));
  // The longest first, so that no rest of a longer one stays.
  const sources = [...forms].sort((a, b) => b.length - a.length).map(sourceOf);
  return new RegExp(sources.join("|"), "g");
}

function formsOf(value: string): string[] {
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value.toWellFormed()),
    encodeURI(value.toWellFormed()),
    Buffer.from(value, "utf8").toString("base64"),
  ];
}

function sourceOf(text: string): string {
  // Pages break lines, put no-break spaces where an answer has a blank, or begin another element there.
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&").replaceAll(/\s+/g, "\\s*");
}

/** Some providers write passwords in base64; the page shows what is in it. */
function decodedBase64(value: string): string | undefined {
  if (!/^[A-Za-z0-9+/]{8,}={0,2}$/.test(value) || value.length % 4 !== 0) return undefined;
  const decoded = Buffer.from(value, "base64").toString("utf8");
  return /^[\x20-\x7e]+$/.test(decoded) ? decoded : undefined;
}
