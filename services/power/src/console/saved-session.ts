import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";

/** Says which format a file has: this, salt (16), nonce (12), tag (16), text encrypted with AES-256-GCM. */
const MAGIC = Buffer.from("GPM1");
const SALT = 16;
const NONCE = 12;
const TAG = 16;

/** Cookies and local storage of a browser context, as JSON. */
export type StorageState = string;

/** The console session at rest: encrypted, readable by its owner alone, written in one piece. */
export class SavedSession {
  private readonly file: string;
  /** A session that a person has brought (`make login-import`): taken at the next launch, then gone. */
  private readonly brought: string;
  private readonly key: string;
  private readonly logger: Logger;
  private lastHash = "";

  constructor(stateDir: string, key: string, logger: Logger) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    this.file = join(stateDir, "console-session.enc");
    this.brought = `${this.file}.brought`;
    this.key = key;
    this.logger = logger;
  }

  /** The session that was brought, or else that of the last run; undefined when there is none that can be read. */
  load(): StorageState | undefined {
    const brought = this.read(this.brought);
    if (brought !== undefined) {
      // The one before stays: what was brought may have ended meanwhile.
      if (existsSync(this.file)) renameSync(this.file, `${this.file}.before`);
      renameSync(this.brought, this.file);
      this.logger.info("the console session that was brought is taken");
      return brought;
    }
    return this.read(this.file);
  }

  private read(file: string): StorageState | undefined {
    if (!existsSync(file)) return undefined;
    try {
      const state = decrypt(readFileSync(file), this.key);
      JSON.parse(state);
      this.lastHash = hash(state);
      return state;
    } catch (error) {
      // Kept aside: with the right key it may still be good.
      renameSync(file, `${file}.unreadable`);
      this.logger.error(
        { file: `${file}.unreadable`, cause: describeError(error) },
        "The saved console session cannot be read and is put aside. Is SESSION_KEY another one? Log in again",
      );
      return undefined;
    }
  }

  /** Writes the session when it has changed. */
  save(state: StorageState): void {
    const now = hash(state);
    if (now === this.lastHash) return;
    const temporary = `${this.file}.new`;
    writeFileSync(temporary, encrypt(state, this.key), { mode: 0o600 });
    chmodSync(temporary, 0o600);
    renameSync(temporary, this.file);
    this.lastHash = now;
    this.logger.info("console session saved");
  }
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function encrypt(text: string, key: string): Buffer {
  const salt = randomBytes(SALT);
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", scryptSync(key, salt, 32), nonce);
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([MAGIC, salt, nonce, cipher.getAuthTag(), body]);
}

/** @throws when the key is another one, or a single bit was changed. */
export function decrypt(data: Buffer, key: string): string {
  const at = (from: number, length: number) => data.subarray(from, from + length);
  if (!at(0, MAGIC.length).equals(MAGIC)) throw new Error("It is no saved session.");
  const salt = at(MAGIC.length, SALT);
  const nonce = at(MAGIC.length + SALT, NONCE);
  const tag = at(MAGIC.length + SALT + NONCE, TAG);
  const decipher = createDecipheriv("aes-256-gcm", scryptSync(key, salt, 32), nonce);
  decipher.setAuthTag(tag);
  return Buffer.concat([
    decipher.update(data.subarray(MAGIC.length + SALT + NONCE + TAG)),
    decipher.final(),
  ]).toString("utf8");
}
