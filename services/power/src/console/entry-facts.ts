/** What the provider's entry of a machine tells beside its state, whichever lane brought it. Pure. */
import { z } from "zod";
import type { Facts } from "./driver.ts";
import { type Entry, entryOf, stateOf, wordOf } from "./interpret.ts";
import { valuesAt } from "./path-values.ts";
import type { Profile } from "./profile.ts";

/** Before this a number of seconds since 1970 is no time of a machine (2001): none is planned, or it counts something else. */
const LEAST_TIME_S = 1_000_000_000;
/** After this it is no time in seconds (2286). */
const MOST_TIME_S = 9_999_999_999;

/**
 * Reads the facts of an entry. What is not there, or not in a form that is known, is left out: nothing is guessed.
 * @param askedAt when the question left, in milliseconds since 1970.
 */
export function factsOf(entry: Entry, api: Profile["api"], askedAt: number): Facts {
  const { facts } = api;
  const read = <T>(path: string | undefined, as: (value: unknown) => T | undefined): T[] =>
    path === undefined ? [] : valuesAt(entry, path).flatMap((value) => as(value) ?? []);
  const first = <T>(paths: readonly string[], as: (value: unknown) => T | undefined): T | undefined =>
    paths.flatMap((path) => read(path, as))[0];
  const gpus = first([facts.gpus ?? ""], asCount);
  const mode = first([facts.withoutGpu?.field ?? ""], asText);
  const free = first([facts.capacity?.free ?? ""], asCount);
  const needed = first([facts.capacity?.needed ?? ""], asCount);
  const charged = facts.hourly === undefined ? undefined : entry[facts.hourly.field];
  const hourly =
    facts.hourly === undefined || (typeof charged === "string" && facts.hourly.values.includes(charged));
  const renews = facts.renews === undefined ? undefined : entry[facts.renews.field];
  const [own, ...more] = facts.prices.map((path) => read(path, asPrice));
  // Without the machine's own price the sum of the others is not what it costs.
  const pricePerHour = hourly && own !== undefined && own.length > 0 ? sum([own, ...more].flat()) : undefined;
  const offPricePerHour = hourly ? sum(read(facts.offPrice, asPrice)) : undefined;
  return exact({
    askedAt,
    gpuUsage: greatest(read(facts.gpuUsage, asPercent)),
    cpuUsage: greatest(read(facts.cpuUsage, asPercent)),
    withoutGpu:
      mode !== undefined
        ? facts.withoutGpu?.values.includes(mode)
        : gpus === undefined
          ? undefined
          : gpus === 0,
    available: free === undefined || needed === undefined ? undefined : free >= needed,
    pricePerHour,
    offPricePerHour,
    currency: pricePerHour === undefined && offPricePerHour === undefined ? undefined : facts.currency,
    releaseAt: first([facts.releaseTime ?? ""], asTime) ?? releaseAfter(entry, api),
    expiresAt: first([facts.expireTime ?? ""], asTime),
    renews: renews === undefined || typeof renews !== "string" ? undefined : renews === facts.renews?.yes,
    plannedStopAt: first(facts.plannedStop, asTime),
  });
}

/** When a machine that is off will be deleted for it; a running one may still tell when it was off last. */
function releaseAfter(entry: Entry, api: Profile["api"]): number | undefined {
  const { releaseAfter: rule } = api.facts;
  if (rule === undefined || stateOf(wordOf(entry, api) ?? "", api) !== "stopped") return undefined;
  const since = valuesAt(entry, rule.since).flatMap((value) => asTime(value) ?? [])[0];
  return since === undefined ? undefined : since + rule.period;
}

/** The facts of those machines that the list holds, by provider id. */
export function factsOfAll(
  entries: readonly Entry[],
  providerIds: readonly string[],
  profile: Profile,
  askedAt: number,
): ReadonlyMap<string, Facts> {
  const told = providerIds.flatMap((id) => {
    const entry = entryOf(entries, id, profile);
    return entry === undefined ? [] : [[id, factsOf(entry, profile.api, askedAt)] as const];
  });
  return new Map(told);
}

const Digits = z.union([
  z.number(),
  z
    .string()
    .trim()
    .regex(/^\d+(?:\.\d+)?$/)
    .transform(Number),
]);

/** Percent as a number, or as a text with or without its sign. */
function asPercent(value: unknown): number | undefined {
  const bare = typeof value === "string" ? value.trim().replace(/\s*%$/, "") : value;
  return Digits.pipe(z.number().min(0).max(100)).safeParse(bare).data;
}

function asPrice(value: unknown): number | undefined {
  return Digits.pipe(z.number().nonnegative()).safeParse(value).data;
}

function asText(value: unknown): string | undefined {
  return z.string().safeParse(value).data;
}

function asCount(value: unknown): number | undefined {
  return z.int().nonnegative().safeParse(value).data;
}

/** Unix seconds, or a text as RFC 3339 writes it → milliseconds since 1970; 0 and whatever else is no time is none. */
function asTime(value: unknown): number | undefined {
  const text = z.iso.datetime({ offset: true }).safeParse(value).data;
  const written = text === undefined ? value : Math.floor(Date.parse(text) / 1_000);
  const seconds = Digits.pipe(z.int().min(LEAST_TIME_S).max(MOST_TIME_S)).safeParse(written).data;
  return seconds === undefined ? undefined : seconds * 1_000;
}

function greatest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}

function sum(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0);
}

type Exact<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Leaves out what is undefined. */
function exact<T extends { readonly askedAt: number }>(facts: T): Partial<Exact<T>> & { askedAt: number } {
  const told = Object.entries(facts).filter(([, value]) => value !== undefined);
  return Object.fromEntries(told) as Partial<Exact<T>> & { askedAt: number };
}
