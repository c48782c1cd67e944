/** Chromium asks neither Node nor the system whom it trusts, but a database in its HOME. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Authority } from "@gpu-power-manager/shared/authorities";
import { Fatal } from "@gpu-power-manager/shared/errors";

/** Each call writes one certificate. */
const CERTUTIL_TIMEOUT_MS = 10_000;

export interface TrustedHome {
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * A home of its own for Chromium, in which these authorities are trusted: a person's own home is never touched.
 * @throws Fatal when certutil is missing or refuses a certificate.
 */
export async function homeThatTrusts(authorities: readonly Authority[]): Promise<TrustedHome> {
  const path = await mkdtemp(join(tmpdir(), "gpu-power-home-"));
  const remove = () => rm(path, { recursive: true, force: true });
  const database = join(path, ".pki/nssdb");
  const certutil = async (...args: string[]) =>
    await promisify(execFile)("certutil", ["-d", `sql:${database}`, ...args], {
      timeout: CERTUTIL_TIMEOUT_MS,
    });
  try {
    await mkdir(database, { recursive: true, mode: 0o700 });
    await certutil("-N", "--empty-password");
    for (const [index, { file, pem }] of authorities.entries()) {
      const certificate = join(path, "authority.pem");
      await writeFile(certificate, pem);
      // "C": it may vouch for servers, and for nothing else.
      await certutil("-A", "-t", "C,,", "-n", `${file}-${index}`, "-i", certificate);
    }
    return { path, remove };
  } catch (error) {
    await remove();
    throw new Fatal(
      "authorities",
      "Chromium cannot be told of the authorities in CA_DIR: install certutil (Debian: libnss3-tools)",
      { cause: error },
    );
  }
}
