import { processRegistry } from "@gpu-power-manager/shared/registry";
import { Counter, Gauge } from "prom-client";
import { ROBOTS, type RobotKind } from "../config/robots.ts";
import { OUTCOMES } from "../robots/robot.ts";

export interface Recorder {
  message(robot: RobotKind, outcome: (typeof OUTCOMES)[number]): void;
  /** @param now milliseconds since the epoch. */
  sent(robot: RobotKind, now: number): void;
}

/** Everything the messenger counts. */
export function createMetrics(pool: string) {
  const registry = processRegistry(pool);
  const registers = [registry];
  const messages = new Counter({
    name: "gpu_messenger_messages_total",
    help: "Messages to group robots by outcome: sent; wait (the robot's limit), failed (its server) and refused (a wrong key or signature) were not taken, held was not sent so as not to meet the limit. Alertmanager sends again what was not sent.",
    labelNames: ["robot", "outcome"],
    registers,
  });
  const last = new Gauge({
    name: "gpu_messenger_sent_timestamp_seconds",
    help: "When a robot last took a message; absent until the first.",
    labelNames: ["robot"],
    registers,
  });
  const recorder: Recorder = {
    message: (robot, outcome) => messages.inc({ robot, outcome }),
    sent: (robot, now) => last.set({ robot }, now / 1_000),
  };
  /** A counter that begins with its first failure has no increase. */
  const begin = (robots: readonly RobotKind[]) => {
    for (const robot of ROBOTS.filter((each) => robots.includes(each)))
      for (const outcome of OUTCOMES) messages.inc({ robot, outcome }, 0);
  };
  return { registry, recorder, begin };
}
