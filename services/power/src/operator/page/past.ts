/** What was: the time line's data with its table, and history with its attempts. */

import type { Bus } from "@gpu-power-manager/shared/bus";
import type { HistoryPage } from "@gpu-power-manager/shared/history-page";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import { type RequestHandler, Router } from "express";
import { z } from "zod";
import { type SchedulePolicy, scheduleOf } from "../../policy/schedule.ts";
import type { ArtifactShelf } from "../artifact-shelf.ts";
import { readHistory } from "../history.ts";
import { ApiError } from "../problems.ts";
import { historyView } from "./history-view.ts";
import { speechOf } from "./language.ts";
import type { Ledger } from "./ledger.ts";
import { timeline, timelineTable } from "./timeline.ts";

/** More happenings than this in a week are not drawn; the page says so. */
const MAX_DRAWN = 3_000;
/** The chart may wait for history, unlike what stands above it. */
const CHART_PATIENCE_MS = 5_000;
const PAGE = 60;

export interface PastParts {
  readonly poolName: string;
  readonly pool: () => { readonly policy: SchedulePolicy };
  /** @throws ApiError while NATS is not there. */
  readonly bus: () => Bus;
  readonly ledger: Ledger;
  readonly artifacts: ArtifactShelf;
  readonly status: () => PowerStatus | { readonly words: string };
  readonly now: () => number;
}

const TimelineQuery = z.object({ hours: z.enum(["24", "168"]).default("24") });
const HistoryQuery = z.object({ before: z.coerce.number().int().min(1).optional() });

export function pastRoutes({ poolName, pool, bus, ledger, artifacts, status, now }: PastParts): Router {
  const noStore: RequestHandler = (_request, response, next) => {
    response.set("Cache-Control", "no-store");
    next();
  };
  const router = Router().use(noStore);
  router.get("/timeline", async (request, response) => {
    const { hours } = TimelineQuery.parse(request.query);
    const to = now();
    const from = to - Number(hours) * 3_600_000;
    const speech = speechOf(request);
    const known = await ledger.known(CHART_PATIENCE_MS);
    const current = status();
    if ("words" in known || "words" in current)
      throw new ApiError("not_ready", "History cannot be read now.");
    const since = new Date(from).toISOString();
    const recent: HistoryPage = await readHistory(bus(), poolName, { since, limit: MAX_DRAWN });
    const drawn = timeline(
      known,
      current,
      recent.entries,
      { from, to },
      speech,
      scheduleOf(pool().policy).windows(from, to),
    );
    response.json({ ...drawn, table: timelineTable(drawn, speech).text });
  });
  router.get("/history", async (request, response) => {
    const { before } = HistoryQuery.parse(request.query);
    const page = await readHistory(bus(), poolName, { limit: PAGE, before });
    response.send(historyView(page, artifacts.list(), speechOf(request)).text);
  });
  return router;
}
