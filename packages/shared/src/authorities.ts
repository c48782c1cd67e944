/** Authorities of one's own, trusted beside the known ones: for a gateway, Redis, NATS or console with a private CA. */
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { z } from "zod";
import { describeError } from "./errors.ts";

export interface Authority {
  /** Of the file that holds it, without its folder. */
  readonly file: string;
  /** The certificate in PEM. */
  readonly pem: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads each certificate of a folder's `*.pem`; what is wrong goes into `problems`. */
function readAuthorities(dir: string, problems: string[]): Authority[] {
  let files: string[];
  try {
    files = readdirSync(dir)
      .filter((name) => name.endsWith(".pem"))
      .sort();
  } catch (error) {
    problems.push(`names a folder that cannot be read: ${describeError(error)}`);
    return [];
  }
  return files.flatMap((file) => {
    try {
      const text = readFileSync(join(dir, file), "utf8");
      if (text.includes("PRIVATE KEY"))
        throw new Error("it holds a private key; only certificates belong here");
      const found = text.match(CERTIFICATE) ?? [];
      if (found.length === 0) throw new Error("it holds no certificate in PEM");
      return found.map((pem) => ({ file, pem, expiresAt: Date.parse(new X509Certificate(pem).validTo) }));
    } catch (error) {
      problems.push(`holds ${file}, which cannot be used: ${describeError(error)}`);
      return [];
    }
  });
}

/** The variable for both services' schemas; its value is what lies in that folder. */
export const authoritiesEnv = {
  CA_DIR: z
    .string()
    .optional()
    .transform((dir, context): readonly Authority[] => {
      const problems: string[] = [];
      const authorities = dir === undefined ? [] : readAuthorities(dir, problems);
      for (const problem of problems) context.addIssue(problem);
      return problems.length > 0 ? z.NEVER : authorities;
    })
    .meta({
      description:
        "folder whose *.pem are trusted beside the known authorities: for a gateway, Redis, NATS or console with a private CA; read at the start",
    }),
};

/** From now on every TLS connection of this process trusts them too; those that are open are not touched. */
export function trustAuthorities(authorities: readonly Authority[]): void {
  if (authorities.length === 0) return;
  setDefaultCACertificates([...getCACertificates("default"), ...authorities.map(({ pem }) => pem)]);
}
