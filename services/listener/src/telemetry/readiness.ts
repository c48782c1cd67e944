import type { Readiness } from "@gpu-power-manager/shared/http";
import { NATS_WORDS, type NatsState } from "@gpu-power-manager/shared/nats-health";
import { type BacklogView, stateOfBacklog, wordsOfBacklog } from "../backlog/view.ts";
import type { Link } from "../gateway/link.ts";
import type { Session } from "../gateway/session.ts";
import type { Delivery } from "../outbox/delivery.ts";
import type { Registration } from "../path/registration.ts";

const PHASES: Record<Session["phase"], string> = {
  waiting: "The gateway cannot be reached; trying again. Check DSP_URL and that the gateway runs.",
  connecting: "Connecting to the gateway.",
  registering: "Connected; the gateway has not confirmed the registration as gpu_monitor yet.",
  registered: "Registered as gpu_monitor; notices reach NATS.",
};

export interface ReadinessSource {
  readonly path: {
    readonly link: Pick<Link, "phase" | "trouble">;
    readonly registration: Pick<Registration, "inDoubt">;
  };
  readonly delivery: Pick<Delivery, "depth" | "unspooled"> & {
    readonly relay: Pick<Delivery["relay"], "troubled">;
  };
  readonly nats: NatsState;
  /** Its streams and state are there. */
  readonly busOpen: boolean;
  /** Undefined where DSP_REDIS_URL is. */
  readonly backlog: { readonly view: BacklogView } | undefined;
}

/**
 * Ready only while registered at the gateway with a path that is not in doubt, connected to NATS, and NATS stores
 * what it is given. A backlog that cannot be read is told, but notices come all the same.
 */
export function readinessOf({ path, delivery, nats, busOpen, ...source }: ReadinessSource): Readiness {
  const { phase, trouble: gatewayTrouble } = path.link;
  const pathInDoubt = path.registration.inDoubt;
  const { depth, unspooled } = delivery;
  const natsTrouble = delivery.relay.troubled;
  const backlog = source.backlog?.view;
  const details = {
    gateway: phase,
    gatewayTrouble: gatewayTrouble ?? null,
    pathInDoubt,
    backlog: stateOfBacklog(backlog),
    backlogTrouble: backlog?.trouble ?? null,
    redisAheadSeconds: backlog?.aheadMs === undefined ? null : backlog.aheadMs / 1_000,
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
    const words = `Connected to NATS; its streams and state are being opened; ${waiting} Where this does not pass, run \`make setup-nats\`.`;
    return { ready: false, words, details };
  }
  if (natsTrouble !== undefined) {
    const words = `NATS does not store events (${natsTrouble}); ${waiting} Check its disk and its streams.`;
    return { ready: false, words, details };
  }
  return { ready: true, words: `${PHASES.registered}${wordsOfBacklog(backlog)}`, details };
}
