/** The profile, held against the live console. */
import type { ProfileCheck } from "@gpu-power-manager/shared/api";
import { Router } from "express";
import type { Doctor } from "../../console/doctor/doctor.ts";

export interface ProfileParts {
  /** @throws ApiError where this power looks at no console. */
  readonly doctor: () => Doctor;
  readonly profileName: () => string;
  readonly profileUrl: () => string;
}

export function profileRoutes({ doctor, profileName, profileUrl }: ProfileParts): Router {
  const router = Router();
  router.get("/profile/check", async (_request, response) => {
    const found = await doctor().check();
    const check: ProfileCheck = {
      at: new Date().toISOString(),
      profile: profileName(),
      url: profileUrl(),
      ...found,
    };
    response.json(check);
  });
  return router;
}
