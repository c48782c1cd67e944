/** What can be done: hold, resume, needs, start, stop, reload. */
import { Change, Order, type Ordered, type Reloaded } from "@gpu-power-manager/shared/api";
import { Token } from "@gpu-power-manager/shared/events";
import {
  type HoldAnswer,
  HoldRequest,
  NeedId,
  type NeedList,
  NeedRequest,
} from "@gpu-power-manager/shared/holds-and-needs";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import { type Request, Router } from "express";
import type { Acts, Who } from "../acts.ts";
import { operatorsOnly, roleOf } from "../doorkeeper.ts";

export interface ActingParts {
  /** @throws ApiError where this power does not act. */
  readonly acts: () => Acts;
  /** @throws ApiError while there is none to tell. */
  readonly known: () => PowerStatus;
}

function whoAsks(request: Request): Who {
  return { token: roleOf(request), address: request.socket.remoteAddress ?? "unknown" };
}

export function actingRoutes({ acts, known }: ActingParts): Router {
  const router = Router();
  router.get("/hold", (_request, response) => {
    response.json({ hold: known().hold } satisfies HoldAnswer);
  });
  router.put("/hold", operatorsOnly, async (request, response) => {
    await acts().hold(HoldRequest.parse(request.body), whoAsks(request));
    response.json({ hold: known().hold } satisfies HoldAnswer);
  });
  router.delete("/hold", operatorsOnly, async (request, response) => {
    await acts().resume(Change.parse(request.body), whoAsks(request));
    response.json({ hold: known().hold } satisfies HoldAnswer);
  });
  router.get("/needs", (_request, response) => {
    response.json({ needs: known().needs } satisfies NeedList);
  });
  router.put("/needs/:id", operatorsOnly, async (request, response) => {
    const id = NeedId.parse(request.params.id);
    await acts().need(id, NeedRequest.parse(request.body), whoAsks(request));
    response.json({ needs: known().needs } satisfies NeedList);
  });
  router.delete("/needs/:id", operatorsOnly, async (request, response) => {
    const id = NeedId.parse(request.params.id);
    await acts().endNeed(id, Change.parse(request.body), whoAsks(request));
    response.json({ needs: known().needs } satisfies NeedList);
  });
  for (const action of ["start", "stop"] as const) {
    router.post(`/instances/:id/${action}`, operatorsOnly, async (request, response) => {
      const instance = Token.parse(request.params.id);
      const order = Order.parse(request.body);
      const attemptId = await acts().order(action, instance, order, whoAsks(request));
      response.status(202).json({ instance, action, attemptId } satisfies Ordered);
    });
  }
  router.post("/reload", operatorsOnly, (request, response) => {
    acts().reload(Change.parse(request.body), whoAsks(request));
    response.json({ reloaded: true } satisfies Reloaded);
  });
  return router;
}
