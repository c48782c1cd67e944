/** `gpuctl test-job`: submits a job at the gateway as a client, and follows it until a machine runs. */
import { randomUUID } from "node:crypto";
import { EffectiveConfig } from "@gpu-power-manager/shared/api";
import { authoritiesEnv, trustAuthorities } from "@gpu-power-manager/shared/authorities";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { JobType } from "@gpu-power-manager/shared/events";
import { hashKey } from "@gpu-power-manager/shared/license";
import { z } from "zod";
import { CommandError, EXIT } from "../command-error.ts";
import type { Session } from "../session.ts";
import { type Frame, GatewayClient } from "../trial/gateway-client.ts";
import { type JobSigns, jobSteps } from "../trial/job-steps.ts";
import { Signs } from "../trial/signs.ts";
import { ok } from "../trial/step.ts";
import { Walk } from "../trial/walk.ts";

/**
 * Of its own, because the gateway puts a submission in the place of a queued one of the same license and task type: a
 * test must never take the place of somebody's work.
 */
export const TEST_TASK_TYPE = "gpuctl_test";
/** Power's default, where its own cannot be read. */
const START_TIMEOUT_MS = 300_000;
/** A start that takes longer than policy allows is given up by power itself, and told as that. */
const START_GRACE_MS = 10_000;

const Policy = z.object({ policy: z.object({ startTimeout: z.number() }) });

export interface TestJobFlags {
  readonly gateway: string | undefined;
  readonly key: string | undefined;
  readonly authorities: string | undefined;
  readonly type: JobType;
  readonly taskType: string;
  readonly content: string;
  readonly waitWorker: boolean;
  /** No step is waited for longer, in milliseconds. */
  readonly limit?: number | undefined;
}

class TestJobSigns extends Signs implements JobSigns {
  readonly job: JobSigns["job"];
  client: GatewayClient | undefined;

  constructor(job: JobSigns["job"]) {
    super();
    this.job = job;
  }

  get frames(): readonly Frame[] {
    return this.client?.frames ?? [];
  }
}

/** @returns 0 when every step has come, 1 where it stopped. @throws CommandError where nobody can be asked. */
export async function testJob(session: Session, flags: TestJobFlags): Promise<number> {
  const { say, client } = session;
  const { gateway, key, type, taskType, content, waitWorker } = flags;
  if (gateway === undefined)
    throw new CommandError(
      EXIT.usage,
      say(
        "Where the gateway is, is not known: --gateway, or DSP_URL in the environment or in .env.",
        "不知道网关在哪里：请用 --gateway，或环境变量、.env 中的 DSP_URL。",
      ),
    );
  if (key === undefined)
    throw new CommandError(
      EXIT.usage,
      say(
        "A client needs a license key: --key-file, DSP_LICENSE_KEY, or secrets/dsp-license-key.",
        "客户端需要许可证密钥：请用 --key-file、DSP_LICENSE_KEY 或 secrets/dsp-license-key。",
      ),
    );
  trustAuthorities(authoritiesEnv.CA_DIR.parse(flags.authorities));
  const requestId = `gpuctl-${randomUUID().slice(0, 8)}`;
  const signs = new TestJobSigns({ type, taskType, requestId, keyHash: hashKey(key) });
  const stop = new AbortController();
  const walk = new Walk(session, flags.limit);
  try {
    // Before the job is sent: what power tells meanwhile is told to nobody again.
    await signs.follow(session, stop.signal);
    const startTimeoutMs = await client
      .ask("/config", EffectiveConfig)
      .then(({ pool }) => Policy.safeParse(pool).data?.policy.startTimeout ?? START_TIMEOUT_MS);
    const connecting = { id: "gateway", name: say("the gateway takes us as a client", "网关接受本客户端") };
    const { host } = new URL(gateway);
    try {
      signs.client = await GatewayClient.open(gateway, key, signs.changed);
    } catch (error) {
      return await walk.stopAt(connecting, `${host}: ${describeError(error)}`);
    }
    walk.tell(connecting, ok(say(`registered at ${host}`, `已在 ${host} 注册`)));
    signs.client.submit({ type, taskType, requestId, content });
    const what = ["url", "chatglm_video"].includes(type) ? type : `${type} ${taskType}`;
    walk.tell(
      { id: "sent", name: say("the job is sent", "任务已提交") },
      ok(`${what}, ${say("request", "请求")} ${requestId}`),
    );
    const steps = jobSteps(say, { startTimeoutMs: startTimeoutMs + START_GRACE_MS, waitWorker });
    return await walk.along(steps, signs);
  } finally {
    signs.client?.close();
    stop.abort();
  }
}
