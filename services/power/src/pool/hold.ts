import type { Bus } from "@gpu-power-manager/shared/bus";
import type { Logger } from "@gpu-power-manager/shared/logger";

/** An operator's order to leave the pool as it is: there while the key `hold.<pool>` is. */
export class Hold {
  private held = false;

  get on(): boolean {
    return this.held;
  }

  /** Follows the key until the signal. */
  async follow(
    bus: Bus,
    pool: string,
    logger: Logger,
    onChange: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    const watch = await bus.kv.watch({ key: `hold.${pool}` });
    signal.addEventListener("abort", () => watch.stop(), { once: true });
    for await (const entry of watch) {
      this.held = entry.operation === "PUT";
      logger.info({ onHold: this.held }, "the operator's hold is read");
      onChange();
    }
  }
}
