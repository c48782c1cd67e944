/** Who comes with the page's cookie, and whether a change really comes from the page. */
import type { IncomingMessage } from "node:http";
import type { Request, Response } from "express";
import { ApiError } from "../problems.ts";
import { SESSION_MS, type Session, type Sessions, sameText } from "./sessions.ts";

const COOKIE = "gpu-power-session";
export const CSRF_HEADER = "x-csrf-token";
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

export interface GateParts {
  readonly sessions: Sessions;
  /** Where people open the page, when that is not this address itself: behind a reverse proxy. */
  readonly publicUrl: URL | undefined;
}

export class Gate {
  private readonly parts: GateParts;

  constructor(parts: GateParts) {
    this.parts = parts;
  }

  /** The session of a request, changes or not; for a change `sameOrigin` and `csrf` have to be checked, too. */
  session(request: IncomingMessage): Session | undefined {
    const id = cookieOf(request, COOKIE);
    return id === undefined ? undefined : this.parts.sessions.find(id);
  }

  /** Whom the API lets in by cookie. @throws ApiError for a change that a foreign page may have made. */
  come(request: Request): Session | undefined {
    const session = this.session(request);
    if (session === undefined || SAFE.has(request.method)) return session;
    this.checkOrigin(request);
    checkCsrf(session, request.get(CSRF_HEADER));
    return session;
  }

  /** Browsers tell with every change from which page it comes. @throws ApiError when that is not ours. */
  checkOrigin(request: IncomingMessage): void {
    const { origin = "", host = "" } = request.headers;
    const { publicUrl } = this.parts;
    const ours = [
      `http://${host}`,
      `https://${host}`,
      ...(publicUrl === undefined ? [] : [publicUrl.origin]),
    ];
    const site = request.headers["sec-fetch-site"];
    if (ours.includes(origin) && (site === undefined || site === "same-origin")) return;
    throw new ApiError("forged", "The request comes from a page of another origin; use the operator's page.");
  }

  signIn(request: Request, response: Response, id: string): void {
    response.append("Set-Cookie", this.written(request, id, SESSION_MS / 1_000));
  }

  signOut(request: Request, response: Response): void {
    const id = cookieOf(request, COOKIE);
    if (id !== undefined) this.parts.sessions.close(id);
    response.append("Set-Cookie", this.written(request, "", 0));
  }

  /** A change carries its origin, so whether it came by PUBLIC_URL or straight to this port is known. */
  private written(request: Request, value: string, seconds: number): string {
    const { publicUrl } = this.parts;
    const by = publicUrl?.origin === request.headers.origin ? publicUrl : undefined;
    const secure = by?.protocol === "https:" ? "; Secure" : "";
    return `${COOKIE}=${value}; Path=${by?.pathname ?? "/"}; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
  }
}

/** @throws ApiError when the page's word is missing or wrong. */
export function checkCsrf(session: Session, sent: string | undefined): void {
  if (sent !== undefined && sameText(sent, session.csrf)) return;
  throw new ApiError("forged", "The change does not carry the page's CSRF token; load the page anew.");
}

export function cookieOf(request: IncomingMessage, name: string): string | undefined {
  for (const part of (request.headers.cookie ?? "").split(";")) {
    const [key, value] = part.trim().split("=", 2);
    if (key === name && value) return value;
  }
  return undefined;
}
