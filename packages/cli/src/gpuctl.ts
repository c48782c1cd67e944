#!/usr/bin/env node
import { Command } from "commander";
import { printStatus } from "./status.ts";

const program = new Command("gpuctl").description("Looks at the GPU power manager.");

program
  .command("status")
  .description("Is the GPU on and why, what waits, can notices be heard")
  .option("--power <url>", "where power serves its status", process.env.POWER_URL ?? "http://127.0.0.1:9102")
  .option(
    "--listener <url>",
    "where the listener serves its readiness",
    process.env.LISTENER_URL ?? "http://127.0.0.1:9101",
  )
  .option("--json", "print what power answers, as JSON", false)
  .action(async (options: { power: string; listener: string; json: boolean }) => {
    process.exitCode = await printStatus(options, (line) => console.log(line));
  });

await program.parseAsync();
