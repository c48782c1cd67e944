/** Prints Alertmanager's configuration for the receiver that the environment chooses. */
import { ConfigError } from "@gpu-power-manager/shared/errors";
import { renderAlertmanager } from "./render.ts";

try {
  process.stdout.write(`${renderAlertmanager(process.env)}\n`);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exit(1);
}
