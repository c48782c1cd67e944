/**
 * Publishes to JetStream with many in flight: one subscription hears every acknowledgement. The client's own
 * `js.publish` makes promises, a timer and errors with their stacks for each message, which took half of the time of
 * a burst (docs/performance.md). Nothing is repeated and no time is kept here: that is the relay's.
 */
import type { Bus } from "@gpu-power-manager/shared/bus";
import { ErrorCode, headers, type Msg, NatsError, type Subscription } from "nats";
import { z } from "zod";

/** What JetStream answers to a publish. */
const Answer = z.union([
  z.object({ error: z.object({ code: z.number(), description: z.string() }) }),
  z.object({ stream: z.string().min(1), duplicate: z.boolean().default(false) }),
]);

const NO_RESPONDERS = 503;

export interface PublisherEvents {
  /** NATS has stored the message of this number; or it had one of this id already. */
  readonly onStored: (number: number, duplicate: boolean) => void;
  readonly onRefused: (number: number, error: Error) => void;
}

export class Publisher {
  private readonly bus: Bus;
  private readonly events: PublisherEvents;
  private readonly inbox: string;
  private readonly answers: Subscription;

  constructor(bus: Bus, events: PublisherEvents) {
    this.bus = bus;
    this.events = events;
    this.inbox = bus.inbox();
    this.answers = bus.connection.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => {
        if (error !== null) return;
        try {
          this.hear(message);
        } catch (fault) {
          // The client would take it for a broken connection and go on without us; a fault of ours ends the process.
          setImmediate(() => {
            throw fault;
          });
        }
      },
    });
  }

  /**
   * Sends one message; what becomes of it is told under its number, which has to be new.
   * @throws where it cannot even be sent: the connection is closed, or it is larger than the server takes.
   */
  publish(number: number, subject: string, body: string, messageId: string): void {
    const head = headers();
    head.set("Nats-Msg-Id", messageId);
    // Not the text itself: the client's encoder takes memory outside the heap for each, a small Buffer shares a slab.
    this.bus.connection.publish(subject, Buffer.from(body), {
      reply: `${this.inbox}.${number}`,
      headers: head,
    });
  }

  close(): void {
    this.answers.unsubscribe();
  }

  private hear(message: Msg): void {
    const number = Number(message.subject.slice(this.inbox.length + 1));
    if (message.headers?.code === NO_RESPONDERS) {
      const error = new NatsError("No stream takes the event", ErrorCode.NoResponders);
      this.events.onRefused(number, error);
      return;
    }
    const answer = readAnswer(message);
    if (answer === undefined) this.events.onRefused(number, new Error("JetStream's answer cannot be read"));
    else if ("error" in answer) this.events.onRefused(number, new Error(answer.error.description));
    else this.events.onStored(number, answer.duplicate);
  }
}

function readAnswer(message: Msg): z.output<typeof Answer> | undefined {
  try {
    return Answer.safeParse(message.json()).data;
  } catch {
    return undefined;
  }
}
