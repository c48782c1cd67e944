/** The profile, held against the live console, and what would mend it. Nothing here writes a file or changes a machine. */
import { readFileSync } from "node:fs";
import { ConfigError } from "@gpu-power-manager/shared/errors";
import {
  type DryRun,
  DryRunRequest,
  type Learning,
  LearnRequest,
  type Learnt,
  PointQuery,
  ProfileChange,
  type ProfileCheck,
  type ProfileText,
} from "@gpu-power-manager/shared/profile-doctor";
import { Router } from "express";
import type { Doctor } from "../../console/doctor/doctor.ts";
import { withLine, withPart } from "../../console/doctor/edit-profile.ts";
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
  const known = (instance: string): string => {
    const providerId = providerIdOf(instance);
    if (providerId === undefined)
      throw new ApiError("refused", `There is no machine ${instance} in the pool.`);
    return providerId;
  };
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
  router.post("/profile/learn", operatorsOnly, async (request, response) => {
    const { instance, action } = LearnRequest.parse(request.body);
    const trouble = await doctor().learn(action, known(instance));
    if (trouble !== undefined) throw new ApiError("refused", trouble.words);
    response.json({ words: `Now ${action} ${instance} by hand in the live view.` } satisfies Learning);
  });
  router.post("/profile/learnt", operatorsOnly, async (_request, response) => {
    const learnt = await doctor().learnt();
    if ("words" in learnt) throw new ApiError("refused", learnt.words);
    const { action, yaml } = learnt;
    const { name, file } = profile();
    if (yaml === null) return response.json({ ...learnt, text: null } satisfies Learnt);
    try {
      const text = changed(name, file, (before) => withPart(before, file, action, yaml));
      response.json({ ...learnt, text } satisfies Learnt);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // What was learnt is worth having, although the file cannot take it as it is.
      const remarks = [...learnt.remarks, error.message];
      response.json({ ...learnt, remarks, text: null } satisfies Learnt);
    }
  });
  router.get("/profile/change", (request, response) => {
    const { line, value } = ProfileChange.parse(request.query);
    const { name, file } = profile();
    response.json(changed(name, file, (before) => withLine(before, file, line, value)) satisfies ProfileText);
  });
  return router;
}

/** @throws ApiError where the profile could not be used then. */
function changed(profile: string, file: string, change: (before: string) => string): ProfileText {
  try {
    const before = readFileSync(file, "utf8");
    return { profile, before, after: change(before) };
  } catch (error) {
    if (error instanceof ConfigError) throw new ApiError("refused", error.message);
    throw error;
  }
}
