/** What gpuctl tells: how it stands, why, what was and what will be. */
import { HISTORY_KINDS } from "@gpu-power-manager/shared/history-page";
import { Option } from "commander";
import { printBudgets } from "../commands/budget.ts";
import { type HistoryFlags, printHistory } from "../commands/history.ts";
import { printReport } from "../commands/report.ts";
import { printSchedule } from "../commands/schedule.ts";
import { printStatus } from "../commands/status.ts";
import { watch } from "../commands/watch.ts";
import { printWhatIf } from "../commands/what-if.ts";
import { printWhy } from "../commands/why.ts";
import { diagnose } from "../diagnose/diagnose.ts";
import { count, duration, milliseconds } from "./arguments.ts";
import type { Program } from "./program.ts";

export function addLooking({ command, session }: Program): void {
  command("status", "Is the GPU on and why, what waits, can notices be heard", "gpuctl status").action(
    async () => {
      process.exitCode = await printStatus(session());
    },
  );

  command("why", "Why nothing, or just this, is done; what would change it, and when", "gpuctl why").action(
    async () => await printWhy(session()),
  );

  command(
    "budget",
    "What is spent of each budget, what is left, when it will be gone",
    "gpuctl budget",
  ).action(async () => await printBudgets(session()));

  command("whatif", "The pool's own history with another idle time", "gpuctl whatif --idle 15m --since 14d")
    .requiredOption("--idle <duration>", "such as 15m, or auto", (text) =>
      text === "auto" ? text : duration(text),
    )
    .option("--since <duration>", "how far back, at most 35d", duration, "14d")
    .action(async (flags: { idle: string; since: string }) => {
      await printWhatIf(session(), flags.idle, flags.since);
    });

  command("schedule", "What the schedules ask for within the next seven days", "gpuctl schedule").action(
    async () => await printSchedule(session()),
  );

  command(
    "diagnose",
    "Where a notice's way is broken, why, and what to do; changes nothing",
    "gpuctl diagnose",
  ).action(async () => {
    process.exitCode = await diagnose(session());
  });

  command("history", "What happened, the newest last", "gpuctl history --since 2d --instance gpu-1")
    .option("--instance <id>", "only of this machine")
    .addOption(new Option("--kind <kind>", "only of this kind").choices(HISTORY_KINDS))
    .option("--since <duration>", "only what is younger, such as 2d", milliseconds)
    .option("--limit <n>", "so many entries", count, 50)
    .action(async (flags: HistoryFlags) => await printHistory(session(), flags));

  command(
    "gaps",
    "When notices could have been missed, and what was found afterwards",
    "gpuctl gaps --since 7d",
  )
    .option("--since <duration>", "only what is younger, such as 7d", milliseconds)
    .option("--limit <n>", "so many", count, 50)
    .action(async (flags: HistoryFlags) => await printHistory(session(), { ...flags, kind: "gap" }));

  command("report [day]", "What the last day was, or another one", "gpuctl report 2026-11-24").action(
    async (day: string | undefined) => await printReport(session(), day),
  );

  command("watch", "What happens, as it happens, until Ctrl-C", "gpuctl watch").action(async () => {
    const stop = new AbortController();
    process.once("SIGINT", () => stop.abort());
    await watch(session(), stop.signal);
  });
}
