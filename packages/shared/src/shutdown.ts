import { once } from "node:events";
import { ConfigError, Fatal } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** SIGTERM promises an end within 10 s; past this the process ends itself, whatever still hangs. */
const FORCED_EXIT_MS = 9_000;

/**
 * Runs a service until SIGTERM or SIGINT aborts its signal. Ends the process with exit code 0 after a clean
 * stop and 1 when `run` fails, so that a supervisor restarts it: a crash is allowed, a half-dead process not.
 */
export async function runUntilSignal(
  logger: Logger,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const stop = (name: string) => {
    if (controller.signal.aborted) return;
    logger.info({ signal: name }, "stopping");
    controller.abort();
    setTimeout(() => {
      logger.error("Something did not stop in time; the process ends without waiting for it");
      process.exit(1);
    }, FORCED_EXIT_MS).unref();
  };
  process.once("SIGTERM", () => stop("SIGTERM"));
  process.once("SIGINT", () => stop("SIGINT"));
  try {
    await run(controller.signal);
    logger.info("stopped");
    process.exit(0);
  } catch (error) {
    if (controller.signal.aborted && error instanceof Fatal && error.code === "stopped") {
      logger.info("stopped");
      process.exit(0);
    }
    logger.fatal({ err: error }, "The service failed and ends");
    process.exit(1);
  }
}

/** Resolves once the signal is aborted. */
export async function whenAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** Runs `main`; a configuration that cannot be used is said plainly, without a stack, and exits with 1. */
export async function exitOnBadConfig(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
