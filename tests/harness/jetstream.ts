/** A look at what passes through NATS, for tests. */

import { GatewayEvent } from "@gpu-power-manager/shared/events";
import { GapEntry } from "@gpu-power-manager/shared/history-entries";
import { connect, type NatsConnection } from "nats";

export interface Spy {
  readonly connection: NatsConnection;
  /** Everything that is published from now on, with its message id; duplicates that JetStream drops included. */
  follow(subject: string): ReadonlyArray<{ readonly id: string; readonly event: GatewayEvent }>;
  close(): Promise<void>;
}

export async function jetstreamOf(url: string): Promise<Spy> {
  const connection = await connect({ servers: url });
  return {
    connection,
    follow: (subject) => {
      const seen: Array<{ id: string; event: GatewayEvent }> = [];
      connection.subscribe(subject, {
        callback: (error, message) => {
          if (error) return;
          seen.push({
            id: message.headers?.get("Nats-Msg-Id") ?? "",
            event: GatewayEvent.parse(message.json()),
          });
        },
      });
      return seen;
    },
    close: () => connection.close(),
  };
}

/** The gaps that history holds. */
export async function storedGaps({ connection }: Spy, pool = "default"): Promise<GapEntry[]> {
  const js = connection.jetstream();
  const consumer = await js.consumers.get("GPU_HISTORY", { filterSubjects: `gpu.history.${pool}.path` });
  const { num_pending: count } = await consumer.info();
  if (count === 0) return [];
  const gaps: GapEntry[] = [];
  for await (const message of await consumer.fetch({ max_messages: count, expires: 2_000 })) {
    gaps.push(GapEntry.parse(message.json()));
  }
  return gaps;
}
