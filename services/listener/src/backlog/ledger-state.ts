/**
 * What a listener leaves to the one that comes after it, and how it is written: of each hash only the first letters,
 * one behind the other, so that what has to be known of 100,000 waiting jobs fits into one message of NATS. It has to
 * be one, because state and epoch are true only together. Pure.
 */
import { hash } from "node:crypto";
import { z } from "zod";

/**
 * Letters of a hash (48 bits). That a new job has those of one of 100,000 others happens once in 3 billion; it then
 * counts as heard, and still starts the machine as one that waits.
 */
const LETTERS = 8;

export type Counts = ReadonlyMap<string, number>;

/** All names are short hashes (`brief`). */
export interface LedgerState {
  readonly epoch: string;
  /** Waiting jobs that are dealt with, by their hash. */
  readonly accounted: Counts;
  /** Notices whose job has not been looked for yet, by what they account for. */
  readonly credits: Counts;
  /** Waiting jobs that an even earlier listener may have heard of: by its epoch, by their hash. */
  readonly doubts: ReadonlyMap<string, Counts>;
}

/** The letters by which a job is known to its successor. @param hash of a waiting job. */
export function brief(hash: string): string {
  return hash.slice(0, LETTERS);
}

/** The letters by which a notice is known to the ledger and its successor. @param name what it accounts for. */
export function briefCredit(name: string): string {
  return brief(hash("sha256", name, "base64url"));
}

const Epoch = z.string().min(1).max(64);
const Count = z.number().int().positive();
/** `once`: the names that count once, without anything between them. */
const CountsText = z.object({
  once: z
    .string()
    .regex(/^[\w-]*$/)
    .refine((names) => names.length % LETTERS === 0, { error: "is cut off" }),
  more: z.record(z.string().length(LETTERS), Count),
});
type CountsText = z.infer<typeof CountsText>;

const Text = z.object({
  version: z.literal(2),
  epoch: Epoch,
  accounted: CountsText,
  credits: CountsText,
  doubts: z.record(Epoch, CountsText),
});

/** As a listener before the letters wrote it; one may have run until now. */
const OlderCounts = z.record(z.string(), Count);
const OlderText = z.object({
  version: z.literal(1),
  epoch: Epoch,
  accounted: OlderCounts,
  credits: OlderCounts,
  doubts: z.record(Epoch, OlderCounts),
});

export function writeState({ epoch, accounted, credits, doubts }: LedgerState): string {
  const text: z.infer<typeof Text> = {
    version: 2,
    epoch,
    accounted: write(accounted),
    credits: write(credits),
    doubts: Object.fromEntries([...doubts].map(([heardIn, counts]) => [heardIn, write(counts)])),
  };
  return JSON.stringify(text);
}

/** @throws when it is not what a listener left. */
export function readState(json: unknown): LedgerState {
  const text = z.discriminatedUnion("version", [Text, OlderText]).parse(json);
  const { epoch } = text;
  if (text.version === 2) {
    const doubts = new Map(Object.entries(text.doubts).map(([heardIn, counts]) => [heardIn, read(counts)]));
    return { epoch, accounted: read(text.accounted), credits: read(text.credits), doubts };
  }
  const doubts = new Map(
    Object.entries(text.doubts).map(([heardIn, counts]) => [heardIn, shorten(counts, brief)]),
  );
  return {
    epoch,
    accounted: shorten(text.accounted, brief),
    credits: shorten(text.credits, briefCredit),
    doubts,
  };
}

function write(counts: Counts): CountsText {
  const once: string[] = [];
  const more: Record<string, number> = {};
  for (const [name, count] of counts) {
    if (count === 1) once.push(name);
    else more[name] = count;
  }
  return { once: once.join(""), more };
}

function read({ once, more }: CountsText): Map<string, number> {
  const counts = new Map<string, number>();
  for (let at = 0; at < once.length; at += LETTERS) counts.set(once.slice(at, at + LETTERS), 1);
  for (const [name, count] of Object.entries(more)) counts.set(name, count);
  return counts;
}

function shorten(
  counts: Readonly<Record<string, number>>,
  by: (name: string) => string,
): Map<string, number> {
  const shorter = new Map<string, number>();
  for (const [name, count] of Object.entries(counts)) {
    const letters = by(name);
    shorter.set(letters, (shorter.get(letters) ?? 0) + count);
  }
  return shorter;
}
