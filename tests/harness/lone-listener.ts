/** The listener alone between a gateway that can be made to misbehave and a NATS that comes and goes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { GatewayEvent, type Report, reportSubject, STREAMS } from "@gpu-power-manager/shared/events";
import { connect } from "nats";
import { type Gateway, startGateway } from "../../sim/dsp/src/gateway.ts";
import { freePort } from "./process.ts";
import { type Server, startNats, startRedis } from "./servers.ts";
import { Service } from "./service.ts";

export interface LoneListener {
  readonly nats: Server;
  /** The gateway's. */
  readonly redis: Server;
  readonly dsp: Gateway;
  readonly listener: Service;
  readonly stateDir: string;
  /** One more beside it, with the same STATE_DIR. @param wrap a command that starts it, such as a shell with limits. */
  another(env?: Readonly<Record<string, string>>, wrap?: readonly string[]): Promise<Service>;
  /** Everything that lies in the stream of jobs. */
  stored(): Promise<GatewayEvent[]>;
  report(...reports: Report[]): Promise<void>;
}

/** Nothing of the listener is started yet; everything ends with the test. */
export async function loneListener(
  t: TestContext,
  env: Readonly<Record<string, string>> = {},
): Promise<LoneListener> {
  const [nats, redis] = await Promise.all([startNats(), startRedis()]);
  const dsp = await startGateway({ redisUrl: redis.url });
  const stateDir = await mkdtemp(join(tmpdir(), "gpm-listener-"));
  const services: Service[] = [];
  const another: LoneListener["another"] = async (more = {}, wrap = []) => {
    const all = { DSP_URL: dsp.url, NATS_URL: nats.url, STATE_DIR: stateDir, ...env, ...more };
    const service = new Service("listener", await freePort(), all, undefined, wrap);
    services.push(service);
    return service;
  };
  const listener = await another();
  t.after(async () => {
    await Promise.all(services.map((service) => service.stop()));
    await dsp.stop();
    await Promise.all([nats.stop(), redis.stop()]);
    await rm(stateDir, { recursive: true, force: true });
  });
  return {
    nats,
    redis,
    dsp,
    listener,
    stateDir,
    another,
    stored: async () => {
      const connection = await connect({ servers: nats.url });
      try {
        const manager = await connection.jetstreamManager();
        const { first_seq, last_seq } = (await manager.streams.info(STREAMS.jobs)).state;
        const events: GatewayEvent[] = [];
        for (let seq = first_seq; seq <= last_seq; seq += 1) {
          events.push(GatewayEvent.parse((await manager.streams.getMessage(STREAMS.jobs, { seq })).json()));
        }
        return events;
      } finally {
        await connection.close();
      }
    },
    report: async (...reports) => {
      const connection = await connect({ servers: nats.url });
      for (const each of reports)
        await connection.jetstream().publish(reportSubject(each), JSON.stringify(each));
      await connection.close();
    },
  };
}
