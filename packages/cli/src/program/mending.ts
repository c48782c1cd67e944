/** The profile doctor, and hooks: what is set up once and looked after. */
import { Option } from "commander";
import { listHooks, testHooks } from "../commands/hooks.ts";
import { learnAction, pointOnPage, setLine } from "../commands/mend-profile.ts";
import { checkProfile, dryRun } from "../commands/profile.ts";
import { actorName } from "../session.ts";
import type { Program } from "./program.ts";

export function addMending({ program, session, root }: Program): void {
  const profile = program
    .command("profile")
    .description("Holds the console's profile against the live console");
  profile
    .command("check")
    .description("Every line against the live page and the API's answer; nothing is clicked")
    .addHelpText("after", "\nExample: gpuctl profile check")
    .action(async () => {
      process.exitCode = await checkProfile(session());
    });
  profile
    .command("dry-run <machine>")
    .description(
      "A start or stop walked through on the page up to the click that acts, with a picture of each step",
    )
    .addOption(new Option("--action <action>", "which").choices(["start", "stop"]).default("start"))
    .addHelpText("after", "\nExample: gpuctl profile dry-run gpu-1 --action stop")
    .action(async (machine: string, { action }: { action: "start" | "stop" }) => {
      process.exitCode = await dryRun(session(), machine, action);
    });
  profile
    .command("point <line> <x> <y>")
    .description("Selectors for a line that match the element at a point of the page alone, the best first")
    .addHelpText("after", "\nExample: gpuctl profile point page.row 300 220")
    .action(async (line: string, x: string, y: string) => await pointOnPage(session(), { line, x, y }));
  profile
    .command("learn <machine>")
    .description(
      "A start or stop that you do once by hand in the live view: the part of the profile that does the same",
    )
    .addOption(new Option("--action <action>", "which").choices(["start", "stop"]).default("start"))
    .option("--file <path>", "the profile's file; else config/profiles/<its name>.yaml")
    .option("--yes", "write it without asking", false)
    .addHelpText("after", "\nExample: gpuctl profile learn gpu-1 --action stop")
    .action(async (instance: string, flags: { action: "start" | "stop"; file?: string; yes: boolean }) => {
      process.exitCode = await learnAction(session(), { instance, ...flags, root });
    });
  profile
    .command("set <line> <value>")
    .description(
      "Another value in one line of the profile's file: shown, asked for, written; the old file stays beside",
    )
    .option("--file <path>", "the profile's file; else config/profiles/<its name>.yaml")
    .option("--yes", "write it without asking", false)
    .addHelpText("after", "\nExample: gpuctl profile set page.row tr.list-row")
    .action(async (line: string, value: string, flags: { file?: string; yes: boolean }) => {
      process.exitCode = await setLine(session(), { line, value, ...flags, root });
    });

  const hooks = program
    .command("hooks")
    .description("Who is told of what happens, and what waits for whom")
    .addHelpText("after", "\nExample: gpuctl hooks")
    .action(async () => {
      process.exitCode = await listHooks(session());
    });
  hooks
    .command("test [name]")
    .description("Send each hook, or one, an event that calls itself a test")
    .addHelpText("after", "\nExample: gpuctl hooks test")
    .action(async (name: string | undefined) => {
      process.exitCode = await testHooks(session(), name, actorName(process.env));
    });
}
