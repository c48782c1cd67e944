/** How a console session is encrypted at rest: AES-256-GCM, its key made from SESSION_KEY and the file's salt. */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";

/** Says which format a file has: this, salt (16), nonce (12), tag (16), encrypted text. */
const MAGIC = Buffer.from("GPM1");
const SALT = 16;
const NONCE = 12;
const TAG = 16;
const KEY = 32;

/** Slow on purpose, tens of milliseconds of a core: on a thread of its own, never on the event loop. */
const derive = promisify<string, Buffer, number, Buffer>(scrypt);

/** What SESSION_KEY and a salt make together; good for every file with that salt, each with its own nonce. */
export interface SealingKey {
  readonly salt: Buffer;
  readonly key: Buffer;
}

export async function newSealingKey(sessionKey: string): Promise<SealingKey> {
  return await sealingKeyOf(sessionKey, randomBytes(SALT));
}

async function sealingKeyOf(sessionKey: string, salt: Buffer): Promise<SealingKey> {
  return { salt, key: await derive(sessionKey, salt, KEY) };
}

export function seal(text: string, { salt, key }: SealingKey): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([MAGIC, salt, nonce, cipher.getAuthTag(), body]);
}

/**
 * @param known a key that was derived before; it is derived anew where the file has another salt.
 * @throws when the key is another one, or a single bit was changed.
 */
export async function unseal(
  sealed: Buffer,
  sessionKey: string,
  known?: SealingKey,
): Promise<{ text: string; sealing: SealingKey }> {
  const { salt, nonce, tag, body } = partsOf(sealed);
  const sealing = known?.salt.equals(salt) === true ? known : await sealingKeyOf(sessionKey, salt);
  const decipher = createDecipheriv("aes-256-gcm", sealing.key, nonce);
  decipher.setAuthTag(tag);
  const text = Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
  return { text, sealing };
}

function partsOf(sealed: Buffer) {
  let at = 0;
  const next = (length: number) => {
    at += length;
    return sealed.subarray(at - length, at);
  };
  if (!next(MAGIC.length).equals(MAGIC)) throw new Error("It is no saved session.");
  return { salt: next(SALT), nonce: next(NONCE), tag: next(TAG), body: sealed.subarray(at) };
}
