/** What a scenario reports: figures, the floor's beside them, and whether the target is met. Pure. */
import { z } from "zod";

/** In both languages of the documentation. */
export const Text = z.object({ en: z.string(), zh: z.string() });
export type Text = z.output<typeof Text>;

export const Row = z.object({
  /** In a word; the same in every run. */
  id: z.string(),
  what: Text,
  unit: z.enum(["ms", "µs", "/s", "MB", "%"]),
  ours: z.number(),
  floor: z.number().optional(),
  /** Ours over the floor's; of the rounds' ratios the median. */
  ratio: z.number().optional(),
  target: z
    .object({
      /** `ratio` compares with the floor in the same run; `ours` is a figure of its own. */
      of: z.enum(["ratio", "ours"]),
      atMost: z.number().optional(),
      atLeast: z.number().optional(),
    })
    .optional(),
});
export type Row = z.output<typeof Row>;

/** What one machine may be worse than another, or than itself on a busy day, without anything being wrong. */
const SHORT_TOLERANCE = 2;

function value({ target, ratio, ours }: Row): number | undefined {
  return target?.of === "ratio" ? ratio : ours;
}

/** Whether the target is met; undefined where there is none. */
export function isMet(row: Row): boolean | undefined {
  const { target } = row;
  const reached = value(row);
  if (target === undefined || reached === undefined) return undefined;
  const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = target;
  return reached <= atMost && reached >= atLeast;
}

/**
 * What is wrong with a scenario that was measured several times, in the words of the last: only what was wrong each
 * time, since a machine that does other things may be late once, and what has become slow is slow every time.
 */
export function faultsOf(tries: ReadonlyArray<readonly Row[]>): string[] {
  const wrong = (rows: readonly Row[] | undefined, id: string) =>
    rows?.some((row) => row.id === id && faultOf(row) !== undefined) === true;
  const lasting = (tries.at(-1) ?? []).filter(({ id }) => tries.every((rows) => wrong(rows, id)));
  return lasting.flatMap((row) => faultOf(row) ?? []);
}

/**
 * What the short form fails on: a ratio more than twice as bad as its target. Never an absolute figure, which says
 * more about the machine than about the product.
 */
export function faultOf(row: Row): string | undefined {
  const { target, ratio, id } = row;
  if (target?.of !== "ratio" || ratio === undefined) return undefined;
  const { atMost, atLeast } = target;
  const words = `${id}: ${ratio.toFixed(2)} × the floor, where the target is`;
  if (atMost !== undefined && !(ratio <= atMost * SHORT_TOLERANCE)) return `${words} at most ${atMost} ×`;
  if (atLeast !== undefined && !(ratio >= atLeast / SHORT_TOLERANCE)) return `${words} at least ${atLeast} ×`;
  return undefined;
}
