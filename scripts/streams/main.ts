/**
 * Streams to a folder and back; run by `make backup` and `make restore` in a container that sees NATS.
 *
 *   main.ts save DIR
 *   main.ts restore DIR KEEP REPLICAS [quiet]   KEEP: where what was there is kept; quiet: nobody else may use NATS
 */
import { loadEnv } from "@gpu-power-manager/shared/env";
import { describeError } from "@gpu-power-manager/shared/errors";
import { exitOnBadConfig } from "@gpu-power-manager/shared/shutdown";
import { expectQuiet, restoreStreams, saveStreams } from "./backup.ts";
import { connectAsSetup, SetupEnv } from "./connection.ts";

async function run(words: readonly string[]): Promise<void> {
  const [verb = "", dir = "", keep = "", replicas = "", quiet] = words;
  const nats = await connectAsSetup(loadEnv(SetupEnv, process.env).config);
  try {
    if (verb === "save") {
      const { streams, consistent } = await saveStreams(nats, dir);
      if (!consistent)
        console.error(
          "Jobs were taken from the queue all the while: one that came in the second of the backup may be missing in it.",
        );
      console.log(streams.join(" "));
    } else if (verb === "restore") {
      if (quiet !== undefined) await expectQuiet(nats);
      console.log((await restoreStreams(nats, { from: dir, keep, replicas: Number(replicas) })).join(" "));
    } else {
      throw new Error("Usage: main.ts save DIR | restore DIR KEEP REPLICAS [quiet]");
    }
  } finally {
    await nats.connection.close();
  }
}

await exitOnBadConfig(async () => {
  try {
    await run(process.argv.slice(2));
  } catch (error) {
    console.error(describeError(error));
    process.exitCode = 1;
  }
});
