/** Whose token it is. Tokens are compared by their digests, in constant time. */
import { createHash, timingSafeEqual } from "node:crypto";

export const ROLES = ["viewer", "operator"] as const;
/** A viewer reads; an operator acts, too. */
export type Role = (typeof ROLES)[number];

const digest = (text: string) => createHash("sha256").update(text).digest();

export class Credentials {
  private readonly digests: ReadonlyMap<Role, Buffer>;

  /** @param tokens by role; a role without a token has nobody. */
  constructor(tokens: Readonly<Partial<Record<Role, string | undefined>>>) {
    this.digests = new Map(
      ROLES.flatMap((role) => {
        const token = tokens[role];
        return token === undefined ? [] : [[role, digest(token)] as const];
      }),
    );
  }

  /** Whether anybody can be let in at all. */
  get configured(): boolean {
    return this.digests.size > 0;
  }

  /** The token's role; undefined for a token of nobody. */
  roleOf(token: string): Role | undefined {
    const given = digest(token);
    let role: Role | undefined;
    // Each is compared, so that the time says nothing about which one was close.
    for (const [candidate, known] of this.digests) if (timingSafeEqual(given, known)) role = candidate;
    return role;
  }
}
