/** The steps of a job, from the gateway's answer to the worker, and by which sign each is seen. Pure. */

import type { JobType } from "@gpu-power-manager/shared/events";
import type { Happening, JobTaken } from "@gpu-power-manager/shared/history-page";
import { HOLD_WORDS, reasonWords } from "@gpu-power-manager/shared/reason-words";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Say } from "../language.ts";
import { ANSWER_MS, type Frame } from "./gateway-client.ts";
import { ok, type Reached, type Step, skipped } from "./step.ts";

/** A notice takes milliseconds; one that is lost is found in the gateway's backlog within six seconds by default. */
const HEARD_MS = 20_000;
/** From NATS to demand it is milliseconds; a power that has just been restarted needs some seconds. */
const TAKEN_MS = 15_000;
/** A decision is made at once; a machine whose state is unknown, or that is just stopping, is waited for. */
const DECIDED_MS = 60_000;
/** By its API the console is asked at once; on its page a dialog is opened, and the page may have to be loaded. */
const REQUESTED_MS = 60_000;
/** The provider says Starting with its answer, or a few looks later. */
const STARTING_MS = 60_000;
/** The worker's programs come up after the machine; loading models takes minutes. */
const WORKER_MS = 600_000;

export interface JobSigns {
  readonly status: PowerStatus | undefined;
  /** Everything since the trial began. */
  readonly history: readonly Happening[];
  readonly jobs: readonly JobTaken[];
  readonly frames: readonly Frame[];
  readonly job: {
    readonly type: JobType;
    readonly taskType: string;
    readonly requestId: string;
    readonly keyHash: string;
  };
}

/** The gateway's answer to the submission; a `url` job has no request of its own to be answered by. */
function answerOf({ frames, job }: JobSigns): Frame | undefined {
  const answers = frames.filter(({ type }) => ["ack", "error", "gpu.power.offline"].includes(type));
  return job.type === "url" ? answers[0] : answers.find(({ request_id: id }) => id === job.requestId);
}

/** The gateway passes an older `gpu_task` on as what it is stored as, so both are the same job. */
const family = (type: JobType): JobType => (type === "gpu_task" ? "gpu.job.submit" : type);

function takenOf({ jobs, job }: JobSigns): JobTaken | undefined {
  return jobs.find(
    ({ type, taskType, keyHash }) =>
      family(type) === family(job.type) &&
      keyHash === job.keyHash &&
      (taskType === undefined || taskType === job.taskType),
  );
}

type Intent = Extract<Happening, { kind: "intent" }>;
const startIntent = ({ history }: JobSigns): Intent | undefined =>
  history.findLast((entry): entry is Intent => entry.kind === "intent" && entry.action === "start");

/** The machine that serves the job because it runs: no start was needed, and nothing waits any more. */
function servedBy(signs: JobSigns): string | undefined {
  const { status } = signs;
  const taken = takenOf(signs);
  if (status === undefined || taken === undefined || startIntent(signs) !== undefined) return undefined;
  // A status from before the job says nothing about it.
  if (Date.parse(status.at) < Date.parse(taken.takenAt) || status.demand.waitingJobs > 0) return undefined;
  return status.instances.find(({ state, attempt }) => state === "running" && attempt?.action !== "stop")?.id;
}

/** The machine that is started: for this job, or already for another. */
function started(
  signs: JobSigns,
): { readonly instance: string; readonly attemptId: string | null } | undefined {
  const intent = startIntent(signs);
  if (intent !== undefined) return intent;
  const known = signs.status?.instances.find(
    ({ state, attempt }) => attempt?.action === "start" || state === "starting",
  );
  return known && { instance: known.id, attemptId: known.attempt?.attemptId ?? null };
}

/** A change of its state while it was started. */
function changeTo(signs: JobSigns, ...states: readonly string[]) {
  const machine = started(signs);
  if (machine === undefined) return undefined;
  return signs.history.find(
    (entry): entry is Extract<Happening, { kind: "state" }> =>
      entry.kind === "state" && entry.instance === machine.instance && states.includes(entry.to),
  );
}

/** The start under way, once the console has taken it. */
function sentStart(signs: JobSigns, say: Say): Reached | undefined {
  const machine = started(signs);
  if (machine === undefined) return undefined;
  const { instance, attemptId } = machine;
  if (attemptId === null)
    return skipped(say(`${instance} was started by other hands`, `${instance} 由他人启动`));
  const attempt = signs.status?.instances.find(({ id }) => id === instance)?.attempt;
  const lane = (by: string | null | undefined) =>
    by === undefined || by === null ? "" : say(` (${by} lane)`, `（${by}）`);
  const seen = (by?: string | null) =>
    say(`the console has taken the start of ${instance}`, `控制台已接受 ${instance} 的启动`) + lane(by);
  if (attempt?.attemptId === attemptId && attempt.sentAt !== null)
    return ok(seen(attempt.lane), Date.parse(attempt.sentAt));
  const ended = signs.history.find((entry) => entry.kind === "outcome" && entry.attemptId === attemptId);
  if (ended?.kind === "outcome" && ended.outcome === "succeeded") return ok(seen(ended.lane));
  return changeTo(signs, "starting", "running") === undefined ? undefined : ok(seen());
}

export interface JobStepOptions {
  /** Policy's startTimeout, in milliseconds. */
  readonly startTimeoutMs: number;
  readonly waitWorker: boolean;
}

export function jobSteps(
  say: Say,
  { startTimeoutMs, waitWorker }: JobStepOptions,
): ReadonlyArray<Step<JobSigns>> {
  const served = (signs: JobSigns): Reached | undefined => {
    const id = servedBy(signs);
    return id === undefined
      ? undefined
      : skipped(say(`not needed: ${id} runs already`, `无需：${id} 已在运行`));
  };
  const worker: Step<JobSigns> = {
    id: "worker",
    name: say("the worker has it", "worker 已取得"),
    limitMs: WORKER_MS,
    reached: (signs) => {
      if (answerOf(signs)?.type === "ack")
        return ok(say("it was online when the job was sent", "提交时它已在线"));
      const online = signs.frames.some(
        ({ type, data }) => type === "gpu.power.online" && data?.source === "worker",
      );
      return online
        ? ok(
            say(
              "it has registered, and the gateway has given it what waited",
              "它已注册，网关已把等待的任务交给它",
            ),
          )
        : undefined;
    },
  };
  return [
    {
      id: "answered",
      name: say("the gateway takes it", "网关已接受"),
      limitMs: ANSWER_MS,
      reached: (signs) => {
        const answer = answerOf(signs);
        if (answer === undefined || answer.type === "error") return undefined;
        return answer.type === "ack"
          ? ok(say("a worker is online and has it", "worker 在线并已取得"))
          : ok(say("no worker is online, so it waits in the backlog", "没有 worker 在线，任务已排队"));
      },
      refused: (signs) => {
        const answer = answerOf(signs);
        if (answer?.type !== "error") return undefined;
        const words = answer.msg ?? "?";
        return say(
          `the gateway refuses it (${words}); one of this task type is being worked at for this license`,
          `网关拒绝（${words}）；该许可证的同类任务正在处理`,
        );
      },
    },
    {
      id: "heard",
      name: say("a listener hears of it", "listener 已得知"),
      limitMs: HEARD_MS,
      hint: say(
        "the gateway has the job and told no monitor of it: does it call _notifyGpuMonitors for this type, and was it restarted since?",
        "网关已有任务，却没有通知任何 monitor：它是否为该类型调用了 _notifyGpuMonitors？修改后是否重启？",
      ),
      reached: (signs) => {
        const taken = takenOf(signs);
        if (taken === undefined) return undefined;
        const at = Date.parse(taken.heardAt);
        return taken.source === "notice"
          ? ok(say(`by its notice (job ${taken.eventId})`, `来自通知（任务 ${taken.eventId}）`), at)
          : {
              status: "warn",
              at,
              seen: say(
                `only in the gateway's backlog: its notice did not come (job ${taken.eventId})`,
                `仅在网关积压中发现：通知没有到（任务 ${taken.eventId}）`,
              ),
            };
      },
    },
    {
      id: "stored",
      name: say("NATS has stored it", "NATS 已存储"),
      limitMs: TAKEN_MS,
      reached: (signs) => {
        const taken = takenOf(signs);
        return taken && ok("GPU_JOBS", Date.parse(taken.storedAt));
      },
    },
    {
      id: "demand",
      name: say("it counts as demand", "已计入需求"),
      limitMs: TAKEN_MS,
      reached: (signs) => {
        const taken = takenOf(signs);
        return taken && ok(say("written down by power", "power 已写入"), Date.parse(taken.takenAt));
      },
    },
    {
      id: "decided",
      name: say("it is decided", "已做出判断"),
      limitMs: DECIDED_MS,
      reached: (signs) => {
        const intent = startIntent(signs);
        if (intent !== undefined) {
          const words = reasonWords(intent.reason);
          return ok(`start ${intent.instance}: ${say(words.en, words.zh)}`, intent.at);
        }
        const machine = started(signs);
        if (machine !== undefined && takenOf(signs) !== undefined)
          return skipped(
            say(`a start of ${machine.instance} is under way already`, `${machine.instance} 的启动已在进行`),
          );
        return served(signs);
      },
      refused: ({ status }) => {
        const hold = status?.hold;
        if (hold === undefined || hold === null || hold.mode === "on") return undefined;
        const words = HOLD_WORDS[hold.mode];
        return `${say(words.en, words.zh)} (${hold.by}: ${hold.reason})`;
      },
    },
    {
      id: "requested",
      name: say("the start is requested", "已请求启动"),
      limitMs: REQUESTED_MS,
      reached: (signs) => served(signs) ?? sentStart(signs, say),
    },
    {
      id: "starting",
      name: say("the machine starts", "机器启动中"),
      limitMs: STARTING_MS,
      reached: (signs) => {
        const running = served(signs);
        if (running !== undefined) return running;
        const change = changeTo(signs, "starting");
        if (change !== undefined) return ok(change.instance, change.at);
        return changeTo(signs, "running") === undefined
          ? undefined
          : skipped(say("it ran before anybody looked", "在查看之前已运行"));
      },
    },
    {
      id: "running",
      name: say("the machine runs", "机器已运行"),
      limitMs: startTimeoutMs,
      reached: (signs) => {
        const change = changeTo(signs, "running");
        if (change !== undefined) return ok(change.instance, change.at);
        const running = servedBy(signs);
        return running === undefined ? undefined : ok(running);
      },
    },
    ...(waitWorker ? [worker] : []),
  ];
}
