import { readFileSync } from "node:fs";
import { authoritiesEnv } from "@gpu-power-manager/shared/authorities";
import { serviceEnv } from "@gpu-power-manager/shared/env";
import { ConfigError, describeError } from "@gpu-power-manager/shared/errors";
import { Token } from "@gpu-power-manager/shared/events";
import { z } from "zod";
import { RobotsFile } from "./robots.ts";

/** The environment of the messenger. Everything about the robots is in one file, because all of it is secret. */
export const MessengerEnv = z.object({
  ROBOTS_FILE: z.string().meta({ description: "path of the file that `make up` renders" }),
  RUNBOOKS_DIR: z
    .string()
    .optional()
    .meta({ description: "folder of the runbooks, whose steps go into messages" }),
  ...authoritiesEnv,
  POOL: z.string().default("default").pipe(Token).meta({ description: "the pool that metrics name" }),
  ...serviceEnv(9104),
});
export type MessengerConfig = z.output<typeof MessengerEnv>;

/** @throws ConfigError where the file cannot be read or used; what it holds is not told, it is secret. */
export function readRobots(path: string): RobotsFile {
  const problem = (words: string) => new ConfigError(`ROBOTS_FILE (${path})`, [words]);
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw problem(
      error instanceof SyntaxError
        ? "it does not hold JSON: run `make up`, which writes it"
        : describeError(error),
    );
  }
  const parsed = RobotsFile.safeParse(content);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map(({ path: names }) => names.map(String).join(".") || "the whole");
  throw problem(`not as this version writes it (${where.join(", ")}): run \`make up\``);
}
