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
  readonly depth: number;
}

/** Ready only while registered at the gateway and connected to NATS. */
export function readinessOf({ phase, natsConnected, depth }: ReadinessSource): Readiness {
  const details = { gateway: phase, natsConnected, outboxDepth: depth };
  if (phase !== "registered") return { ready: false, words: PHASES[phase], details };
  if (!natsConnected) {
    const words = `NATS is away; ${depth} events wait here and none is lost. Start NATS or check NATS_URL.`;
    return { ready: false, words, details };
  }
  return { ready: true, words: PHASES.registered, details };
}
