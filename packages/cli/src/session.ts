/** What every command works with: whom to ask, how to speak, where to write. */
import { userInfo } from "node:os";
import { styleText } from "node:util";
import { ApiClient } from "./client.ts";
import type { Connection } from "./connection.ts";
import type { Language, Say } from "./language.ts";

export interface Session {
  readonly connection: Connection;
  readonly client: ApiClient;
  readonly json: boolean;
  readonly language: Language;
  readonly say: Say;
  /** A line of the answer, on standard output. */
  readonly print: (line: string) => void;
  /** A line about what is being waited for, on standard error, so that the answer stays clean. */
  readonly tell: (line: string) => void;
  readonly paint: Paint;
}

export type Colour = "green" | "yellow" | "red" | "bold" | "dim";
/** Colours a text where standard output is a terminal that wants colours. */
export type Paint = (colour: Colour, text: string) => string;

export const paintFor =
  (isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Paint =>
  (colour, text) =>
    isTerminal && !env.NO_COLOR ? styleText(colour, text, { validateStream: false }) : text;

/** In whose name this command acts: said in history beside the token's name. */
export function actorName(env: Readonly<Record<string, string | undefined>>): string {
  if (env.GPUCTL_ACTOR) return env.GPUCTL_ACTOR.slice(0, 64);
  try {
    return (env.SUDO_USER || userInfo().username).slice(0, 64);
  } catch {
    // A container's user may have no name.
    return "gpuctl";
  }
}

export function openSession(connection: Connection, rest: Omit<Session, "connection" | "client">): Session {
  return { connection, client: new ApiClient(connection), ...rest };
}
