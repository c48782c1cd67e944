/** The project's own rules in less time: every duration, and every limit that is a time, divided by one number. Pure. */
import { parse, stringify } from "yaml";
import { z } from "zod";

/**
 * In a comparison, and in the name of a histogram's bucket, a number of at least so much is a time in seconds; no
 * count, share or sum of the rules comes near it. prometheus/rules/alerts.yml says so too.
 */
const LEAST_SECONDS = 60;

const UNIT_MS = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};
const DURATION = /(\d+)(ms|[smhdwy])/g;

const Rules = z.object({
  groups: z.array(
    z.looseObject({
      interval: z.string().optional(),
      rules: z.array(z.looseObject({ expr: z.string(), for: z.string().optional() })),
    }),
  ),
});

function isUnit(text: string): text is keyof typeof UNIT_MS {
  return text in UNIT_MS;
}

/** `1h30m` → `112500ms` by 48. */
export function divideDuration(text: string, by: number): string {
  let ms = 0;
  for (const [, count = "", unit = ""] of text.matchAll(DURATION)) {
    if (isUnit(unit)) ms += Number(count) * UNIT_MS[unit];
  }
  if (ms === 0) return text;
  return `${Math.max(1, Math.round(ms / by))}ms`;
}

const divideSeconds = (text: string, by: number) =>
  Number(text) < LEAST_SECONDS ? text : String(Number(text) / by);

/** Divides `[15m]`, `offset 1d`, `> 240` and `le=~"240([.]0)?"`; leaves `> 0.05` and `> 3` alone. */
export function divideExpression(expression: string, by: number): string {
  return expression
    .replaceAll(/(?<=\[)[\dsmhdwy]+(?=\])/g, (text) => divideDuration(text, by))
    .replaceAll(/(?<=\boffset )[\dsmhdwy]+/g, (text) => divideDuration(text, by))
    .replaceAll(/(?<=[<>]=?\s*)\d+(?:\.\d+)?(?![\w.])/g, (text) => divideSeconds(text, by))
    .replaceAll(/(?<=\ble=~?")\d+(?:\.\d+)?/g, (text) => divideSeconds(text, by));
}

/** A rules file, its times divided by `by`. */
export function quickRules(yaml: string, by: number): string {
  const { groups } = Rules.parse(parse(yaml));
  return stringify({
    groups: groups.map((group) => ({
      ...group,
      ...(group.interval === undefined ? {} : { interval: divideDuration(group.interval, by) }),
      rules: group.rules.map((rule) => ({
        ...rule,
        expr: divideExpression(rule.expr, by),
        ...(rule.for === undefined ? {} : { for: divideDuration(rule.for, by) }),
      })),
    })),
  });
}
