/**
 * Says whether the session on standard input, as `make login` keeps it, can be read with this power's key; by it
 * `make login-import` refuses a session that power could not use. Exits 1 with the reason when it cannot.
 */
import { buffer } from "node:stream/consumers";
import { loadEnv } from "@gpu-power-manager/shared/env";
import { describeError } from "@gpu-power-manager/shared/errors";
import { exitOnBadConfig } from "@gpu-power-manager/shared/shutdown";
import { PowerEnv } from "../config/environment.ts";
import { unseal } from "./sealed-session.ts";

await exitOnBadConfig(async () => {
  const { config } = loadEnv(PowerEnv.pick({ SESSION_KEY: true }), process.env);
  try {
    JSON.parse((await unseal(await buffer(process.stdin), config.SESSION_KEY)).text);
  } catch (error) {
    console.error(
      `The session cannot be read with this server's secrets/session-key (${describeError(error)}): ` +
        "copy that key to the machine with the display and log in there again with `make login`.",
    );
    process.exitCode = 1;
  }
});
