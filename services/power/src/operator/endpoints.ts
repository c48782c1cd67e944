/** Every request that the operator's API answers, with what it takes, what it gives and how it refuses. */

import {
  Change,
  EffectiveConfig,
  HookList,
  HookTestRequest,
  HookTests,
  Order,
  Ordered,
  PageLink,
  PageLinkRequest,
  type ProblemCode,
  Reloaded,
} from "@gpu-power-manager/shared/api";
import { Diagnosis } from "@gpu-power-manager/shared/diagnosis";
import { Token } from "@gpu-power-manager/shared/events";
import { FiringAlerts } from "@gpu-power-manager/shared/firing-alerts";
import {
  ArtifactList,
  ArtifactQuery,
  GapQuery,
  HistoryPage,
  HistoryQuery,
} from "@gpu-power-manager/shared/history-page";
import {
  HoldAnswer,
  HoldRequest,
  NeedId,
  NeedList,
  NeedRequest,
} from "@gpu-power-manager/shared/holds-and-needs";
import { ScheduleAhead, WhatIf, WhatIfQuery } from "@gpu-power-manager/shared/policy-views";
import {
  DryRun,
  DryRunRequest,
  Learning,
  LearnRequest,
  Learnt,
  Pointed,
  PointQuery,
  ProfileChange,
  ProfileCheck,
  ProfileText,
} from "@gpu-power-manager/shared/profile-doctor";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { Why } from "@gpu-power-manager/shared/why";
import { z } from "zod";

export type Method = "get" | "put" | "post" | "delete";

/** What is no JSON document. */
export interface Other {
  readonly types: readonly string[];
  readonly description: string;
}

export interface Endpoint {
  readonly method: Method;
  /** Below `/api/v1`, as OpenAPI writes it. */
  readonly path: string;
  readonly summary: string;
  /** Of the names in the path. */
  readonly parameters?: Readonly<Record<string, z.ZodType>>;
  readonly query?: z.ZodObject;
  /** It changes something, so it needs the operator's token. */
  readonly body?: z.ZodType;
  readonly status?: number;
  readonly answer: z.ZodType | Other;
  /** Beside those that any request may get. */
  readonly problems: readonly ProblemCode[];
}

/** What the doorkeeper, and our own faults, may answer to any request. */
export const ANY_PROBLEM: readonly ProblemCode[] = [
  "unauthorized",
  "foreign_host",
  "too_many_tries",
  "internal",
  "not_configured",
];

/** What any change may be refused with. */
const ACTING: readonly ProblemCode[] = [
  "bad_request",
  "forbidden",
  "forged",
  "stands_by",
  "too_large",
  "not_ready",
];

const needId = { id: NeedId };
const machine = { id: Token };
const ArtifactName = z.string().meta({ description: "a name of the list" });

export const ENDPOINTS: readonly Endpoint[] = [
  {
    method: "get",
    path: "/status",
    summary: "The pool, its machines, demand, what was decided last",
    answer: PowerStatus,
    problems: ["not_ready"],
  },
  {
    method: "get",
    path: "/why",
    summary: "The decisions that hold, every condition with its value, and when it is decided anew",
    answer: Why,
    problems: ["stands_by", "not_ready"],
  },
  {
    method: "get",
    path: "/whatif",
    summary: "The pool's own history replayed with another idle time",
    query: WhatIfQuery,
    answer: WhatIf,
    problems: ["bad_request", "stands_by", "not_ready"],
  },
  {
    method: "get",
    path: "/schedule",
    summary: "What the schedules ask for within the next seven days",
    answer: ScheduleAhead,
    problems: [],
  },
  {
    method: "get",
    path: "/alerts",
    summary: "The alerts that fire, as Prometheus says, the gravest first",
    answer: FiringAlerts,
    problems: ["not_ready"],
  },
  {
    method: "get",
    path: "/history",
    summary: "What happened, the newest first",
    query: HistoryQuery,
    answer: HistoryPage,
    problems: ["bad_request", "not_ready"],
  },
  {
    method: "get",
    path: "/gaps",
    summary: "When notices could have been missed, and what was found afterwards",
    query: GapQuery,
    answer: HistoryPage,
    problems: ["bad_request", "not_ready"],
  },
  {
    method: "get",
    path: "/artifacts",
    summary: "Screenshots and HTML of doubtful moments, the newest first",
    query: ArtifactQuery,
    answer: ArtifactList,
    problems: ["bad_request"],
  },
  {
    method: "get",
    path: "/artifacts/{name}",
    summary: "One of them",
    parameters: { name: ArtifactName },
    answer: { types: ["image/png", "text/plain"], description: "A picture, or HTML as text" },
    problems: ["not_found"],
  },
  {
    method: "get",
    path: "/config",
    summary: "What power runs with; of a secret only whether it is set",
    answer: EffectiveConfig,
    problems: [],
  },
  {
    method: "get",
    path: "/diagnosis",
    summary: "What power can see of the way of a notice; gpuctl diagnose judges it",
    answer: Diagnosis,
    problems: [],
  },
  {
    method: "get",
    path: "/profile/check",
    summary: "Every line of the profile held against the live page and the API's answer; nothing is clicked",
    answer: ProfileCheck,
    problems: ["not_ready"],
  },
  {
    method: "get",
    path: "/profile/point",
    summary: "Selectors for a line of the profile that match the element at a point of the page alone",
    query: PointQuery,
    answer: Pointed,
    problems: ["bad_request", "not_ready", "refused"],
  },
  {
    method: "post",
    path: "/profile/dry-run",
    summary: "A start or stop walked through on the page up to the click that acts, with pictures",
    body: DryRunRequest,
    answer: DryRun,
    problems: ["bad_request", "forbidden", "forged", "too_large", "not_ready", "refused"],
  },
  {
    method: "post",
    path: "/profile/learn",
    summary: "From now on an action that a person does by hand in the live view is watched",
    body: LearnRequest,
    answer: Learning,
    problems: ["bad_request", "forbidden", "forged", "too_large", "not_ready", "refused"],
  },
  {
    method: "post",
    path: "/profile/learnt",
    summary:
      "It is done: the part of the profile that does the same, and the file with it; nothing is written",
    body: z.object({}),
    answer: Learnt,
    problems: ["bad_request", "forbidden", "forged", "too_large", "not_ready", "refused"],
  },
  {
    method: "get",
    path: "/profile/change",
    summary: "The profile's file with another value in one line, for whoever writes it; nothing is written",
    query: ProfileChange,
    answer: ProfileText,
    problems: ["bad_request", "refused"],
  },
  {
    method: "get",
    path: "/openapi.json",
    summary: "This document",
    answer: { types: ["application/json"], description: "OpenAPI 3.1" },
    problems: [],
  },
  {
    method: "get",
    path: "/events",
    summary: "Server-sent events, for as long as the connection is open",
    answer: {
      types: ["text/event-stream"],
      description:
        "`status` with the whole status at first and at each change, `history` with each entry, `job` with each job that has come into demand",
    },
    problems: ["too_many_streams"],
  },
  {
    method: "get",
    path: "/hold",
    summary: "The operator's order that holds now",
    answer: HoldAnswer,
    problems: ["not_ready"],
  },
  {
    method: "post",
    path: "/page-link",
    summary: "A one-time link to the operator's page, with the rights of the token that asks for it",
    body: PageLinkRequest,
    answer: PageLink,
    problems: ["bad_request", "forged", "too_large"],
  },
  {
    method: "put",
    path: "/hold",
    summary: "Leave everything as it is, keep the GPU on, or keep it off",
    body: HoldRequest,
    answer: HoldAnswer,
    problems: ACTING,
  },
  {
    method: "delete",
    path: "/hold",
    summary: "End the order: power decides by itself again",
    body: Change,
    answer: HoldAnswer,
    problems: ACTING,
  },
  {
    method: "get",
    path: "/needs",
    summary: "Who says that the GPU is needed",
    answer: NeedList,
    problems: ["not_ready"],
  },
  {
    method: "put",
    path: "/needs/{id}",
    summary: "Say a need, or say it again before its time is over",
    parameters: needId,
    body: NeedRequest,
    answer: NeedList,
    problems: [...ACTING, "refused"],
  },
  {
    method: "delete",
    path: "/needs/{id}",
    summary: "End a need before its time",
    parameters: needId,
    body: Change,
    answer: NeedList,
    problems: [...ACTING, "not_found"],
  },
  {
    method: "get",
    path: "/hooks",
    summary: "Who is told of what happens, and what was not taken",
    answer: HookList,
    problems: ["stands_by", "not_ready"],
  },
  {
    method: "post",
    path: "/hooks/test",
    summary: "Send each hook, or one, an event that calls itself a test; answered when they have answered",
    body: HookTestRequest,
    answer: HookTests,
    problems: [...ACTING, "not_found"],
  },
  ...(["start", "stop"] as const).map(
    (action): Endpoint => ({
      method: "post",
      path: `/instances/{id}/${action}`,
      summary: `A ${action} by hand; answered once its attempt has begun`,
      parameters: machine,
      body: Order,
      status: 202,
      answer: Ordered,
      problems: [...ACTING, "refused"],
    }),
  ),
  {
    method: "post",
    path: "/reload",
    summary: "Read pool file and profile now; with their mistakes where they cannot be used",
    body: Change,
    answer: Reloaded,
    problems: [...ACTING, "refused"],
  },
];
