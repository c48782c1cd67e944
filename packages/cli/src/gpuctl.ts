#!/usr/bin/env node
/** gpuctl: reads its arguments and hands them to the commands. */
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { CommandError, EXIT } from "./client.ts";
import { type ConnectionFlags, findConnection } from "./connection.ts";
import { printStatus } from "./status.ts";

/** The project's folder, whose `.env` and `secrets/` `make up` has made. */
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const print = (line: string) => console.log(line);

const program = new Command("gpuctl")
  .description("Looks at the GPU power manager, and acts through it.")
  .option("--url <address>", "where power is (POWER_URL)")
  .option("--listener <address>", "where the listener is (LISTENER_URL)")
  .option("--token-file <path>", "file with the API's token (OPERATOR_TOKEN_FILE)")
  .option("--json", "print documents for programs instead of text for people", false);

type Flags = ConnectionFlags & { readonly json: boolean };
const connection = () => findConnection(program.opts<Flags>(), process.env, ROOT);
const json = () => program.opts<Flags>().json;

program
  .command("status")
  .description("Is the GPU on and why, what waits, can notices be heard")
  .action(async () => {
    process.exitCode = await printStatus(connection(), json(), print);
  });

program.exitOverride();
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
