import { z } from "zod";
import { faultsPatch } from "./faults.ts";
import { machineSpecs } from "./machine-spec.ts";
import { type ConsoleOptions, SKINS } from "./provider.ts";

const port = z.coerce.number().int().min(0).max(65_535);
const ms = z.coerce.number().min(0);
const url = z.url({ protocol: /^https?$/ }).transform((value) => value.replace(/\/$/, ""));

function json<T extends z.ZodType>(schema: T) {
  return z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch (error) {
        context.addIssue({ code: "custom", message: `must be JSON: ${String(error)}` });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

const environment = z.object({
  SKIN: z.enum(SKINS).optional(),
  HOST: z.string().min(1).optional(),
  CONSOLE_PORT: port.optional(),
  API_PORT: port.optional(),
  CONTROL_PORT: port.optional(),
  CONSOLE_URL: url.optional(),
  API_URL: url.optional(),
  CONTROL_URL: url.optional(),
  BOOT_MS: ms.optional(),
  STOP_MS: ms.optional(),
  PAGE_REFRESH_MS: ms.optional(),
  LOGIN_USERNAME: z.string().min(1).optional(),
  LOGIN_PASSWORD: z.string().min(1).optional(),
  PUBLIC_KEY: z.string().min(1).optional(),
  PRIVATE_KEY: z.string().min(1).optional(),
  MACHINES: json(machineSpecs).optional(),
  FAULTS: json(faultsPatch).optional(),
});

/** Environment → options; throws a ZodError that names every variable that is no good. An empty one is unset. */
export function optionsFrom(env: Readonly<Record<string, string | undefined>>): ConsoleOptions {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const given = environment.parse(set);
  return defined({
    skin: given.SKIN,
    host: given.HOST,
    consolePort: given.CONSOLE_PORT,
    apiPort: given.API_PORT,
    controlPort: given.CONTROL_PORT,
    consoleUrl: given.CONSOLE_URL,
    apiUrl: given.API_URL,
    controlUrl: given.CONTROL_URL,
    bootMs: given.BOOT_MS,
    stopMs: given.STOP_MS,
    username: given.LOGIN_USERNAME,
    password: given.LOGIN_PASSWORD,
    publicKey: given.PUBLIC_KEY,
    privateKey: given.PRIVATE_KEY,
    machines: given.MACHINES,
    faults: {
      ...(given.PAGE_REFRESH_MS === undefined ? {} : { pageRefreshMs: given.PAGE_REFRESH_MS }),
      ...given.FAULTS,
    },
  });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
