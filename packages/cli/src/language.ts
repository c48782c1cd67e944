/** What is said to people, in English or Chinese; documents for programs (`--json`) are the same in both. */
export const LANGUAGES = ["en", "zh"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Both wordings side by side where they are said, so that neither is forgotten. */
export type Say = (en: string, zh: string) => string;

export const speaker =
  (language: Language): Say =>
  (en, zh) =>
    language === "zh" ? zh : en;

/** @param said what `--lang` says; else the locale decides, as for every other command. */
export function languageOf(
  said: Language | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Language {
  if (said !== undefined) return said;
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || "";
  return /^zh/i.test(locale) ? "zh" : "en";
}
