/** Signatures of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over id, time and body. Pure. */
import { createHmac } from "node:crypto";

/** Of the specification: shorter ones are guessed, longer ones are a mistake. */
const LEAST_BYTES = 24;
const MOST_BYTES = 64;
const PREFIX = "whsec_";

/**
 * The secrets of a file: one, or while it is changed several, separated by white space.
 * @throws Error that says what is wrong, and nothing of the secret.
 */
export function readSecrets(text: string): Buffer[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) throw new Error("it is empty");
  return words.map((word) => {
    const key = Buffer.from(word.slice(PREFIX.length), "base64");
    if (!word.startsWith(PREFIX) || key.length < LEAST_BYTES || key.length > MOST_BYTES)
      throw new Error(
        `it must hold ${PREFIX} and then ${LEAST_BYTES} to ${MOST_BYTES} bytes in Base64; \`echo ${PREFIX}$(openssl rand -base64 32)\` makes one`,
      );
    return key;
  });
}

/** The header `webhook-signature`, a signature by each secret. @param seconds since 1970. */
export function signatureOf(secrets: readonly Buffer[], id: string, seconds: number, body: string): string {
  return secrets
    .map((secret) => `v1,${createHmac("sha256", secret).update(`${id}.${seconds}.${body}`).digest("base64")}`)
    .join(" ");
}
