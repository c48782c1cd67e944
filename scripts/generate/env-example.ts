/** The part of .env.example that follows from the schemas: what compose passes on and is not named above it. */
import { readFileSync } from "node:fs";
import { describeEnv } from "@gpu-power-manager/shared/env";
import { parse } from "yaml";
import { z } from "zod";
import { ListenerEnv } from "../../services/listener/src/config/environment.ts";
import { PowerEnv } from "../../services/power/src/config/environment.ts";

const ROOT = new URL("../../", import.meta.url);
const Environment = z.record(z.string(), z.string());
const Compose = z.object({
  services: z.object({
    listener: z.object({ environment: Environment }),
    power: z.object({ environment: Environment }),
  }),
});
export type ServiceName = keyof z.output<typeof Compose>["services"];

/** What the compose file gives to each service: a variable's name → what stands there, not yet filled in. */
export function composeEnvironments(): Readonly<Record<ServiceName, Readonly<Record<string, string>>>> {
  const { services } = Compose.parse(parse(readFileSync(new URL("docker-compose.yml", ROOT), "utf8")));
  return { listener: services.listener.environment, power: services.power.environment };
}

/** Whether what compose gives comes from the variable of the same name in `.env`. */
export const passes = (name: string, given: string | undefined): boolean =>
  new RegExp(`^\\$\\{${name}(:?-[^}]*)?\\}$`).test(given ?? "");

/** A name of .env.example: set, or behind a # with its default. Prose has a blank after the #. */
export const NAME_IN_EXAMPLE = /^#?([A-Z][A-Z0-9_]*)=/gm;

/** The settings of both schemas that compose passes and `handWritten` does not name, each with its meaning. */
export function remainingSettings(handWritten: string): string {
  const named = new Set([...handWritten.matchAll(NAME_IN_EXAMPLE)].map(([, name]) => name));
  const given = composeEnvironments();
  const lines = [];
  for (const [service, schema] of [
    ["listener", ListenerEnv],
    ["power", PowerEnv],
  ] as const) {
    for (const { name, secret, fallback, description } of describeEnv(schema)) {
      if (secret || named.has(name) || !passes(name, given[service][name])) continue;
      named.add(name);
      // Where the container's default is another than the schema's, it is the one that counts.
      const [, here = ""] = /:-([^}]+)\}$/.exec(given[service][name] ?? "") ?? [];
      lines.push(`# ${description}`, `#${name}=${here || (fallback === "required" ? "" : fallback)}`);
    }
  }
  return lines.join("\n");
}
