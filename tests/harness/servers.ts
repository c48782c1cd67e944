import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { natsProgram, openConfiguration } from "./nats-server.ts";
import { freePort, Process, until } from "./process.ts";

/** A real server on loopback with a data folder of its own, which survives `restart` and `kill`. */
export interface Server {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Ends the process at once (`kill -9`); its data stay. */
  kill(): Promise<void>;
  /** Ends the process cleanly; its data stay. */
  halt(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  resume(): Promise<void>;
  /** Ends the process and removes its data. */
  stop(): Promise<void>;
}

async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connectTcp({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

interface Command {
  readonly command: string;
  readonly args: string[];
  readonly env?: Readonly<Record<string, string>>;
}

export async function serve(
  name: string,
  scheme: string,
  spec: (port: number, dir: string) => Promise<Command>,
  fixedPort?: number,
): Promise<Server> {
  const port = fixedPort ?? (await freePort());
  const dir = await mkdtemp(join(tmpdir(), `gpm-${name}-`));
  const launch = async () => {
    const started = new Process(name, await spec(port, dir));
    await until(`${name} accepts connections on port ${port}`, async () => {
      if (!started.running) throw new Error(`${name} ended: ${started.tail()}`);
      return await accepts(port);
    });
    return started;
  };
  let current = await launch();
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    get pid() {
      return current.pid;
    },
    kill: () => current.kill(),
    halt: async () => {
      await current.stop();
    },
    resume: async () => {
      current = await launch();
    },
    stop: async () => {
      await current.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A real nats-server with the shipped configuration, but without users; `change` makes another one of it. */
export async function startNats(
  port?: number,
  change: (configuration: string) => string = (same) => same,
): Promise<Server & { readonly monitorUrl: string }> {
  const { command } = await natsProgram();
  const monitorPort = await freePort();
  const server = await serve(
    "nats-server",
    "nats",
    async (listen, dir) => {
      const config = join(dir, "nats.conf");
      await writeFile(config, change(await openConfiguration({ port: listen, monitorPort, dir })));
      return { command, args: ["--config", config], env: { NATS_NAME: "nats" } };
    },
    port,
  );
  return Object.assign(server, { monitorUrl: `http://127.0.0.1:${monitorPort}` });
}

/** A real Redis that keeps its data in an append-only file, so that a restart does not empty it. */
export async function startRedis(port?: number): Promise<Server> {
  return await serve(
    "redis",
    "redis",
    async (listen, dir) => ({
      command: "redis-server",
      args: [
        "--bind",
        "127.0.0.1",
        "--port",
        String(listen),
        "--dir",
        dir,
        "--save",
        "",
        "--appendonly",
        "yes",
      ],
    }),
    port,
  );
}

/** A real Redis that speaks TLS alone, with a certificate for 127.0.0.1 that it has signed itself. */
export async function startTlsRedis(): Promise<Server & { readonly certificate: string }> {
  let certificate = "";
  const server = await serve("redis-tls", "rediss", async (listen, dir) => {
    certificate = join(dir, "certificate.pem");
    const key = join(dir, "key.pem");
    const name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    const files = ["-keyout", key, "-out", certificate];
    await promisify(execFile)("openssl", [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      ...name,
      ...files,
    ]);
    const tls = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"];
    const where = ["--bind", "127.0.0.1", "--port", "0", "--tls-port", String(listen), "--dir", dir];
    return { command: "redis-server", args: [...where, "--save", "", ...tls] };
  });
  return { ...server, certificate };
}
