/**
 * Measures, prints, and keeps what a full run found in docs/performance.json. `--short` measures little, keeps nothing,
 * and fails on a ratio that is more than twice as bad as its target, each time it is measured. Names of scenarios
 * measure only those.
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { natsProgram } from "../harness/nats-server.ts";
import { type Result, writeResults } from "./results.ts";
import { faultsOf, type Row } from "./row.ts";
import type { Effort, Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { plain } from "./table.ts";

const ROUNDS = 5;
const SHORT_ROUNDS = 3;
/** How often the short form measures what seems to have become slow, before it says so. */
const SHORT_TRIES = 3;

async function measure(scenario: Scenario, effort: Effort): Promise<Result> {
  const { name, isolates } = scenario;
  const before = loadavg()[0] ?? Number.NaN;
  const beganAt = performance.now();
  const rows = [...(await scenario.run(effort))];
  const seconds = Math.round((performance.now() - beganAt) / 1_000);
  return {
    name,
    isolates,
    at: new Date().toISOString(),
    rounds: effort.rounds,
    seconds,
    cores: cpus().length,
    load: [before, loadavg()[0] ?? Number.NaN],
    versions: { Node: process.versions.node, "nats-server": (await natsProgram()).version },
    rows,
  };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { short: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const { short } = values;
  const names = SCENARIOS.map(({ name }) => name);
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Error(`No such scenario: ${unknown.join(", ")}. There are ${names.join(", ")}`);
  const effort = { short, rounds: Number(process.env.ROUNDS ?? (short ? SHORT_ROUNDS : ROUNDS)) };
  const chosen = SCENARIOS.filter(({ name, fullOnly }) =>
    positionals.length > 0 ? positionals.includes(name) : !short || fullOnly !== true,
  );
  const faults: string[] = [];
  for (const scenario of chosen) {
    const tries: Array<readonly Row[]> = [];
    do {
      const result = await measure(scenario, effort);
      tries.push(result.rows);
      console.log(
        `${result.name} (${result.seconds} s, load ${result.load.map((of) => of.toFixed(1)).join(" to ")})`,
      );
      console.log(plain(result));
      if (!short) writeResults([result], names);
    } while (short && tries.length < SHORT_TRIES && faultsOf(tries).length > 0);
    faults.push(...faultsOf(tries));
  }
  if (!short || faults.length === 0) return;
  console.error(
    `Much slower beside the floor than it should be:\n${faults.map((words) => `  ${words}`).join("\n")}`,
  );
  process.exitCode = 1;
}

await main();
