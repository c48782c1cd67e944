#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { HISTORY_KINDS, HOLD_MODES } from "@gpu-power-manager/shared/api";
import { parseDuration } from "@gpu-power-manager/shared/duration";
import { JOB_TYPES, type JobType } from "@gpu-power-manager/shared/events";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { CommandError, EXIT } from "./command-error.ts";
import { hold, order, reload, resume } from "./commands/acting.ts";
import { printBudgets } from "./commands/budget.ts";
import { LOOKUPS, type Lookup, printDsp } from "./commands/dsp.ts";
import { type HistoryFlags, printHistory } from "./commands/history.ts";
import { listHooks, testHooks } from "./commands/hooks.ts";
import { learnAction, pointOnPage, setLine } from "./commands/mend-profile.ts";
import { endNeed, listNeeds, need, runWithNeed } from "./commands/needs.ts";
import { printPageLink } from "./commands/page.ts";
import { checkProfile, dryRun } from "./commands/profile.ts";
/** gpuctl: reads its arguments and hands them to the commands. */
import { printReport } from "./commands/report.ts";
import { printSchedule } from "./commands/schedule.ts";
import { printStatus } from "./commands/status.ts";
import { TEST_TASK_TYPE, testJob } from "./commands/test-job.ts";
import { testShutdown } from "./commands/test-shutdown.ts";
import { watch } from "./commands/watch.ts";
import { printWhatIf } from "./commands/what-if.ts";
import { printWhy } from "./commands/why.ts";
import { completionScript, SHELLS, type Shell } from "./completion.ts";
import {
  type ConnectionFlags,
  findAuthorities,
  findConnection,
  findDspRedis,
  findGateway,
  findLicense,
} from "./connection.ts";
import { diagnose } from "./diagnose/diagnose.ts";
import { LANGUAGES, type Language, languageOf, speaker } from "./language.ts";
import { actorName, openSession, paintFor, type Session } from "./session.ts";
import { findInstalled } from "./support/known-secrets.ts";
import { bundleName, supportBundle } from "./support/support-bundle.ts";

/** The project's folder, whose `.env` and `secrets/` `make up` has made. */
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

const program = new Command("gpuctl")
  .description("Looks at the GPU power manager, and acts through it.")
  .option("--url <address>", "where power is (POWER_URL)")
  .option("--listener <address>", "where the listener is (LISTENER_URL)")
  .option("--token-file <path>", "file with the API's token (OPERATOR_TOKEN_FILE)")
  .addOption(
    new Option("--lang <language>", "of the texts for people; else the locale decides").choices(LANGUAGES),
  )
  .option("--json", "print documents for programs instead of text for people", false)
  .addHelpText("after", "\nExit codes: 0 fine, 1 something is wrong or refused, 2 usage, 3 cannot be asked.")
  .showHelpAfterError("(gpuctl <command> --help shows an example)")
  .exitOverride();

type Flags = ConnectionFlags & { readonly json: boolean; readonly lang?: Language };

function session(): Session {
  const flags = program.opts<Flags>();
  const language = languageOf(flags.lang, process.env);
  return openSession(findConnection(flags, process.env, ROOT), {
    json: flags.json,
    language,
    say: speaker(language),
    print: (line) => console.log(line),
    tell: (line) => console.error(line),
    paint: paintFor(process.stdout.isTTY, process.env),
  });
}

function milliseconds(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("It must be a duration such as 90s, 15m or 2h.");
  return ms;
}

/** As it was written, once it is known to be a duration. */
function duration(text: string): string {
  milliseconds(text);
  return text;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be a whole number above 0.");
  return value;
}

const command = (name: string, description: string, example: string) =>
  program.command(name).description(description).addHelpText("after", `\nExample:\n  ${example}`);

/** Adds the reason that every change needs. */
const acting = (each: Command) => each.requiredOption("--reason <words>", "why; it is kept in history");
const because = ({ reason }: { reason: string }) => ({ reason, actor: actorName(process.env) });

command("status", "Is the GPU on and why, what waits, can notices be heard", "gpuctl status").action(
  async () => {
    process.exitCode = await printStatus(session());
  },
);

command("why", "Why nothing, or just this, is done; what would change it, and when", "gpuctl why").action(
  async () => await printWhy(session()),
);

command("budget", "What is spent of each budget, what is left, when it will be gone", "gpuctl budget").action(
  async () => await printBudgets(session()),
);

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

acting(
  command(
    "hold",
    "Leave everything as it is, or keep the GPU on or off",
    "gpuctl hold --off --for 2h --reason maintenance",
  ),
)
  .option("--on", "start it and keep it on", false)
  .option("--off", "do not start it; stop it once it has no work", false)
  .option("--for <duration>", "how long, such as 2h; else until `gpuctl resume`", duration)
  .action(async (flags: { on: boolean; off: boolean; for?: string; reason: string }) => {
    if (flags.on && flags.off) throw new CommandError(EXIT.usage, "Say --on or --off, not both.");
    const [asIs, on, off] = HOLD_MODES;
    await hold(session(), flags.on ? on : flags.off ? off : asIs, flags.for, because(flags));
  });

acting(
  command("resume", "End the hold: power decides by itself again", "gpuctl resume --reason done"),
).action(async (flags: { reason: string }) => await resume(session(), because(flags)));

acting(
  command("start <machine>", "Start a machine now", 'gpuctl start gpu-1 --reason "to look at it"'),
).action(
  async (machine: string, flags: { reason: string }) =>
    await order(session(), "start", machine, because(flags)),
);

acting(
  command("stop <machine>", "Stop a machine that has no work", 'gpuctl stop gpu-1 --reason "done early"'),
)
  .option("--force", "although work is pending, active or unknown; history says who forced it", false)
  .action(
    async (machine: string, { force, ...flags }: { force: boolean; reason: string }) =>
      await order(session(), "stop", machine, { ...because(flags), force }),
  );

acting(command("reload", "Read the pool file and the profile now", "gpuctl reload --reason edited")).action(
  async (flags: { reason: string }) => await reload(session(), because(flags)),
);

command("page", "A one-time link to the operator's page, for a browser", "gpuctl page").action(
  async () => await printPageLink(session(), actorName(process.env)),
);

command(
  "login",
  "A one-time link to the live view, where a person logs in at the console",
  "gpuctl login",
).action(async () => await printPageLink(session(), actorName(process.env), "live"));

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
    process.exitCode = await learnAction(session(), { instance, ...flags, root: ROOT });
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
    process.exitCode = await setLine(session(), { line, value, ...flags, root: ROOT });
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

command("needs", "Who says that the GPU is needed", "gpuctl needs").action(
  async () => await listNeeds(session()),
);

acting(
  command("need [duration]", "Say that the GPU is needed for so long", "gpuctl need 2h --reason training"),
)
  .option("--id <name>", "the need's name: saying it again renews it", `by-${actorName(process.env)}`)
  .option("--end <name>", "end the need of this name instead")
  .action(async (length: string | undefined, flags: { id: string; end?: string; reason: string }) => {
    if (flags.end !== undefined) await endNeed(session(), flags.end, because(flags));
    else if (length === undefined)
      throw new CommandError(EXIT.usage, "Say for how long, such as 2h, or --end <name>.");
    else await need(session(), flags.id, duration(length), because(flags));
  });

command(
  "run",
  "Run a command while the GPU is needed for it",
  "gpuctl run --reason training -- python train.py",
)
  .argument("<command...>", "behind --")
  .option("--reason <words>", "why; else the command")
  .option("--ttl <duration>", "how long the need outlives this process, should it die", milliseconds, 180_000)
  .option("--no-wait", "do not wait until a machine runs")
  .action(async (words: string[], flags: { reason?: string; ttl: number; wait: boolean }) => {
    const [program, ...args] = words;
    if (program === undefined) throw new CommandError(EXIT.usage, "Say the command behind --.");
    const reason = (flags.reason ?? words.join(" ")).slice(0, 200);
    process.exitCode = await runWithNeed(session(), program, args, {
      ...because({ reason }),
      ttlMs: flags.ttl,
      wait: flags.wait,
    });
  });

command(
  "test-job",
  "Submit a job at the gateway as a client and follow it, step by step, until a machine runs",
  "gpuctl test-job --key-file license.txt --wait-worker",
)
  .option("--gateway <address>", "the gateway's WebSocket (DSP_URL)")
  .option("--key-file <path>", "file with a license key (DSP_LICENSE_KEY_FILE, secrets/dsp-license-key)")
  .option("--key <key>", "the license key itself (DSP_LICENSE_KEY); other users of this host may see it")
  .addOption(new Option("--type <type>", "the kind of job").choices(JOB_TYPES).default("gpu.job.submit"))
  .option(
    "--task-type <name>",
    "of gpu.job.submit and gpu_task; a queued job of the same license and name would be replaced",
    TEST_TASK_TYPE,
  )
  .option("--content <text>", "a url job's link, a video's text, or a test's payload", "https://example.com/")
  .option("--wait-worker", "follow it until the worker has it", false)
  .option("--limit <duration>", "wait no longer for any step", milliseconds)
  .addHelpText(
    "after",
    "\nThe worker gets the job as it gets any other; of the task type gpuctl_test it should know nothing.\nThe GPU is started, and kept on for as long as policy says.",
  )
  .action(
    async (flags: {
      gateway?: string;
      key?: string;
      keyFile?: string;
      type: JobType;
      taskType: string;
      content: string;
      waitWorker: boolean;
      limit?: number;
    }) => {
      process.exitCode = await testJob(session(), {
        ...flags,
        gateway: findGateway(flags.gateway, process.env, ROOT),
        key: findLicense(flags, process.env, ROOT),
        authorities: findAuthorities(process.env, ROOT),
      });
    },
  );

command(
  "test-shutdown",
  "Order the stop of a machine that has no work, and follow it; refused while there is work",
  "gpuctl test-shutdown gpu-1",
)
  .argument("[machine]", "which; else the one that runs")
  .option("--reason <words>", "why; it is kept in history", "gpuctl test-shutdown")
  .option("--limit <duration>", "wait no longer for any step", milliseconds)
  .action(async (machine: string | undefined, { limit, ...flags }: { reason: string; limit?: number }) => {
    process.exitCode = await testShutdown(session(), machine, { ...because(flags), limit });
  });

command(
  "dsp",
  "What the gateway's Redis holds, read only: the old guide's look-ups as tables",
  "gpuctl dsp pending",
)
  .addArgument(new Argument("<what>").choices(LOOKUPS))
  .option("--redis <address>", "the gateway's Redis (DSP_REDIS_URL, secrets/dsp-redis-url)")
  .option("--show-keys", "license keys as they are, not their hashes", false)
  .action(async (what: Lookup, flags: { redis?: string; showKeys: boolean }) => {
    const url = findDspRedis(flags.redis, process.env, ROOT);
    await printDsp(session(), what, { url, showKeys: flags.showKeys });
  });

command(
  "support-bundle",
  "One tar.gz for a support case: diagnosis, configuration, logs, history, metrics; secrets blotted out",
  "gpuctl support-bundle --output bundle.tar.gz",
)
  .option("--output <path>", "where it is written; - is standard output")
  .option("--with-screenshots", "also pictures of the console: look at them first", false)
  .option("--log-file <path...>", "further logs, where Docker does not have them", [])
  .option("--redis <address>", "the gateway's Redis (DSP_REDIS_URL, secrets/dsp-redis-url)")
  .action(async (flags: { output?: string; withScreenshots: boolean; logFile: string[]; redis?: string }) => {
    const name = bundleName(new Date());
    const redis = findDspRedis(flags.redis, process.env, ROOT);
    const opened = session();
    const given = [redis, opened.connection.token].flatMap((secret) => secret ?? []);
    const installed = findInstalled(process.env, ROOT, given);
    await supportBundle(opened, name, {
      output: flags.output ?? `${name}.tar.gz`,
      withScreenshots: flags.withScreenshots,
      logFiles: flags.logFile,
      redis,
      project: installed.project,
      secrets: installed.secrets,
      writeOut: (bytes) => process.stdout.write(bytes),
    });
  });

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
