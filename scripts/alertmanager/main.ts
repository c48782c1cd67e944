/**
 * Prints, a line each, Alertmanager's configuration for the receivers that the environment chooses, and the messenger's
 * file, empty where no robot is named. With `preview TIME NAME=VALUE…`: what an alert with these annotations will look like to each.
 */
import { ConfigError } from "@gpu-power-manager/shared/errors";
import { preview } from "./preview.ts";
import { renderAlertmanager, renderRobots } from "./render.ts";
import { readSettings } from "./settings.ts";

try {
  const settings = readSettings(process.env);
  const [, , what, at = "", ...annotations] = process.argv;
  const text =
    what === "preview"
      ? preview(settings, at, annotations)
      : `${renderAlertmanager(settings)}\n${renderRobots(settings) ?? ""}`;
  process.stdout.write(`${text}\n`);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exit(1);
}
