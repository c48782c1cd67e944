import { randomBytes } from "node:crypto";

/** Names are the stand-in's; the provider's are unknown, and nothing may depend on them. */
export const SESSION_COOKIE = "U_SESSION";
export const CSRF_COOKIE = "U_CSRF_TOKEN";
/** Persistent, as a console that remembers a browser for a week does; a saved storage state keeps it. */
export const SESSION_TTL_MS = 7 * 24 * 3_600_000;

export interface Session {
  readonly id: string;
  readonly csrfToken: string;
}

/** Who is logged in. In memory: a restart of the stand-in logs everybody out. */
export class Sessions {
  readonly #byId = new Map<string, Session>();

  get count(): number {
    return this.#byId.size;
  }

  create(): Session {
    const session = { id: randomBytes(24).toString("hex"), csrfToken: randomBytes(16).toString("hex") };
    this.#byId.set(session.id, session);
    return session;
  }

  /** The session of a request's Cookie header; undefined when it has none that lives. */
  of(cookieHeader: string | undefined): Session | undefined {
    for (const pair of (cookieHeader ?? "").split(";")) {
      const [name, value] = pair.trim().split("=", 2);
      if (name === SESSION_COOKIE && value !== undefined) return this.#byId.get(value);
    }
    return undefined;
  }

  /** The session whose token this is, for a console that wants it in a header. */
  withToken(token: string | undefined): Session | undefined {
    return [...this.#byId.values()].find(({ csrfToken }) => csrfToken === token);
  }

  expireAll(): number {
    const expired = this.#byId.size;
    this.#byId.clear();
    return expired;
  }
}
