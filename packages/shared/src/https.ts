/**
 * The same answers for the other hosts of a cluster: encrypted, and only to who has a certificate of the cluster's
 * authority. Certificates that are renewed are taken without a restart.
 */
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import { ConfigError, describeError } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** How soon a renewed certificate is seen; whoever renews it does so weeks before it is needed. */
const LOOK_MS = 30_000;

export interface HostsOptions {
  /** Holds `cert.pem` and `key.pem` of this host, and `ca.pem`, whose certificates are let in. */
  readonly dir: string;
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Milliseconds between looks for a renewed certificate. */
  readonly lookMs?: number;
}

const certificates = (dir: string) => ({
  cert: readFileSync(join(dir, "cert.pem")),
  key: readFileSync(join(dir, "key.pem")),
  ca: readFileSync(join(dir, "ca.pem")),
});

/** Resolves with the port once it listens. @throws ConfigError when the certificates cannot be used. */
export async function serveHosts(app: RequestListener, options: HostsOptions): Promise<number> {
  const { dir, host, port, logger, signal, lookMs = LOOK_MS } = options;
  let server: Server;
  try {
    server = createServer({ ...certificates(dir), requestCert: true, rejectUnauthorized: true }, app);
  } catch (error) {
    throw new ConfigError("The environment", [
      `HTTP_TLS_DIR holds no certificates that can be used: ${describeError(error)}`,
    ]);
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new Error(`HTTP_TLS_PORT ${port} cannot be used: free it or choose another`, { cause })),
    );
    server.listen(port, host, resolve);
  });
  const watched = join(dir, "cert.pem");
  watchFile(watched, { interval: lookMs, persistent: false }, () => {
    try {
      server.setSecureContext(certificates(dir));
      logger.info({ dir }, "the renewed certificate of this host is taken");
    } catch (error) {
      // Halfway through a copy it does not fit its key yet; then the next change is the whole one.
      logger.warn(
        { dir, cause: describeError(error) },
        "A renewed certificate cannot be used; the old one goes on",
      );
    }
  });
  signal.addEventListener("abort", () => {
    unwatchFile(watched);
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
