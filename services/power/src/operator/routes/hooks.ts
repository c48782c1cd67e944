/** The hooks of the pool file: how far each is, and a test. */
import { randomUUID } from "node:crypto";
import { type HookList, HookTestRequest, type HookTests } from "@gpu-power-manager/shared/api";
import { Router } from "express";
import type { Hooks } from "../../hooks/hooks.ts";
import { operatorsOnly } from "../doorkeeper.ts";
import { ApiError } from "../problems.ts";

export interface HookRouteParts {
  /** @throws ApiError where this power does not act. */
  readonly hooks: () => Pick<Hooks, "view" | "test">;
}

const timeOf = (at: number | null) => (at === null ? null : new Date(at).toISOString());

export function hookRoutes({ hooks }: HookRouteParts): Router {
  const router = Router();
  router.get("/hooks", (_request, response) => {
    const list = hooks()
      .view()
      .map((hook) => ({ ...hook, waitingSince: timeOf(hook.waitingSince), takenAt: timeOf(hook.takenAt) }));
    response.json({ hooks: list } satisfies HookList);
  });
  router.post("/hooks/test", operatorsOnly, async (request, response) => {
    const { hook } = HookTestRequest.parse(request.body);
    const tests = await hooks().test(`test-${randomUUID()}`, hook);
    if (tests.length === 0)
      throw new ApiError(
        "not_found",
        hook === undefined
          ? "The pool file names no hook: add one under hooks."
          : `The pool file names no hook "${hook}".`,
      );
    response.json({
      tests: tests.map(({ name, refusal = null }) => ({ name, taken: refusal === null, trouble: refusal })),
    } satisfies HookTests);
  });
  return router;
}
