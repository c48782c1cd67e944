/** The table of idle times on traces, for docs/policy.md: fixed ones, the one that learns, hindsight's best. */
import { fixed, hindsight, learning, replay } from "../../services/power/src/policy/replay.ts";
import type { Spell } from "../../services/power/src/policy/work-spells.ts";
import { randomFrom } from "../../tests/simulation/world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAYS = 28;
const BOOT = 2 * MINUTE;
/** A minute of waiting is worth five of running, as policy says by default. */
const START_COST = BOOT * 6;

/** Spells of work with random gaps and lengths, in milliseconds. */
function trace(seed: number, next: (random: () => number, at: number) => { gap: number; length: number }) {
  const random = randomFrom(seed);
  const spells: Spell[] = [];
  for (let at = 0; at < DAYS * 24 * HOUR; ) {
    const { gap, length } = next(random, at);
    const from = at + Math.max(3 * MINUTE, gap);
    spells.push({ from, to: from + length, waited: 0, boot: 0 });
    at = from + length;
  }
  return spells;
}

const exponential = (random: () => number, mean: number) => -Math.log(1 - random()) * mean;

const TRACES: ReadonlyArray<{ readonly en: string; readonly zh: string; readonly spells: readonly Spell[] }> =
  [
    {
      en: "office: a job every 25 min by day, none at night",
      zh: "办公：白天约每 25 分钟一个任务，夜间没有",
      spells: trace(1, (random, at) => {
        const gap = exponential(random, 25 * MINUTE);
        const hour = ((at + gap) / HOUR) % 24;
        return { gap: hour > 9 && hour < 18 ? gap : gap + ((33 - hour) % 24) * HOUR, length: 6 * MINUTE };
      }),
    },
    {
      en: "bursts: five jobs 5 min apart, then 3 h nothing",
      zh: "成批：五个任务相隔 5 分钟，然后 3 小时没有",
      spells: trace(2, (random) => ({
        gap: random() < 0.8 ? 5 * MINUTE : exponential(random, 3 * HOUR),
        length: 4 * MINUTE,
      })),
    },
    {
      en: "steady: every 20 min",
      zh: "均匀：每 20 分钟一个",
      spells: trace(3, (random) => ({ gap: (18 + 4 * random()) * MINUTE, length: 3 * MINUTE })),
    },
    {
      en: "rare: about every 4 h",
      zh: "稀少：约每 4 小时一个",
      spells: trace(4, (random) => ({ gap: exponential(random, 4 * HOUR), length: 10 * MINUTE })),
    },
    {
      en: "heavy tail: most within minutes, some after half a day",
      zh: "长尾：多数几分钟内，少数隔半天",
      spells: trace(5, (random) => ({ gap: 3 * MINUTE * (1 - random()) ** -1.2, length: 5 * MINUTE })),
    },
  ];

const PLAYERS = [
  { en: "10 min", zh: "10 分钟", make: () => fixed(10 * MINUTE) },
  { en: "30 min", zh: "30 分钟", make: () => fixed(30 * MINUTE) },
  { en: "60 min", zh: "60 分钟", make: () => fixed(60 * MINUTE) },
  { en: "auto", zh: "auto", make: () => learning(START_COST, { min: 10 * MINUTE, max: 2 * HOUR }) },
  { en: "hindsight", zh: "事后最优", make: () => hindsight(START_COST) },
] as const;

/** Rows of markdown: hours a day, waiting a day, and what both cost together beside hindsight's best. */
export function comparison(language: "en" | "zh"): string[] {
  const head =
    language === "en" ? ["trace", ...PLAYERS.map(({ en }) => en)] : ["负载", ...PLAYERS.map(({ zh }) => zh)];
  const rows = TRACES.map((each) => {
    const runs = PLAYERS.map(({ make }) =>
      replay(each.spells, make(), { boot: BOOT, minRun: 5 * MINUTE, until: DAYS * 24 * HOUR }),
    );
    const costs = runs.map(({ running, waiting }) => running + waiting * 5);
    const best = costs.at(-1) ?? 1;
    const cells = runs.map(({ running, waiting }, index) => {
      const hours = (running / HOUR / DAYS).toFixed(1);
      const minutes = (waiting / MINUTE / DAYS).toFixed(0);
      const ratio = ((costs[index] ?? 0) / best).toFixed(2);
      return language === "en"
        ? `${hours} h, ${minutes} min, ${ratio}`
        : `${hours} 小时，${minutes} 分钟，${ratio}`;
    });
    return [each[language], ...cells];
  });
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
}

if (import.meta.main)
  for (const language of ["en", "zh"] as const) console.log(`${comparison(language).join("\n")}\n`);
