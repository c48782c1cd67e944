/** What gpuctl does: holds, starts, stops, needs; and the links by which a person acts in a browser. */
import { HOLD_MODES } from "@gpu-power-manager/shared/holds-and-needs";
import { CommandError, EXIT } from "../command-error.ts";
import { hold, order, reload, resume } from "../commands/acting.ts";
import { endNeed, listNeeds, need, runWithNeed } from "../commands/needs.ts";
import { printPageLink } from "../commands/page.ts";
import { actorName } from "../session.ts";
import { acting, because, duration, milliseconds } from "./arguments.ts";
import type { Program } from "./program.ts";

export function addActing({ command, session }: Program): void {
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
    .option(
      "--ttl <duration>",
      "how long the need outlives this process, should it die",
      milliseconds,
      180_000,
    )
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
}
