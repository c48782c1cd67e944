/**
 * Who is signed in to the page. A session is a random id in a cookie; here lies only its digest, so whoever reads the
 * file cannot sign in with it. Kept in a file, so that a restart of power signs nobody out.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { ROLES, type Role } from "../credentials.ts";

/** A working day; then one signs in again. */
export const SESSION_MS = 12 * 3_600_000;
/** More are a script that signs in anew each time; the oldest make room. */
const MAX_SESSIONS = 200;

const Kept = z.object({
  digest: z.string(),
  role: z.enum(ROLES),
  /** In whose name it acts, for history. */
  name: z.string(),
  /** Milliseconds since 1970. */
  until: z.number(),
  /** Of the token that opened it: another token ends it. */
  token: z.string(),
});
type Kept = z.infer<typeof Kept>;

export interface Session {
  readonly role: Role;
  readonly name: string;
  /** What a change has to carry, so that only a page that could read ours can make one. */
  readonly csrf: string;
}

export interface SessionsParts {
  readonly file: string;
  /** Key of the tokens' marks, so that the file does not help to guess a token. */
  readonly key: string;
  readonly tokens: Readonly<Partial<Record<Role, string | undefined>>>;
  readonly now: () => number;
}

const digestOf = (id: string) => createHash("sha256").update(id).digest("base64url");
const csrfOf = (id: string) => createHash("sha256").update(`csrf:${id}`).digest("base64url");

export class Sessions {
  private readonly parts: SessionsParts;
  private readonly kept: Map<string, Kept>;

  constructor(parts: SessionsParts) {
    this.parts = parts;
    this.kept = new Map(this.load().map((each) => [each.digest, each]));
  }

  /** @returns the cookie's value. */
  open(role: Role, name: string): string {
    const id = randomBytes(32).toString("base64url");
    const until = this.parts.now() + SESSION_MS;
    this.kept.set(digestOf(id), { digest: digestOf(id), role, name, until, token: this.mark(role) });
    this.save();
    return id;
  }

  /** Undefined for an id of nobody, and for one that is over. */
  find(id: string): Session | undefined {
    const kept = this.kept.get(digestOf(id));
    if (kept === undefined || !this.lives(kept)) return undefined;
    return { role: kept.role, name: kept.name, csrf: csrfOf(id) };
  }

  close(id: string): void {
    if (this.kept.delete(digestOf(id))) this.save();
  }

  private lives({ until, role, token }: Kept): boolean {
    return this.parts.now() < until && token === this.mark(role);
  }

  private mark(role: Role): string {
    const { key, tokens } = this.parts;
    return createHmac("sha256", key)
      .update(`${role}:${tokens[role] ?? ""}`)
      .digest("base64url");
  }

  private load(): Kept[] {
    try {
      return z
        .array(Kept)
        .parse(JSON.parse(readFileSync(this.parts.file, "utf8")))
        .filter((each) => this.lives(each));
    } catch {
      // None yet, or damaged: then people sign in again.
      return [];
    }
  }

  private save(): void {
    for (const [digest, each] of this.kept) if (!this.lives(each)) this.kept.delete(digest);
    for (const digest of [...this.kept.keys()].slice(0, Math.max(0, this.kept.size - MAX_SESSIONS)))
      this.kept.delete(digest);
    const { file } = this.parts;
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, JSON.stringify([...this.kept.values()]), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
}

/** Compares what was sent with what should have been, without telling by its time how close it was. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash("sha256").update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}
