/** The gateway's stand-in as a process: REDIS_URL, PORT, CONTROL_PORT, HOST from the environment. */
import { z } from "zod";
import { serveControl } from "./control.ts";
import { startGateway } from "./gateway.ts";

const Env = z.object({
  REDIS_URL: z.url({ protocol: /^rediss?$/ }),
  HOST: z.string().default("127.0.0.1"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  CONTROL_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  NEWER: z.enum(["true", "false"]).default("false"),
});

const env = Env.safeParse(process.env);
if (!env.success) {
  console.error(z.prettifyError(env.error));
  process.exit(1);
}
const { REDIS_URL: redisUrl, HOST: host, PORT: port, CONTROL_PORT: controlPort, NEWER: newer } = env.data;
const gateway = await startGateway({ redisUrl, host, port, newer: newer === "true" });
const control = await serveControl(gateway, controlPort, host);
console.log(JSON.stringify({ ready: true, url: gateway.url, controlUrl: control.url }));
process.once("SIGTERM", () => {
  void Promise.all([control.stop(), gateway.stop()]);
});
