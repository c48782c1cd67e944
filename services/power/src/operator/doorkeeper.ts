/** Who may come in: the right host name, a known token, not too many wrong ones. */
import type { Request, RequestHandler } from "express";
import { RateLimiterMemory } from "rate-limiter-flexible";
import type { Credentials, Role } from "./credentials.ts";
import { ApiError } from "./problems.ts";

/** Wrong tokens from one address in a minute, beyond which it is not listened to until the minute is over. */
const TRIES = 10;
const TRIES_WINDOW_S = 60;

/** Set by the doorkeeper on every request that came in. */
const roles = new WeakMap<Request, Role>();

export function roleOf(request: Request): Role {
  const role = roles.get(request);
  if (role === undefined) throw new Error("A route is not behind the doorkeeper.");
  return role;
}

export interface DoorkeeperOptions {
  readonly credentials: Credentials;
  /** Names by which power may be asked, without ports. */
  readonly hosts: readonly string[];
}

/**
 * A page of a foreign site whose name is made to point at this address (DNS rebinding) sends that site's name as Host.
 */
function checkHost(request: Request, hosts: readonly string[]): void {
  const { host = "" } = request.headers;
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : host;
  if (hosts.includes(name)) return;
  throw new ApiError(
    "foreign_host",
    "Ask by a name that ALLOWED_HOSTS lists (localhost and 127.0.0.1 unless it is set), or add this one to it.",
  );
}

function bearer(request: Request): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

/** Lets a request with a known token through. */
export function doorkeeper({ credentials, hosts }: DoorkeeperOptions): RequestHandler {
  const wrongTries = new RateLimiterMemory({ points: TRIES, duration: TRIES_WINDOW_S });
  return async (request, response, next) => {
    checkHost(request, hosts);
    if (!credentials.configured) {
      const words =
        "Set OPERATOR_TOKEN_FILE (everything) or VIEWER_TOKEN_FILE (reading) and restart power; `make up` makes both.";
      throw new ApiError("not_configured", words);
    }
    const address = request.socket.remoteAddress ?? "unknown";
    const tries = await wrongTries.get(address);
    if (tries !== null && tries.consumedPoints >= TRIES) {
      const seconds = Math.ceil(tries.msBeforeNext / 1_000);
      response.set("Retry-After", String(seconds));
      throw new ApiError("too_many_tries", `Try again in ${seconds} s, with the right token.`);
    }
    const token = bearer(request);
    const role = token === undefined ? undefined : credentials.roleOf(token);
    if (role === undefined) {
      // A request without any token is no try.
      if (token !== undefined) await wrongTries.penalty(address);
      throw new ApiError(
        "unauthorized",
        "Send `Authorization: Bearer <token>` with the content of secrets/operator-token or secrets/viewer-token.",
      );
    }
    roles.set(request, role);
    next();
  };
}

/** Lets only an operator through. */
export const operatorsOnly: RequestHandler = (request, _response, next) => {
  if (roleOf(request) !== "operator")
    throw new ApiError("forbidden", "A viewer's token only reads; use the operator's token to act.");
  next();
};
