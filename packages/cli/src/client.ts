/** Asks power's API; every answer passes its schema. */
import { API_PATH, Problem } from "@gpu-power-manager/shared/api";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { z } from "zod";
import { CommandError, EXIT } from "./command-error.ts";
import type { Connection } from "./connection.ts";

/** A service that does not answer within this is taken for away. */
const TIMEOUT_MS = 10_000;

export interface Asked {
  readonly method?: "GET" | "PUT" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly signal?: AbortSignal;
}

export class ApiClient {
  private readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** @throws CommandError when power cannot be asked, or refuses. */
  async ask<S extends z.ZodType>(path: string, schema: S, asked: Asked = {}): Promise<z.output<S>> {
    return schema.parse(await (await this.fetch(path, asked)).json());
  }

  /** The bare answer, for what is no JSON. @throws CommandError as `ask` does. */
  async fetch(path: string, { method = "GET", body, query = {}, signal }: Asked = {}): Promise<Response> {
    const { power, token, lookedFor } = this.connection;
    const url = new URL(`${API_PATH}${path}`, power);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal ?? AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      const words = `Power cannot be asked at ${power} (${describeError(error)}). Start it, or say where it is with --url or POWER_URL.`;
      throw new CommandError(EXIT.unreachable, words);
    }
    if (response.ok) return response;
    const problem = Problem.safeParse(await response.json().catch(() => undefined));
    if (!problem.success)
      throw new CommandError(
        EXIT.unreachable,
        `What answers at ${power} is no power of this version (${response.status}).`,
      );
    const { code, title, detail } = problem.data;
    const hint =
      code === "unauthorized" && token === undefined ? ` Looked for it in ${lookedFor.join(", ")}.` : "";
    const cannotAsk = ["unauthorized", "not_configured", "too_many_tries", "foreign_host"].includes(code);
    throw new CommandError(cannotAsk ? EXIT.unreachable : EXIT.wrong, `${title}. ${detail}${hint}`);
  }
}
