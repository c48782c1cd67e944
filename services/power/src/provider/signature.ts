/** How a provider's API wants its requests signed. Pure; a scheme is named by what it does, not by whose it is. */
import { createHash } from "node:crypto";

export const SCHEMES = ["sorted-sha1"] as const;
export type Scheme = (typeof SCHEMES)[number];

/** Form fields as they are sent. */
export type Fields = Readonly<Record<string, string>>;

export interface Keys {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** Which fields a signed request carries beside its own. */
export interface Signing {
  readonly scheme: Scheme;
  readonly keyField: string;
  readonly signatureField: string;
}

const SIGNATURES: Readonly<Record<Scheme, (fields: Fields, privateKey: string) => string>> = {
  "sorted-sha1": sortedSha1,
};

/** Names and values sorted by name and joined without separators, then the private key; SHA-1 of that in hex. */
export function sortedSha1(fields: Fields, privateKey: string): string {
  // By code units, as the provider sorts; a locale would have an order of its own.
  const text = Object.keys(fields)
    .sort()
    .map((name) => `${name}${fields[name]}`)
    .join("");
  return createHash("sha1").update(`${text}${privateKey}`, "utf8").digest("hex");
}

/** The request with the public key and its signature. */
export function sign(
  fields: Fields,
  { scheme, keyField, signatureField }: Signing,
  { publicKey, privateKey }: Keys,
): Fields {
  const named = { ...fields, [keyField]: publicKey };
  return { ...named, [signatureField]: SIGNATURES[scheme](named, privateKey) };
}
