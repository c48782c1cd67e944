/** One-time links: `gpuctl page` prints one, so that a token need not be copied into a browser. */
import { createHash, randomBytes } from "node:crypto";
import type { Role } from "../credentials.ts";

/** Long enough to be opened on the phone beside; short enough to be worthless in a terminal's scroll-back. */
export const INVITATION_MS = 5 * 60_000;
const MAX_OPEN = 50;

interface Open {
  readonly role: Role;
  readonly name: string;
  readonly until: number;
}

const digestOf = (code: string) => createHash("sha256").update(code).digest("base64url");

export class Invitations {
  private readonly now: () => number;
  private readonly open = new Map<string, Open>();

  /** @param now milliseconds since 1970. */
  constructor(now: () => number) {
    this.now = now;
  }

  make(role: Role, name: string): { readonly code: string; readonly until: number } {
    const code = randomBytes(24).toString("base64url");
    const until = this.now() + INVITATION_MS;
    for (const [digest, each] of this.open) if (each.until <= this.now()) this.open.delete(digest);
    const oldest = this.open.keys().next();
    if (this.open.size >= MAX_OPEN && !oldest.done) this.open.delete(oldest.value);
    this.open.set(digestOf(code), { role, name, until });
    return { code, until };
  }

  /** Whom it lets in, once; undefined when it was used, is over, or never was. */
  use(code: string): { readonly role: Role; readonly name: string } | undefined {
    const found = this.open.get(digestOf(code));
    this.open.delete(digestOf(code));
    return found !== undefined && this.now() < found.until ? found : undefined;
  }
}
