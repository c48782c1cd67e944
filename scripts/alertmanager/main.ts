/** Prints Alertmanager's configuration for the receiver that the environment chooses. */
import { renderAlertmanager } from "./render.ts";

process.stdout.write(`${renderAlertmanager(process.env)}\n`);
