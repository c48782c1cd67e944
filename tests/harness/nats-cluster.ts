/** Three real nats-servers as one cluster on loopback, with the configuration that the project ships. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BUCKETS, STREAMS, streamOfBucket } from "@gpu-power-manager/shared/events";
import { type ClusterInfo, connect, type NatsConnection } from "nats";
import { natsProgram, shippedConfiguration } from "./nats-server.ts";
import { freePort, until } from "./process.ts";
import { type Server, serve } from "./servers.ts";
import { setUpNats } from "./set-up-nats.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const PASSWORD = "only-on-loopback";
/** A bound: a server that comes back fetches what it missed. */
const SETTLE_MS = 60_000;
const run = promisify(execFile);

export interface NatsNode extends Server {
  readonly name: string;
}

export interface NatsCluster {
  readonly nodes: readonly NatsNode[];
  /** The addresses of all, beginning with that of a node. */
  urls(first: number): string;
  /** What a service needs to log in. */
  loginOf(user: "listener" | "power" | "setup"): Readonly<Record<string, string>>;
  /** Makes streams and buckets with so many copies, or gives them so many. */
  setUp(replicas: number): Promise<void>;
  /** A connection with power's rights. */
  connection(): Promise<NatsConnection>;
  /** The node that leads a stream, once all that power uses has a leader and every copy is current. */
  leaderOf(stream: string): Promise<NatsNode>;
  stop(): Promise<void>;
}

/** A leader and two copies that have caught up. */
const isWhole = (state: ClusterInfo | undefined) =>
  state?.leader !== undefined && state.replicas?.filter(({ current }) => current).length === 2;

/** @param tls where the hosts' certificates lie, as for hosts apart; without it nothing is encrypted. */
export async function startNatsCluster(tls?: string): Promise<NatsCluster> {
  const ports = await Promise.all(["nats-1", "nats-2", "nats-3"].map(() => freePort()));
  const clusterPorts = await Promise.all(ports.map(() => freePort()));
  const { command } = await natsProgram();
  const routes = clusterPorts.map((port) => `127.0.0.1:${port}`).join(" ");
  const { stdout: cluster } = await run(join(ROOT, "scripts/stack/nats-cluster.sh"), [
    routes,
    PASSWORD,
    ...(tls === undefined ? [] : [tls]),
  ]);

  const nodes = await Promise.all(
    ports.map(async (port, index): Promise<NatsNode> => {
      const name = `nats-${index + 1}`;
      const monitorPort = await freePort();
      const server = await serve(
        name,
        tls === undefined ? "nats" : "tls",
        async (listen, dir) => {
          const secrets = { LISTENER_PASSWORD: PASSWORD, POWER_PASSWORD: PASSWORD };
          const passwords = Object.entries(secrets).map(([key, value]) => `${key}: "${value}"\n`);
          await writeFile(join(dir, "nats-passwords.conf"), passwords.join(""));
          await writeFile(join(dir, "nats-setup.conf"), `SETUP_PASSWORD: "${PASSWORD}"\n`);
          const own = cluster.replace("0.0.0.0:6222", `127.0.0.1:${clusterPorts[index]}`);
          await writeFile(join(dir, "nats-cluster.conf"), own);
          const config = await shippedConfiguration({ port: listen, monitorPort, dir });
          await writeFile(join(dir, "nats.conf"), config);
          const args = ["--config", join(dir, "nats.conf")];
          return { command, args, env: { NATS_NAME: name } };
        },
        port,
      );
      return Object.assign(server, { name });
    }),
  );
  const urls = (first: number) =>
    nodes.map((_, index) => nodes[(first + index) % nodes.length]?.url ?? "").join(",");
  const login = (user: string) => ({ user, pass: PASSWORD, inboxPrefix: `_INBOX.${user}` });
  const connection = async () => await connect({ servers: urls(0).split(","), ...login("power") });
  const setUp = async (replicas: number) => await setUpNats(urls(0), PASSWORD, replicas);
  return {
    nodes,
    urls,
    loginOf: (user) => ({ NATS_USER: user, NATS_PASSWORD: PASSWORD, NATS_REPLICAS: "3" }),
    setUp,
    connection,
    leaderOf: async (stream) => {
      const asking = await connection();
      try {
        const manager = await until("JetStream answers", () => asking.jetstreamManager());
        return await until(
          `${stream} has a leader, and every copy is current`,
          async () => {
            const { cluster: consumer } = await manager.consumers.info(STREAMS.jobs, "power-default");
            if (!isWhole(consumer)) return undefined;
            let leader: string | undefined;
            for (const name of [...Object.values(STREAMS), streamOfBucket(BUCKETS.power)]) {
              const { cluster: state } = await manager.streams.info(name);
              if (!isWhole(state)) return undefined;
              if (name === stream) leader = state?.leader;
            }
            return nodes.find(({ name }) => name === leader);
          },
          SETTLE_MS,
        );
      } finally {
        await asking.close();
      }
    },
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}
