/** Who may come in: the right host name, a known token, not too many wrong ones. */
import type { IncomingMessage } from "node:http";
import type { Request, RequestHandler } from "express";
import type { Credentials, Role } from "./credentials.ts";
import { ApiError } from "./problems.ts";
import type { WrongTries } from "./wrong-tries.ts";

/** Set by the doorkeeper on every request that came in. */
const roles = new WeakMap<Request, Role>();
/** Whether it would still be let in, for what stays open. */
const stays = new WeakMap<Request, () => boolean>();

export function roleOf(request: Request): Role {
  const role = roles.get(request);
  if (role === undefined) throw new Error("A route is not behind the doorkeeper.");
  return role;
}

/** A stream ends when the session that opened it does. */
export function mayStay(request: Request): boolean {
  return stays.get(request)?.() ?? true;
}

export interface DoorkeeperOptions {
  readonly credentials: Credentials;
  /** Names by which power may be asked, without ports. */
  readonly hosts: readonly string[];
  readonly wrongTries: WrongTries;
  /** Who comes with the page's cookie. @throws ApiError for a change that a foreign page may have made. */
  readonly session: (request: Request) => { readonly role: Role } | undefined;
}

/**
 * A page of a foreign site whose name is made to point at this address (DNS rebinding) sends that site's name as Host.
 */
export function checkHost(request: IncomingMessage, hosts: readonly string[]): void {
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
export function doorkeeper(options: DoorkeeperOptions): RequestHandler {
  const { credentials, hosts, wrongTries, session } = options;
  return async (request, response, next) => {
    checkHost(request, hosts);
    if (!credentials.configured) {
      const words =
        "Set OPERATOR_TOKEN_FILE (everything) or VIEWER_TOKEN_FILE (reading) and restart power; `make up` makes both.";
      throw new ApiError("not_configured", words);
    }
    // Before the tries are counted: who is signed in does not suffer from others behind the same proxy.
    const signedIn = request.headers.authorization === undefined ? session(request) : undefined;
    if (signedIn !== undefined) {
      roles.set(request, signedIn.role);
      stays.set(request, () => session(request) !== undefined);
      next();
      return;
    }
    await wrongTries.check(request, response);
    const token = bearer(request);
    const role = token === undefined ? undefined : credentials.roleOf(token);
    if (role === undefined) {
      // A request without any token is no try.
      if (token !== undefined) await wrongTries.count(request);
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
