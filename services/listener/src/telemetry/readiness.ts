import type { Readiness } from "@gpu-power-manager/shared/http";
import { NATS_WORDS, type NatsState } from "@gpu-power-manager/shared/nats-health";
import { type BacklogView, stateOfBacklog, wordsOfBacklog } from "../backlog/view.ts";
import type { Session } from "../gateway/session.ts";

const PHASES: Record<Session["phase"], string> = {
  waiting: "The gateway cannot be reached; trying again. Check DSP_URL and that the gateway runs.",
  connecting: "Connecting to the gateway.",
  registering: "Connected; the gateway has not confirmed the registration as gpu_monitor yet.",
  registered: "Registered as gpu_monitor; notices reach NATS.",
};

export interface ReadinessSource {
  readonly phase: Session["phase"];
  /** Why the gateway could not be reached when that last failed. */
  readonly gatewayTrouble: string | undefined;
  readonly nats: NatsState;
  /** Its streams and state are there. */
  readonly busOpen: boolean;
  /** Why NATS takes no events although it is connected; undefined while it takes them. */
  readonly natsTrouble: string | undefined;
  /** Events that wait for NATS, and those of them that have waited for a while and are not on disk. */
  readonly depth: number;
  readonly unspooled: number;
  /** The last probe of the path was not heard. */
  readonly pathInDoubt: boolean;
  /** Unset where DSP_REDIS_URL is. */
  readonly backlog: BacklogView | undefined;
}

/**
 * Ready only while registered at the gateway with a path that is not in doubt, connected to NATS, and NATS stores
 * what it is given. A backlog that cannot be read is told, but notices come all the same.
 */
export function readinessOf(source: ReadinessSource): Readiness {
  const { phase, gatewayTrouble, nats, busOpen, natsTrouble, depth, unspooled, pathInDoubt, backlog } =
    source;
  const details = {
    gateway: phase,
    gatewayTrouble: gatewayTrouble ?? null,
    pathInDoubt,
    backlog: stateOfBacklog(backlog),
    backlogTrouble: backlog?.trouble ?? null,
    backlogIntervalSeconds: backlog === undefined ? null : backlog.intervalMs / 1_000,
    nats,
    natsTrouble: natsTrouble ?? null,
    outboxDepth: depth,
    unspooled,
  };
  const waiting =
    unspooled === 0
      ? `${depth} events wait here and none is lost.`
      : `${depth} events wait here, and ${unspooled} of them only in memory, because STATE_DIR is not set or cannot be written: a stop would lose them.`;
  if (phase !== "registered") return { ready: false, words: PHASES[phase], details };
  if (pathInDoubt) {
    const words =
      "Registered, but a probe of the notification path was not heard; registering anew if the next is not. Check that the gateway passes gpu.status.query on.";
    return { ready: false, words, details };
  }
  if (nats !== "connected") {
    const { what, remedy } = NATS_WORDS[nats];
    return { ready: false, words: `${what}; ${waiting} ${remedy}`, details };
  }
  if (!busOpen) {
    const words = `Connected to NATS; its streams and state are being opened. ${waiting}`;
    return { ready: false, words, details };
  }
  if (!busOpen) {
    return { ready: false, words: "Connected to NATS; its streams and state are being opened.", details };
  }
  if (natsTrouble !== undefined) {
    const words = `NATS does not store events (${natsTrouble}); ${waiting} Check its disk and its streams.`;
    return { ready: false, words, details };
  }
  return { ready: true, words: `${PHASES.registered}${wordsOfBacklog(backlog)}`, details };
}
