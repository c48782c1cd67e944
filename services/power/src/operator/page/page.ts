/** The operator's page: signing in and out, what is so at a glance, and what the browser loads for it. */

import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Why } from "@gpu-power-manager/shared/why";
import express, { type ErrorRequestHandler, type Request, type RequestHandler, Router } from "express";
import helmet from "helmet";
import { z } from "zod";
import type { Pool } from "../../pool/pool.ts";
import type { AlertsView } from "../alerts.ts";
import type { Credentials } from "../credentials.ts";
import { checkHost } from "../doorkeeper.ts";
import type { Listeners } from "../listeners.ts";
import { ApiError } from "../problems.ts";
import type { WrongTries } from "../wrong-tries.ts";
import { assetRoutes } from "./assets.ts";
import { checkCsrf, type Gate } from "./gate.ts";
import type { Invitations } from "./invitations.ts";
import { LANGUAGE_COOKIE, LANGUAGES, speechOf } from "./language.ts";
import type { Ledger } from "./ledger.ts";
import { liveDocument } from "./live-view.ts";
import { type PastParts, pastRoutes } from "./past.ts";
import type { Session, Sessions } from "./sessions.ts";
import { pageDocument, signInDocument } from "./shell.ts";
import { statusView } from "./status-view.ts";
import { usageOf } from "./usage.ts";

/** A token and a name; anything near this is a mistake or an attack. */
const BODY_LIMIT = "8kb";
const YEAR_S = 365 * 86_400;

export interface PageParts extends Omit<PastParts, "poolName"> {
  readonly credentials: Credentials;
  readonly hosts: readonly string[];
  readonly wrongTries: WrongTries;
  readonly invitations: Invitations;
  readonly gate: Gate;
  readonly sessions: Sessions;
  readonly ledger: Ledger;
  readonly pool: () => Pool;
  readonly status: () => PowerStatus | { readonly words: string };
  /** Undefined where this power does not act. */
  readonly why: () => Why | undefined;
  readonly listeners: Listeners;
  readonly alerts: () => AlertsView;
  readonly viewersWatch: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly logger: Logger;
}

const DESTINATIONS = ["live"] as const;

const SignIn = z.object({
  token: z.string().trim().max(256).optional(),
  code: z.string().max(64).optional(),
  name: z.string().trim().max(64).default(""),
  /** Where to afterwards; a closed list, so that no link leads anywhere else. */
  to: z.enum(DESTINATIONS).optional(),
});
const Csrf = z.object({ csrf: z.string().max(128).optional() });

/** Nothing of another origin, nothing inline, no frame around it. */
const headers = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", "data:"],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  frameguard: { action: "deny" },
  // With `no-referrer` a browser hides the origin of a form, and it could not be checked.
  referrerPolicy: { policy: "same-origin" },
});

export function pageRoutes(parts: PageParts): Router {
  const { gate } = parts;
  const router = Router();
  const ours: RequestHandler = (request, response, next) => {
    checkHost(request, parts.hosts);
    headers(request, response, next);
  };
  const bodies = express.urlencoded({ extended: false, limit: BODY_LIMIT });
  const signedIn: RequestHandler = (request, _response, next) => {
    if (gate.session(request) === undefined)
      throw new ApiError("unauthorized", "The session is over; sign in again.");
    next();
  };

  router.use(["/page", "/now", "/live", "/sign-in", "/sign-out"], ours);
  router.use(assetRoutes());
  router.get("/", ours, async (request, response) => {
    const chosen = LANGUAGES.find((each) => each === request.query.language);
    if (chosen !== undefined) {
      response.cookie(LANGUAGE_COOKIE, chosen, { sameSite: "strict", maxAge: YEAR_S * 1_000 });
      response.redirect(303, "./");
      return;
    }
    response.set("Cache-Control", "no-store");
    const session = gate.session(request);
    const code = typeof request.query.code === "string" ? request.query.code.slice(0, 64) : undefined;
    const speech = speechOf(request);
    if (session === undefined || code !== undefined) {
      const to = DESTINATIONS.find((each) => each === request.query.to);
      response.send(signInDocument({ speech, code, to, refused: unconfigured(parts) }));
      return;
    }
    const { role, name, csrf } = session;
    const status = await view(parts, request, session);
    response.send(pageDocument({ speech, pool: parts.pool().pool, role, name, csrf, status }));
  });
  router.get("/live", (request, response) => {
    response.set("Cache-Control", "no-store");
    const session = gate.session(request);
    const speech = speechOf(request);
    if (session === undefined) {
      response.send(signInDocument({ speech, code: undefined, to: "live", refused: unconfigured(parts) }));
      return;
    }
    const { role, name, csrf } = session;
    const mayWatch = role === "operator" || parts.viewersWatch;
    response.send(liveDocument({ speech, pool: parts.pool().pool, role, name, csrf, mayWatch }));
  });
  router.get("/now", signedIn, async (request, response) => {
    const session = gate.session(request);
    response.set("Cache-Control", "no-store");
    if (session !== undefined) response.send((await view(parts, request, session)).text);
  });
  router.use("/page", signedIn, pastRoutes({ ...parts, poolName: parts.pool().pool }));
  router.post("/sign-in", bodies, async (request, response) => {
    gate.checkOrigin(request);
    await parts.wrongTries.check(request, response);
    const { token, code, name, to } = SignIn.parse(request.body);
    const guest = code === undefined ? undefined : parts.invitations.use(code);
    const role = guest?.role ?? (token === undefined ? undefined : parts.credentials.roleOf(token));
    if (role === undefined) {
      await parts.wrongTries.count(request);
      throw new ApiError("unauthorized", code === undefined ? "token" : "code");
    }
    gate.signIn(request, response, parts.sessions.open(role, guest?.name ?? name));
    response.redirect(303, to ?? "./");
  });
  router.post("/sign-out", bodies, (request, response) => {
    gate.checkOrigin(request);
    const session = gate.session(request);
    if (session !== undefined) checkCsrf(session, Csrf.parse(request.body).csrf);
    gate.signOut(request, response);
    response.redirect(303, "./");
  });
  router.use(["/", "/now", "/page", "/live", "/sign-in", "/sign-out"], failed(parts.logger));
  return router;
}

function unconfigured({ credentials }: PageParts): string | undefined {
  if (credentials.configured) return undefined;
  return "Nobody can sign in: set OPERATOR_TOKEN_FILE or VIEWER_TOKEN_FILE and restart power.";
}

async function view(parts: PageParts, request: Request, { role }: Session) {
  const now = parts.now();
  const speech = speechOf(request);
  const status = parts.status();
  const pool = parts.pool();
  const usage = usageOf(await parts.ledger.known(), status, speech, now);
  const listeners = parts.listeners.shown();
  const alerts = parts.alerts();
  return statusView(
    { pool: pool.pool, status, why: parts.why(), listeners, alerts, usage, role, now },
    speech,
  );
}

const STATUS = {
  unauthorized: 401,
  forged: 403,
  foreign_host: 403,
  too_many_tries: 429,
  not_ready: 503,
} as const;

/** Whatever was thrown, in words above the form; only our own faults are logged. */
function failed(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const speech = speechOf(request);
    const { say } = speech;
    const words: Readonly<Record<string, string>> = {
      token: say(
        "That token is of nobody. Look into secrets/operator-token.",
        "令牌不正确，请查看 secrets/operator-token。",
      ),
      code: say(
        "That link was used, or is older than five minutes. Make another: gpuctl page.",
        "该链接已使用或已超过五分钟，请重新执行 gpuctl page。",
      ),
    };
    response.set("Cache-Control", "no-store");
    if (error instanceof ApiError && error.code in STATUS) {
      const code = Object.keys(STATUS).find((each): each is keyof typeof STATUS => each === error.code);
      const refused = words[error.message] ?? error.message;
      response
        .status(code === undefined ? 500 : STATUS[code])
        .send(signInDocument({ speech, code: undefined, to: undefined, refused }));
      return;
    }
    const bad =
      error instanceof z.ZodError || (error instanceof Error && "status" in error && error.status !== 500);
    if (!bad) logger.error({ err: error, path: request.path }, "The operator's page failed to answer");
    const refused = bad ? say("That cannot be understood.", "无法理解该请求。") : describeError(error);
    response
      .status(bad ? 400 : 500)
      .send(signInDocument({ speech, code: undefined, to: undefined, refused }));
  };
}
