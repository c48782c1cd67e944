import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import express, { type Express } from "express";
import type { Registry } from "prom-client";
import { serveHosts } from "./https.ts";
import type { Logger } from "./logger.ts";

/** At a stop, whoever is being answered gets so long for the rest of it. */
const LAST_ANSWER_MS = 500;

export interface Readiness {
  readonly ready: boolean;
  /** One plain sentence: why it is ready, or what it waits for and what to do. */
  readonly words: string;
  /** The parts behind the verdict, for a person who looks closer. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Where the certificates lie by which other hosts are answered, on a port of its own; undefined where there are none. */
  readonly tlsDir: string | undefined;
  readonly tlsPort: number;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly readiness: () => Readiness;
  readonly signal: AbortSignal;
  /** Adds a service's own routes. */
  readonly routes?: (app: Express) => void;
  /** Answers whoever asks for another protocol (WebSocket); without it such a connection is closed. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/**
 * Serves `/healthz` (the process answers), `/readyz` (503 with words until it can do its work) and
 * `/metrics`. Resolves with the port once it listens; rejects when it cannot.
 */
export async function serveHttp(options: HttpOptions): Promise<number> {
  const app = express();
  app.disable("x-powered-by");
  app.get("/healthz", (_request, response) => {
    response.json({ status: "ok", uptimeSeconds: Math.round(process.uptime()) });
  });
  app.get("/readyz", (_request, response) => {
    const readiness = options.readiness();
    response.status(readiness.ready ? 200 : 503).json(readiness);
  });
  app.get("/metrics", async (_request, response) => {
    response.type(options.registry.contentType).send(await options.registry.metrics());
  });
  options.routes?.(app);
  const server = await new Promise<Server>((resolve, reject) => {
    const listening = app.listen(options.port, options.host, (error) => {
      if (error)
        reject(
          new Error(`HTTP_PORT ${options.port} cannot be used: free it or choose another`, { cause: error }),
        );
      else resolve(listening);
    });
  });
  if (options.upgrade !== undefined) server.on("upgrade", options.upgrade);
  options.signal.addEventListener("abort", () => {
    server.close();
    setTimeout(() => server.closeAllConnections(), LAST_ANSWER_MS).unref();
  });
  const { tlsDir: dir, tlsPort, host, logger, signal } = options;
  if (dir !== undefined) await serveHosts(app, { dir, host, port: tlsPort, logger, signal });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : options.port;
}
