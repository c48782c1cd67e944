/** What gpuctl tries and looks up beside power: a job at the gateway, the gateway's Redis, a bundle for support. */
import { JOB_TYPES, type JobType } from "@gpu-power-manager/shared/events";
import { Argument, Option } from "commander";
import { LOOKUPS, type Lookup, printDsp } from "../commands/dsp.ts";
import { TEST_TASK_TYPE, testJob } from "../commands/test-job.ts";
import { testShutdown } from "../commands/test-shutdown.ts";
import { findAuthorities, findDspRedis, findGateway, findLicense } from "../connection.ts";
import { findInstalled } from "../support/known-secrets.ts";
import { bundleName, supportBundle } from "../support/support-bundle.ts";
import { because, milliseconds } from "./arguments.ts";
import type { Program } from "./program.ts";

export function addTrying({ command, session, root }: Program): void {
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
    .option(
      "--content <text>",
      "a url job's link, a video's text, or a test's payload",
      "https://example.com/",
    )
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
          gateway: findGateway(flags.gateway, process.env, root),
          key: findLicense(flags, process.env, root),
          authorities: findAuthorities(process.env, root),
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
      const url = findDspRedis(flags.redis, process.env, root);
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
    .action(
      async (flags: { output?: string; withScreenshots: boolean; logFile: string[]; redis?: string }) => {
        const name = bundleName(new Date());
        const redis = findDspRedis(flags.redis, process.env, root);
        const opened = session();
        const given = [redis, opened.connection.token].flatMap((secret) => secret ?? []);
        const installed = findInstalled(process.env, root, given);
        await supportBundle(opened, name, {
          output: flags.output ?? `${name}.tar.gz`,
          withScreenshots: flags.withScreenshots,
          logFiles: flags.logFile,
          redis,
          project: installed.project,
          secrets: installed.secrets,
          writeOut: (bytes) => process.stdout.write(bytes),
        });
      },
    );
}
