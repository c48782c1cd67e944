import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Express } from "express";
import { apiApp } from "./api.ts";
import { autodlApp } from "./autodl/app.ts";
import { type ConsoleState, controlApp, stateOf } from "./control.ts";
import { type Faults, type FaultsPatch, faults as faultsSchema, GOOD_DAY } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import { Ledger } from "./ledger.ts";
import { LoginDesk } from "./login-desk.ts";
import { DEFAULT_MACHINES, type MachineSpecInput } from "./machine-spec.ts";
import { consoleApp } from "./pages.ts";
import { Sessions } from "./sessions.ts";

/** Whose console it looks like, and whose API it speaks. */
export const SKINS = ["compshare", "autodl"] as const;

/** How to start the stand-in. Everything has a default; ports of 0 are free ones. */
export interface ConsoleOptions {
  /** Default `compshare`. */
  readonly skin?: (typeof SKINS)[number];
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  readonly consolePort?: number;
  readonly apiPort?: number;
  readonly controlPort?: number;
  /** Addresses as browsers see them, without a trailing slash; default `http://<host>:<port>`. */
  readonly consoleUrl?: string;
  readonly apiUrl?: string;
  readonly controlUrl?: string;
  /** The knobs it starts with, and returns to on POST /faults/reset; bootMs and stopMs are among them. */
  readonly faults?: FaultsPatch;
  readonly bootMs?: number;
  readonly stopMs?: number;
  readonly machines?: readonly MachineSpecInput[];
  readonly username?: string;
  readonly password?: string;
  /** The key pair of signed requests. */
  readonly publicKey?: string;
  readonly privateKey?: string;
}

export const DEFAULT_USERNAME = "operator";
export const DEFAULT_PASSWORD = "only-for-the-stand-in";

export const DEFAULT_PUBLIC_KEY = "public-key-for-the-stand-in";
export const DEFAULT_PRIVATE_KEY = "private-key-for-the-stand-in";

/** The running stand-in. */
export interface Console extends AsyncDisposable {
  readonly consoleUrl: string;
  readonly apiUrl: string;
  readonly controlUrl: string;
  /** The same as GET /state. */
  state(): ConsoleState;
  /** The same as POST /faults, which also checks that the machines named exist. */
  turn(patch: FaultsPatch): Faults;
  /** Ends all three servers and every request they hold open. */
  close(): Promise<void>;
}

/** Starts the three origins; rejects when a port is taken or an option is no good. */
export async function startConsole(options: ConsoleOptions = {}): Promise<Console> {
  const host = options.host ?? "127.0.0.1";
  const knobs = faultsSchema.parse({
    ...GOOD_DAY,
    ...(options.bootMs === undefined ? {} : { bootMs: options.bootMs }),
    ...(options.stopMs === undefined ? {} : { stopMs: options.stopMs }),
    ...options.faults,
  });
  const fleet = new Fleet(options.machines ?? DEFAULT_MACHINES, knobs);
  const closing = new AbortController();
  const urls = { console: "", api: "" };
  const world = {
    fleet,
    ledger: new Ledger(),
    sessions: new Sessions(),
    desk: new LoginDesk(),
    credentials: {
      username: options.username ?? DEFAULT_USERNAME,
      password: options.password ?? DEFAULT_PASSWORD,
    },
    keys: {
      publicKey: options.publicKey ?? DEFAULT_PUBLIC_KEY,
      privateKey: options.privateKey ?? DEFAULT_PRIVATE_KEY,
    },
    account: { projectId: "org-standin", user: "operator@example.invalid" },
    urls,
    closing: closing.signal,
  };

  const servers: Server[] = [];
  const close = async () => {
    closing.abort();
    await Promise.all(servers.map(closeServer));
  };
  const serve = async (app: Express, port: number, url: string | undefined) => {
    const { server, port: bound } = await listen(app, host, port);
    servers.push(server);
    // 0.0.0.0 is no address to visit.
    const visible = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
    return url ?? `http://${visible}:${bound}`;
  };
  try {
    if (options.skin === "autodl") {
      urls.console = await serve(autodlApp(world), options.consolePort ?? 0, options.consoleUrl);
      urls.api = `${urls.console}/api/v1`;
    } else {
      urls.console = await serve(consoleApp(world), options.consolePort ?? 0, options.consoleUrl);
      urls.api = await serve(apiApp(world), options.apiPort ?? 0, options.apiUrl);
    }
    const controlUrl = await serve(controlApp(world), options.controlPort ?? 0, options.controlUrl);
    return {
      consoleUrl: urls.console,
      apiUrl: urls.api,
      controlUrl,
      state: () => stateOf(world),
      turn: (patch) => {
        fleet.turn(patch);
        return fleet.faults;
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listen(app: Express, host: string, port: number): Promise<{ server: Server; port: number }> {
  const server = createServer(app);
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server listens on no port.");
  return { server, port: address.port };
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  // Browsers keep connections open, and some requests are held on purpose.
  server.closeAllConnections();
  await closed;
}
