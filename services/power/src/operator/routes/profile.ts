/** The profile, held against the live console, and what would mend it. Nothing here writes a file or changes a machine. */
import { readFileSync } from "node:fs";
import {
  type DryRun,
  DryRunRequest,
  PointQuery,
  ProfileChange,
  type ProfileCheck,
  type ProfileText,
} from "@gpu-power-manager/shared/api";
import { ConfigError } from "@gpu-power-manager/shared/errors";
import { Router } from "express";
import type { Doctor } from "../../console/doctor/doctor.ts";
import { withLine } from "../../console/doctor/edit-profile.ts";
import { operatorsOnly } from "../doorkeeper.ts";
import { ApiError } from "../problems.ts";

export interface ProfileParts {
  /** The provider's id of a machine of the pool. */
  readonly providerIdOf: (instance: string) => string | undefined;
  /** @throws ApiError where this power looks at no console. */
  readonly doctor: () => Doctor;
  readonly profile: () => { readonly name: string; readonly file: string; readonly url: string };
}

export function profileRoutes({ doctor, profile, providerIdOf }: ProfileParts): Router {
  const router = Router();
  router.get("/profile/check", async (_request, response) => {
    const found = await doctor().check();
    const { name, url } = profile();
    const check: ProfileCheck = { at: new Date().toISOString(), profile: name, url, ...found };
    response.json(check);
  });
  router.get("/profile/point", async (request, response) => {
    const { line, ...point } = PointQuery.parse(request.query);
    const pointed = await doctor().point(line, point);
    if ("words" in pointed) throw new ApiError("refused", pointed.words);
    response.json(pointed);
  });
  // It clicks, though on nothing that acts: not for those who may only look.
  router.post("/profile/dry-run", operatorsOnly, async (request, response) => {
    const { instance, action } = DryRunRequest.parse(request.body);
    const providerId = providerIdOf(instance);
    if (providerId === undefined)
      throw new ApiError("refused", `There is no machine ${instance} in the pool.`);
    const walked = await doctor().dryRun(action, providerId);
    response.json({ instance, action, ...walked } satisfies DryRun);
  });
  router.get("/profile/change", (request, response) => {
    const { line, value } = ProfileChange.parse(request.query);
    const { name, file } = profile();
    response.json(changed(name, file, line, value) satisfies ProfileText);
  });
  return router;
}

function changed(profile: string, file: string, line: string, value: string): ProfileText {
  try {
    const before = readFileSync(file, "utf8");
    return { profile, before, after: withLine(before, file, line, value) };
  } catch (error) {
    if (error instanceof ConfigError) throw new ApiError("refused", error.message);
    throw error;
  }
}
