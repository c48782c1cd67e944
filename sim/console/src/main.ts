import { once } from "node:events";
import { z } from "zod";
import { optionsFrom } from "./options.ts";
import { startConsole } from "./provider.ts";

try {
  await using running = await startConsole(optionsFrom(process.env));
  const { consoleUrl, apiUrl, controlUrl } = running;
  process.stdout.write(`${JSON.stringify({ ready: true, consoleUrl, apiUrl, controlUrl })}\n`);
  await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
} catch (error) {
  const reason = error instanceof z.ZodError ? `\n${z.prettifyError(error)}` : ` ${String(error)}`;
  process.stderr.write(`sim/console cannot start:${reason}\n`);
  process.exitCode = 1;
}
