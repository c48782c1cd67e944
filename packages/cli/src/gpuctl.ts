#!/usr/bin/env node
/** gpuctl: reads its arguments and hands them to the commands. */
import { fileURLToPath } from "node:url";
import { Argument } from "commander";
import { CommandError, EXIT } from "./command-error.ts";
import { completionScript, SHELLS, type Shell } from "./completion.ts";
import { addActing } from "./program/acting.ts";
import { addLooking } from "./program/looking.ts";
import { addMending } from "./program/mending.ts";
import { newProgram } from "./program/program.ts";
import { addTrying } from "./program/trying.ts";

const gpuctl = newProgram(fileURLToPath(new URL("../../..", import.meta.url)));
addLooking(gpuctl);
addActing(gpuctl);
addMending(gpuctl);
addTrying(gpuctl);
const { command, program } = gpuctl;
command("completion", "The script that makes a shell complete gpuctl", "source <(gpuctl completion bash)")
  .addArgument(new Argument("<shell>").choices(SHELLS))
  .action((shell: Shell) => console.log(completionScript(program, shell)));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommandError) {
    console.error(error.message);
    process.exitCode = error.exitCode;
  } else if (error instanceof Error && "exitCode" in error) {
    // Of commander, which has said what is wrong.
    process.exitCode = error.exitCode === 0 ? EXIT.fine : EXIT.usage;
  } else throw error;
}
