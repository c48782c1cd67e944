/**
 * Runs Node's test runner with the given arguments, and once more what failed. Our tests use real servers and real
 * time, so one may fail where nothing is broken. It is named then, with both tries on the screen: unsteady is a defect
 * of the test or of the product, to be mended before anything new. What fails twice is broken.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

/** A file a try, a map of what has passed by then: the runner's own format (`--test-rerun-failures`). */
const Tries = z.array(z.record(z.string(), z.object({ name: z.string(), passed_on_attempt: z.number() })));

/** What passed at the second try only. */
function unsteady(stateFile: string): string[] {
  const last = Tries.parse(JSON.parse(readFileSync(stateFile, "utf8"))).at(-1) ?? {};
  return Object.entries(last)
    .filter(([, { passed_on_attempt: attempt }]) => attempt > 0)
    .map(([place, { name }]) => `${name} (${place})`);
}

/** @returns the exit code, also of a runner that a signal ended */
async function runTests(stateFile: string, args: readonly string[]): Promise<number> {
  const command = ["--test", `--test-rerun-failures=${stateFile}`, ...args];
  const child = spawn(process.execPath, command, { stdio: "inherit" });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}

const args = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), "tests-"));
const stateFile = join(dir, "tries.json");
// The runner is told by the terminal as well; what it says is to be seen to its end.
process.on("SIGINT", () => {});
try {
  let code = await runTests(stateFile, args);
  if (code === 1) {
    console.log("\nOnce more, what failed:\n");
    code = await runTests(stateFile, args);
    const names = unsteady(stateFile);
    if (names.length > 0)
      console.log(`\nUNSTEADY, failed and then passed; mend before anything new:\n  ${names.join("\n  ")}`);
  }
  process.exitCode = code;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
