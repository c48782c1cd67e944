import type { Readiness } from "@gpu-power-manager/shared/http";
import type { Session } from "./gateway/session.ts";

const PHASES: Record<Session["phase"], string> = {
  waiting: "The gateway cannot be reached; trying again. Check DSP_URL and that the gateway runs.",
  connecting: "Connecting to the gateway.",
  registering: "Connected; the gateway has not confirmed the registration as gpu_monitor yet.",
  registered: "Registered as gpu_monitor; notices reach NATS.",
};

export interface ReadinessSource {
  readonly phase: Session["phase"];
  readonly natsConnected: boolean;
  /** Why NATS takes no events although it is connected; undefined while it takes them. */
  readonly natsTrouble: string | undefined;
  /** Events that wait for NATS. */
  readonly depth: number;
}

/** Ready only while registered at the gateway, connected to NATS, and NATS stores what it is given. */
export function readinessOf({ phase, natsConnected, natsTrouble, depth }: ReadinessSource): Readiness {
  const details = { gateway: phase, natsConnected, natsTrouble: natsTrouble ?? null, outboxDepth: depth };
  if (phase !== "registered") return { ready: false, words: PHASES[phase], details };
  if (!natsConnected) {
    const words = `NATS is away; ${depth} events wait here and none is lost. Start NATS or check NATS_URL.`;
    return { ready: false, words, details };
  }
  if (natsTrouble !== undefined) {
    const words = `NATS does not store events (${natsTrouble}); ${depth} wait here and none is lost. Check its disk and its streams.`;
    return { ready: false, words, details };
  }
  return { ready: true, words: PHASES.registered, details };
}
