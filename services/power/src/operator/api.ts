/** The operator's API, put together: who may come in, what can be read, what can be done. */
import { API_PATH } from "@gpu-power-manager/shared/api";
import type { Logger } from "@gpu-power-manager/shared/logger";
import express, { Router } from "express";
import helmet from "helmet";
import { type DoorkeeperOptions, doorkeeper } from "./doorkeeper.ts";
import { type PageLinkParts, pageLinkRoutes } from "./page/page-link.ts";
import { problemDocuments, unknownPath } from "./problems.ts";
import { type ActingParts, actingRoutes } from "./routes/acting.ts";
import { type HookRouteParts, hookRoutes } from "./routes/hooks.ts";
import { type ProfileParts, profileRoutes } from "./routes/profile.ts";
import { type ReadingParts, readingRoutes } from "./routes/reading.ts";
import { type StreamParts, streamRoutes } from "./routes/stream.ts";

/** The largest request is a hold with its reason; anything near this is a mistake or an attack. */
const BODY_LIMIT = "64kb";

export interface OperatorApiParts
  extends DoorkeeperOptions,
    ReadingParts,
    ActingParts,
    ProfileParts,
    HookRouteParts,
    StreamParts,
    PageLinkParts {
  readonly logger: Logger;
}

export function operatorApi(parts: OperatorApiParts): Router {
  const api = Router();
  api.use(helmet());
  api.use((_request, response, next) => {
    response.set("Cache-Control", "no-store");
    next();
  });
  // Before the body is read: nobody unknown makes us parse anything.
  api.use(doorkeeper(parts));
  api.use(express.json({ limit: BODY_LIMIT }));
  api.use(readingRoutes(parts));
  api.use(actingRoutes(parts));
  api.use(profileRoutes(parts));
  api.use(hookRoutes(parts));
  api.use(streamRoutes(parts));
  api.use(pageLinkRoutes(parts));
  api.use(unknownPath);
  api.use(problemDocuments(parts.logger));
  return Router().use(API_PATH, api);
}
