/** What people, and programs in their name, may do. Each act is in history: who, from where, why, and what came of it. */
import type { Change, Order } from "@gpu-power-manager/shared/api";
import { formatDuration } from "@gpu-power-manager/shared/duration";
import { ConfigError } from "@gpu-power-manager/shared/errors";
import type { OperatorEntry } from "@gpu-power-manager/shared/history-entries";
import type { HoldRequest, NeedRequest } from "@gpu-power-manager/shared/holds-and-needs";
import type { Outbound } from "@gpu-power-manager/shared/outbound";
import type { WhatIf, WhatIfQuery } from "@gpu-power-manager/shared/policy-views";
import type { Why } from "@gpu-power-manager/shared/why";
import type { FollowedFiles } from "../config/followed-files.ts";
import type { Demand } from "../demand/demand.ts";
import { endNeed, livingNeeds, sayNeed } from "../demand/needs.ts";
import { whatIf } from "../policy/what-if.ts";
import type { Fleet } from "../pool/fleet.ts";
import type { Hold } from "../pool/hold.ts";
import type { Reconciler } from "../pool/reconciler.ts";
import type { WorkLog } from "../pool/work-log.ts";
import type { KvDocument } from "../state/kv-document.ts";
import { ApiError } from "./problems.ts";
import { whyOf } from "./why.ts";

/** By whom a request was made. */
export interface Who {
  /** The token's name. */
  readonly token: string;
  readonly address: string;
}

export interface ActsParts {
  readonly pool: string;
  /** This power's name. */
  readonly name: string;
  readonly followed: Pick<FollowedFiles, "pool" | "reload">;
  readonly demand: KvDocument<typeof Demand>;
  readonly hold: Hold;
  readonly workLog: Pick<WorkLog, "seen" | "boot" | "startCost">;
  readonly fleet: Pick<Fleet, "listed">;
  readonly reconciler: Pick<Reconciler, "order" | "wake" | "view">;
  readonly outbound: Pick<Outbound, "operator">;
  readonly now: () => number;
}

type Told = Pick<OperatorEntry, "action"> &
  Partial<Pick<OperatorEntry, "instance" | "forced" | "message" | "attemptId">>;

export class Acts {
  private readonly parts: ActsParts;

  constructor(parts: ActsParts) {
    this.parts = parts;
  }

  /** Why nothing, or just this, is done at this moment. */
  why(): Why {
    const { reconciler, now, name } = this.parts;
    return whyOf(reconciler.view, now(), name);
  }

  /** The pool's own history with another idle time. */
  whatIf({ idle, since }: WhatIfQuery): WhatIf {
    const { followed, workLog, fleet, now } = this.parts;
    const { policy, instances } = followed.pool;
    const at = now();
    const [first] = fleet.listed;
    return whatIf({
      seen: workLog.seen,
      idleNow: policy.idleAuto ? null : policy.idleTimeout,
      idleThen: idle === "auto" ? null : idle,
      limits: { min: policy.idleTimeoutMin, max: policy.idleTimeoutMax },
      minRunNow: policy.minRunTime,
      boot: workLog.boot,
      startCost: workLog.startCost,
      pricePerHour: first?.prices(at).running ?? null,
      currency: instances[0]?.currency ?? "?",
      from: at - since,
      now: at,
    });
  }

  async hold(request: HoldRequest, who: Who): Promise<void> {
    const { hold, now } = this.parts;
    const { mode, reason } = request;
    const at = now();
    const until = request.for === undefined ? null : at + request.for;
    await hold.put({ mode, at, until, reason, by: request.actor ?? who.token });
    const message = `${mode}${request.for === undefined ? "" : ` for ${formatDuration(request.for)}`}`;
    this.tell(request, who, { action: "hold", message }, "done");
  }

  async resume(request: Change, who: Who): Promise<void> {
    await this.parts.hold.resume();
    this.tell(request, who, { action: "resume" }, "done");
  }

  /** @throws ApiError beyond the limits that policy sets. */
  async need(id: string, request: NeedRequest, who: Who): Promise<void> {
    const { demand, followed, now, reconciler } = this.parts;
    const { maxTtl, max } = followed.pool.policy.needs;
    const at = now();
    if (request.ttl > maxTtl) {
      const most = formatDuration(maxTtl);
      throw new ApiError(
        "bad_request",
        `ttl: at most ${most} (policy.needs.maxTtl); say it again before then.`,
      );
    }
    const living = livingNeeds(demand.value.needs, at);
    const known = living.some(([name]) => name === id);
    if (!known && living.length >= max) {
      const words = `${max} needs live already (policy.needs.max); end one, or raise the limit.`;
      this.refuse(request, who, { action: "need", message: `${id}: ${words}` }, words);
    }
    const said = { until: at + request.ttl, reason: request.reason, by: request.actor ?? who.token };
    await demand.change((value) => ({ ...value, needs: sayNeed(value.needs, id, said, at) }));
    // Renewed each minute, it would fill history with nothing new.
    const message = `${id} for ${formatDuration(request.ttl)}`;
    if (!known) this.tell(request, who, { action: "need", message }, "done");
    reconciler.wake();
  }

  /** @throws ApiError when no such need lives. */
  async endNeed(id: string, request: Change, who: Who): Promise<void> {
    const { demand, now, reconciler } = this.parts;
    const before = demand.value.needs;
    const at = now();
    if (endNeed(before, id, at) === before) {
      throw new ApiError("not_found", `No need ${id} lives; it was never said, or its time was over.`);
    }
    await demand.change((value) => ({ ...value, needs: endNeed(value.needs, id, at) }));
    this.tell(request, who, { action: "end_need", message: id }, "done");
    reconciler.wake();
  }

  /** Resolves to the attempt's id when it has begun. @throws ApiError that says why it is refused. */
  async order(action: "start" | "stop", instance: string, order: Order, who: Who): Promise<string> {
    const force = action === "stop" && order.force;
    const told = { action, instance, forced: force };
    const obeyed = await this.parts.reconciler.order({ action, instance, force });
    if (!obeyed.done) return this.refuse(order, who, { ...told, message: obeyed.words }, obeyed.words);
    this.tell(order, who, { ...told, attemptId: obeyed.attemptId }, "done");
    return obeyed.attemptId;
  }

  /** Reads pool file and profile now. @throws ApiError with all mistakes; then what was in use stays in use. */
  reload(request: Change, who: Who): void {
    try {
      this.parts.followed.reload();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const message = error.problems.join("; ");
      this.refuse(request, who, { action: "reload", message }, `${message}. What was in use stays in use.`);
    }
    this.tell(request, who, { action: "reload" }, "done");
  }

  /** A person has taken control of the console's page, or it is over. */
  controlled(action: "control" | "end_control", actor: string, address: string): void {
    this.tell({ reason: "live view", actor }, { token: "operator", address }, { action }, "done");
  }

  private refuse(request: Change, who: Who, told: Told, words: string): never {
    this.tell(request, who, told, "refused");
    throw new ApiError("refused", words);
  }

  private tell(request: Change, who: Who, told: Told, outcome: OperatorEntry["outcome"]): void {
    const { outbound, pool, now } = this.parts;
    const { reason, actor } = request;
    outbound.operator({
      kind: "operator",
      pool,
      at: now(),
      ...who,
      reason,
      forced: false,
      ...(actor === undefined ? {} : { actor }),
      ...told,
      outcome,
    });
  }
}
