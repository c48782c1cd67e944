/** Who saves and restores streams on NATS. */
import { encryption } from "@gpu-power-manager/shared/bus";
import { secret } from "@gpu-power-manager/shared/env";
import { connect, NatsError } from "nats";
import { z } from "zod";
import type { Connected } from "./snapshot.ts";

/** Whoever calls waits at a terminal: a server that does not answer is said soon. */
const CONNECT_MS = 10_000;

export const SetupEnv = z.object({
  NATS_URL: z.string().meta({ description: "NATS server" }),
  NATS_USER: z.string().default("setup").meta({ description: "the user who may change streams" }),
  NATS_PASSWORD: z.string().meta({ description: "NATS password", ...secret }),
});

/** @throws with what to do when the server does not know the user. */
export async function connectAsSetup(config: z.output<typeof SetupEnv>): Promise<Connected> {
  const inboxPrefix = `_INBOX.${config.NATS_USER}`;
  try {
    const connection = await connect({
      servers: config.NATS_URL.split(","),
      user: config.NATS_USER,
      pass: config.NATS_PASSWORD,
      inboxPrefix,
      ...encryption(config),
      timeout: CONNECT_MS,
      maxReconnectAttempts: 0,
      name: "streams",
    });
    return { connection, inboxPrefix };
  } catch (error) {
    if (error instanceof NatsError && error.code === "AUTHORIZATION_VIOLATION") {
      throw new Error(
        `The NATS that runs does not know the user ${config.NATS_USER}: it is older than these files. ` +
          "Upgrade it first: make upgrade NO_BACKUP=1",
        { cause: error },
      );
    }
    throw error;
  }
}
