/** What most scenarios stand on: a folder, a nats-server, the least of a gateway, and a connection that looks on. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { STREAMS } from "@gpu-power-manager/shared/events";
import {
  connect,
  type JetStreamManager,
  type NatsConnection,
  nanos,
  RetentionPolicy,
  StorageType,
} from "nats";
import { freePort, until } from "../harness/process.ts";
import { startNats } from "../harness/servers.ts";
import { type Child, type ChildOptions, startChild } from "./child.ts";
import { type BareGateway, type Monitor, startBareGateway } from "./gateway.ts";

/** What the floor publishes to, configured like the stream of jobs. */
export const FLOOR = { stream: "FLOOR", subject: "floor.jobs" } as const;
/** Everything that a process does once is done by then. */
const SETTLE_MS = 1_500;

/** A process that has registered at the gateway: notices go to it alone, so two can be measured in turns. */
export interface Hearing extends Child {
  readonly monitor: Monitor;
}

export interface Bench {
  readonly dir: string;
  readonly natsUrl: string;
  readonly gateway: BareGateway;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  /** The bare client beside which the listener is measured. */
  startFloor(): Promise<Hearing>;
  startListener(options?: Pick<ChildOptions, "memoryMib" | "env">): Promise<Hearing>;
  /** Starts something that belongs to this bench and ends with it. */
  start(options: Omit<ChildOptions, "dir">): Child;
}

/** Frames as a gateway sends them for a link that somebody wants transcribed; each of another license. */
export const noticeOf = (index: number) => `{"type":"url","key":"license-${index}"}`;

/** Runs `work` on a bench of its own, and ends everything whatever comes of it. */
export async function onBench<T>(
  work: (bench: Bench) => Promise<T>,
  change?: (configuration: string) => string,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "gpm-bench-"));
  const nats = await startNats(undefined, change);
  const gateway = await startBareGateway();
  const connection = await connect({ servers: nats.url });
  const children = new Set<Child>();
  const start = (options: Omit<ChildOptions, "dir">) => {
    const child = startChild({ ...options, dir });
    children.add(child);
    return child;
  };
  const hearing = async (options: Omit<ChildOptions, "dir">): Promise<Hearing> => {
    const before = gateway.monitors;
    const child = start(options);
    const monitor = await until("the monitor is registered", () =>
      gateway.monitors.find((each) => !before.includes(each)),
    );
    await pause(SETTLE_MS);
    return Object.assign(child, { monitor });
  };
  try {
    const manager = await connection.jetstreamManager();
    await manager.streams.add({
      name: FLOOR.stream,
      subjects: ["floor.>"],
      storage: StorageType.File,
      retention: RetentionPolicy.Workqueue,
      duplicate_window: nanos(30 * 60_000),
    });
    return await work({
      dir,
      natsUrl: nats.url,
      gateway,
      connection,
      manager,
      start,
      startFloor: async () =>
        await hearing({
          file: "tests/bench/floor/publish.ts",
          args: [gateway.url, nats.url, FLOOR.subject],
        }),
      startListener: async ({ env: more, ...options } = {}) => {
        const env = {
          ...more,
          DSP_URL: gateway.url,
          NATS_URL: nats.url,
          STATE_DIR: join(dir, "listener"),
          HTTP_PORT: String(await freePort()),
        };
        const child = await hearing({ file: "services/start.sh", args: ["listener"], env, ...options });
        await until("the stream of jobs is there", () => manager.streams.info(STREAMS.jobs));
        return child;
      },
    });
  } finally {
    await Promise.all([...children].map((child) => child.stop()));
    await connection.close();
    await gateway.stop();
    await nats.stop();
    await rm(dir, { recursive: true, force: true });
  }
}
