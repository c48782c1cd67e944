/** What was measured, when and where; kept in docs/performance.json, from which the tables of the documentation come. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { Row, Text } from "./row.ts";

export const RESULTS_FILE = new URL("../../docs/performance.json", import.meta.url);

/** One scenario's last full run. */
export const Result = z.object({
  name: z.string(),
  isolates: Text,
  at: z.iso.datetime(),
  rounds: z.number().int().positive(),
  seconds: z.number(),
  /** Cores, and the load averages of a minute before and after. */
  cores: z.number().int().positive(),
  load: z.tuple([z.number(), z.number()]),
  /** Programs that matter, by name. */
  versions: z.record(z.string(), z.string()),
  rows: z.array(Row),
});
export type Result = z.output<typeof Result>;

const Results = z.array(Result);

export function readResults(): Result[] {
  return existsSync(RESULTS_FILE) ? Results.parse(JSON.parse(readFileSync(RESULTS_FILE, "utf8"))) : [];
}

/** Puts new results in the place of the old ones of the same scenarios, in the order of `names`. */
export function writeResults(fresh: readonly Result[], names: readonly string[]): void {
  const all = new Map([...readResults(), ...fresh].map((result) => [result.name, result]));
  const ordered = names.flatMap((name) => all.get(name) ?? []);
  writeFileSync(RESULTS_FILE, `${JSON.stringify(ordered, null, 2)}\n`);
}
