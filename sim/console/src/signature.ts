import { createHash } from "node:crypto";
import type { Fields } from "./answer.ts";

/**
 * The signature of a request, as the provider's own SDK makes it: names and values of all fields but the signature
 * itself, sorted by name and joined without separators, then the private key; SHA-1 of that in hex.
 */
export function signatureOf({ Signature: _, ...fields }: Fields, privateKey: string): string {
  const names = Object.keys(fields).sort();
  const text = names.map((name) => `${name}${fields[name]}`).join("");
  return createHash("sha1").update(`${text}${privateKey}`, "utf8").digest("hex");
}
