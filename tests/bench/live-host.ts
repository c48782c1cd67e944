/** The live view alone, as power serves it: the console's driver, the desk and the door, in a process of its own. */
import { createServer } from "node:http";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { z } from "zod";
import { parseProfile } from "../../services/power/src/console/profile.ts";
import { LiveDesk } from "../../services/power/src/operator/live/live-desk.ts";
import { LiveDoor } from "../../services/power/src/operator/live/live-door.ts";
import { Gate } from "../../services/power/src/operator/page/gate.ts";
import { Sessions } from "../../services/power/src/operator/page/sessions.ts";
import { openDriver } from "../harness/driven-console.ts";
import { profileFor } from "../harness/pool-files.ts";

const [consoleUrl = "", apiUrl = "", stateDir = "", chromiumPath = ""] = z
  .array(z.string())
  .parse(process.argv.slice(2));
const profile = parseProfile(await profileFor({ consoleUrl, apiUrl }, { credentials: false }), "bench.yaml");
const driver = openDriver({
  profile,
  providerIds: [],
  stateDir,
  chromiumPath,
  credentials: undefined,
  logger: createLogger({ service: "bench", level: "error", secrets: [] }),
});
await driver.observe();
const sessions = new Sessions({
  file: `${stateDir}/page-sessions.json`,
  key: "only for the bench",
  tokens: { operator: "only for the bench" },
  now: Date.now,
});
const ended = new AbortController();
const nothing = () => {};
const desk = new LiveDesk({
  live: driver.live,
  loginRequired: () => false,
  onChange: nothing,
  tell: nothing,
  now: Date.now,
  signal: ended.signal,
});
const door = new LiveDoor({
  gate: new Gate({ sessions, publicUrl: undefined }),
  hosts: ["127.0.0.1"],
  publicUrl: undefined,
  viewersWatch: false,
  desk: () => desk,
  signal: ended.signal,
});
const server = createServer();
server.on("upgrade", door.upgrade);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  console.log(JSON.stringify({ port, cookie: `gpu-power-session=${sessions.open("operator", "bench")}` }));
});
process.once("SIGTERM", async () => {
  ended.abort();
  await driver.close();
  process.exit(0);
});
