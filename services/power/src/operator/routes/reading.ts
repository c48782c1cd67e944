/** What can be read: status, history, artifacts, the configuration in use. */

import type { EffectiveConfig } from "@gpu-power-manager/shared/api";
import type { Bus } from "@gpu-power-manager/shared/bus";
import type { Diagnosis } from "@gpu-power-manager/shared/diagnosis";
import type { FiringAlerts } from "@gpu-power-manager/shared/firing-alerts";
import {
  type ArtifactList,
  ArtifactQuery,
  GapQuery,
  type HistoryPage,
  HistoryQuery,
} from "@gpu-power-manager/shared/history-page";
import { type ScheduleAhead, type WhatIf, WhatIfQuery } from "@gpu-power-manager/shared/policy-views";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Why } from "@gpu-power-manager/shared/why";
import { Router } from "express";
import type { ArtifactShelf } from "../artifact-shelf.ts";
import { readHistory } from "../history.ts";
import { openApiDocument } from "../openapi.ts";
import { ApiError } from "../problems.ts";

export interface ReadingParts {
  readonly pool: string;
  /** @throws ApiError while there is none to tell. */
  readonly known: () => PowerStatus;
  /** @throws ApiError while NATS is not there. */
  readonly bus: () => Bus;
  readonly artifacts: ArtifactShelf;
  readonly config: () => EffectiveConfig;
  readonly diagnosis: () => Promise<Diagnosis>;
  /** @throws ApiError where this power does not act. */
  readonly why: () => Why;
  readonly schedule: () => ScheduleAhead;
  /** @throws ApiError where this power does not act. */
  readonly whatIf: (query: WhatIfQuery) => WhatIf;
  /** @throws ApiError while they are not known. */
  readonly alerts: () => FiringAlerts;
}

export function readingRoutes(parts: ReadingParts): Router {
  const { pool, known, bus, artifacts, config, diagnosis, why, schedule, whatIf, alerts } = parts;
  const router = Router();
  router.get("/status", (_request, response) => {
    response.json(known());
  });
  router.get("/why", (_request, response) => {
    response.json(why());
  });
  router.get("/whatif", (request, response) => {
    response.json(whatIf(WhatIfQuery.parse(request.query)));
  });
  router.get("/schedule", (_request, response) => {
    response.json(schedule());
  });
  router.get("/alerts", (_request, response) => {
    response.json(alerts());
  });
  router.get("/history", async (request, response) => {
    const page: HistoryPage = await readHistory(bus(), pool, HistoryQuery.parse(request.query));
    response.json(page);
  });
  router.get("/gaps", async (request, response) => {
    const query = GapQuery.parse(request.query);
    const page: HistoryPage = await readHistory(bus(), pool, { ...query, kind: "gap" });
    response.json(page);
  });
  router.get("/artifacts", (request, response) => {
    const { attempt } = ArtifactQuery.parse(request.query);
    const list: ArtifactList = { artifacts: artifacts.list(attempt) };
    response.json(list);
  });
  router.get("/artifacts/:name", (request, response) => {
    const artifact = artifacts.find(request.params.name);
    if (artifact === undefined)
      throw new ApiError(
        "not_found",
        "There is no such artifact any more; the oldest make room for the newest.",
      );
    // What a foreign page showed must never run in the browser of whoever looks at it.
    response.set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'");
    response.type(artifact.kind === "png" ? "image/png" : "text/plain").send(artifact.read());
  });
  router.get("/diagnosis", async (_request, response) => {
    response.json(await diagnosis());
  });
  router.get("/config", (_request, response) => {
    response.json(config());
  });
  router.get("/openapi.json", (_request, response) => {
    response.json(openApiDocument());
  });
  return router;
}
