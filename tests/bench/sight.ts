/** Sees what passes through NATS from outside, as nobody who is measured: so both are measured alike. */
import type { Msg, NatsConnection } from "nats";

/** Past this something hangs, and the bench says what. */
const PATIENCE_MS = 15_000;

export interface Sight {
  /** Resolves with the moment (`performance.now`) at which the next matching message passes. */
  next(): Promise<number>;
}

/** Watches a subject; resolves when the server knows of it. */
export async function watch(
  connection: NatsConnection,
  subject: string,
  matches: (message: Msg) => boolean = () => true,
): Promise<Sight> {
  let seen: ((at: number) => void) | undefined;
  connection.subscribe(subject, {
    callback: (error, message) => {
      const at = performance.now();
      if (error !== null || seen === undefined || !matches(message)) return;
      seen(at);
      seen = undefined;
    },
  });
  await connection.flush();
  return {
    next: async () =>
      await new Promise<number>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`nothing passed on ${subject}`)), PATIENCE_MS);
        seen = (at) => {
          clearTimeout(timer);
          resolve(at);
        };
      }),
  };
}
