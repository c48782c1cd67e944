/** JSON as the gateway's PHP writes it into Redis: slashes escaped, non-ASCII as \uXXXX, `{}` as `[]`. */
export function phpJson(value: unknown): string {
  return JSON.stringify(asPhp(value))
    .replaceAll("/", "\\/")
    .replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A value after PHP decoded it into arrays: an empty object has become an empty list. */
export function asPhp(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asPhp);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  return entries.length === 0 ? [] : Object.fromEntries(entries.map(([key, each]) => [key, asPhp(each)]));
}
