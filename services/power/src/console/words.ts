/** Texts of a page as patterns. Pure. */

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The whole text is one of these. */
export function wholeText(words: readonly string[]): RegExp {
  return new RegExp(`^\\s*(?:${words.map(escaped).join("|")})\\s*$`);
}

/** One of these ids is named, and not only as the beginning or the end of a longer one. */
export function naming(ids: readonly string[]): RegExp {
  return new RegExp(`(?<![\\w-])(?:${ids.map(escaped).join("|")})(?![\\w-])`);
}
