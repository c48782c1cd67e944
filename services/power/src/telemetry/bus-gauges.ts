/** What JetStream knows of our events and its room, asked at each scrape. */
import type { Bus } from "@gpu-power-manager/shared/bus";
import { STREAMS } from "@gpu-power-manager/shared/events";
import { Gauge, type Registry } from "prom-client";
import { consumerOf } from "../demand/intake.ts";

/** A scrape must not wait for a server that does not answer; what it would have said is then absent. */
const PATIENCE_MS = 1_000;
/** Gauges of one scrape share one answer. */
const SAME_SCRAPE_MS = 250;

interface Answer {
  readonly consumer: { readonly waiting: number; readonly redelivered: number } | undefined;
  readonly streams: ReadonlyArray<{ readonly name: string; readonly bytes: number; readonly limit: number }>;
}
const NOTHING: Answer = { consumer: undefined, streams: [] };

async function ask({ manager }: Bus, pool: string): Promise<Answer> {
  const [consumer, ...streams] = await Promise.all([
    manager.consumers.info(STREAMS.jobs, consumerOf(pool)).catch(() => undefined),
    ...Object.values(STREAMS).map((name) => manager.streams.info(name)),
  ]);
  return {
    consumer:
      consumer === undefined
        ? undefined
        : {
            waiting: consumer.num_pending + consumer.num_ack_pending,
            redelivered: consumer.num_redelivered,
          },
    streams: streams.map(({ config, state }) => ({
      name: config.name,
      bytes: state.bytes,
      limit: config.max_bytes,
    })),
  };
}

/** Adds the gauges, for which `bus` is asked at each scrape; each is absent while NATS does not say. */
export function deriveFromBus(registry: Registry, bus: () => Bus, pool: string): void {
  const registers = [registry];
  let last: { readonly at: number; readonly answer: Promise<Answer> } | undefined;
  const answer = async (): Promise<Answer> => {
    const at = performance.now();
    if (last === undefined || at - last.at > SAME_SCRAPE_MS) {
      const late = new Promise<Answer>((resolve) => setTimeout(resolve, PATIENCE_MS, NOTHING).unref());
      const asked = bus().connected() ? ask(bus(), pool).catch(() => NOTHING) : Promise.resolve(NOTHING);
      last = { at, answer: Promise.race([asked, late]) };
    }
    return await last.answer;
  };
  const ofConsumer = (name: string, help: string, value: (of: NonNullable<Answer["consumer"]>) => number) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.remove();
        const { consumer } = await answer();
        if (consumer !== undefined) this.set(value(consumer));
      },
    });
  ofConsumer(
    "gpu_power_consumer_pending",
    "Events that NATS holds for power and that are not folded into demand yet; absent while NATS does not answer.",
    ({ waiting }) => waiting,
  );
  ofConsumer(
    "gpu_power_consumer_redelivered",
    "Events among those that NATS has had to give out more than once; absent while NATS does not answer.",
    ({ redelivered }) => redelivered,
  );
  const ofStreams = (name: string, help: string, value: (of: Answer["streams"][number]) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ["stream"],
      registers,
      async collect() {
        this.reset();
        for (const stream of (await answer()).streams) this.set({ stream: stream.name }, value(stream));
      },
    });
  ofStreams(
    "gpu_power_stream_bytes",
    "Bytes that a JetStream stream holds; absent while NATS does not answer.",
    ({ bytes }) => bytes,
  );
  ofStreams(
    "gpu_power_stream_limit_bytes",
    "Bytes that a JetStream stream may hold. GPU_JOBS refuses more when it is full, so that no job is lost unseen; the others drop their oldest. Absent while NATS does not answer.",
    ({ limit }) => limit,
  );
}
