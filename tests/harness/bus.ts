/** A bus as a service has it, on a server of a test. */
import { type Bus, openBus } from "@gpu-power-manager/shared/bus";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";

/** Whoever opens it closes it. */
export async function busOn({ url }: { readonly url: string }): Promise<Bus> {
  const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
  const { signal } = new AbortController();
  const config = { NATS_URL: url, NATS_REPLICAS: 1 };
  return await openBus(config, "test", {
    health: new NatsHealth(logger),
    bucket: "gpu_power",
    logger,
    signal,
  });
}
