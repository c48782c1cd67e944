/** `gpuctl test-shutdown`: orders the stop of a machine that has no work, and follows it. Nothing is forced. */
import { EffectiveConfig, Ordered } from "@gpu-power-manager/shared/api";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import { Why } from "@gpu-power-manager/shared/why";
import { z } from "zod";
import { CommandError, EXIT } from "../command-error.ts";
import type { Session } from "../session.ts";
import { Signs } from "../trial/signs.ts";
import { ok } from "../trial/step.ts";
import { objections, type StopSigns, stopSteps } from "../trial/stop-steps.ts";
import { Walk } from "../trial/walk.ts";
import type { Because } from "./acting.ts";

/** Power's default, where its own cannot be read. */
const STOP_TIMEOUT_MS = 180_000;
/** A stop that takes longer than policy allows is given up by power itself, and told as that. */
const STOP_GRACE_MS = 10_000;
/** Power judges an order within 25 s. */
const ORDER_MS = 40_000;

const Policy = z.object({ policy: z.object({ stopTimeout: z.number() }) });

class TestStopSigns extends Signs implements StopSigns {
  machine = "";
  orderedAt = Number.POSITIVE_INFINITY;
  order: StopSigns["order"];
}

function machineOf(session: Session, status: PowerStatus, said: string | undefined): string {
  if (said !== undefined) return said;
  const { say } = session;
  const running = status.instances.filter(({ state }) => state === "running");
  const [only] = running;
  if (only !== undefined && running.length === 1) return only.id;
  const names = status.instances.map(({ id, state }) => `${id} ${state}`).join(", ");
  throw new CommandError(
    only === undefined ? EXIT.wrong : EXIT.usage,
    only === undefined
      ? say(`No machine runs, so there is nothing to stop: ${names}.`, `没有机器在运行，无可停止：${names}。`)
      : say(`Several run; say which: ${names}.`, `有多台在运行，请指明：${names}。`),
  );
}

/** @returns 0 when it is off, 1 where that is refused or did not come. @throws CommandError where power cannot be asked. */
export async function testShutdown(
  session: Session,
  said: string | undefined,
  { limit, ...because }: Because & { readonly limit?: number | undefined },
): Promise<number> {
  const { client, say } = session;
  const signs = new TestStopSigns();
  const stop = new AbortController();
  const walk = new Walk(session, limit);
  try {
    const status = await signs.follow(session, stop.signal);
    signs.machine = machineOf(session, status, said);
    const { machine } = signs;
    const why = await client.ask("/why", Why);
    const against = objections(machine, status, why, say);
    const idle = { id: "idle", name: say("it has no work", "没有任务") };
    if (against.length > 0) return await walk.stopAt(idle, against.join("; "));
    const what = say(
      "no job waits, nobody needs or holds it, notices are heard",
      "没有等待的任务，没有需求或保持指令，能听到通知",
    );
    walk.tell(idle, ok(`${machine}: ${what}`));
    const stopTimeoutMs = await client
      .ask("/config", EffectiveConfig)
      .then(({ pool }) => Policy.safeParse(pool).data?.policy.stopTimeout ?? STOP_TIMEOUT_MS);
    signs.orderedAt = Date.parse(why.at);
    void order(session, signs, because);
    return await walk.along(stopSteps(say, stopTimeoutMs + STOP_GRACE_MS), signs);
  } finally {
    stop.abort();
  }
}

async function order(session: Session, signs: TestStopSigns, because: Because): Promise<void> {
  const path = `/instances/${encodeURIComponent(signs.machine)}/stop`;
  try {
    const signal = AbortSignal.timeout(ORDER_MS);
    const { attemptId } = await session.client.ask(path, Ordered, { method: "POST", body: because, signal });
    signs.order = { attemptId };
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === EXIT.wrong)
      signs.order = { refused: error.message };
    else signs.failure = error;
  }
  signs.changed();
}
