/** Gives one event to one hook, and says whether it was taken. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { HookTarget } from "./hook-target.ts";
import { readSecrets, signatureOf } from "./signature.ts";

/** As long as Standard Webhooks advises to wait at least; who has more to do answers first. */
const ANSWER_MS = 15_000;
/** A program that has not ended by then hangs. */
const COMMAND_MS = 30_000;
/** Of what a program says, the end is kept for the log. */
const SAID_CHARACTERS = 500;

export interface Letter {
  /** The same in each try, so that whoever gets it twice can know. */
  readonly id: string;
  readonly body: string;
}
/** Undefined: taken. Else why not, in words that hold no secret. */
export type Refusal = string | undefined;

export interface DeliveryParts {
  /** Where the secrets' files are looked for. */
  readonly folder: string;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Never rejects. */
export async function deliver(target: HookTarget, letter: Letter, parts: DeliveryParts): Promise<Refusal> {
  try {
    const { url, secretFile, command } = target;
    if (command !== undefined) return await run(command, letter, parts.signal);
    if (url === undefined || secretFile === undefined) return "it has neither address nor program";
    return await post(url, secretFile, letter, parts);
  } catch (error) {
    return describeError(error);
  }
}

async function post(
  url: string,
  secretFile: string,
  { id, body }: Letter,
  parts: DeliveryParts,
): Promise<Refusal> {
  const { folder, now, signal } = parts;
  const file = resolve(folder, secretFile);
  let secrets: Buffer[];
  try {
    // Read at each try: a secret that is changed counts from the next one on.
    secrets = readSecrets(await readFile(file, "utf8"));
  } catch (error) {
    return `its secretFile ${file} cannot be used: ${describeError(error)}`;
  }
  const seconds = Math.floor(now() / 1_000);
  const response = await fetch(url, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(seconds),
      "webhook-signature": signatureOf(secrets, id, seconds, body),
    },
    // Followed, it would go where nobody wanted it.
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  });
  await response.body?.cancel();
  return response.ok ? undefined : `it answered HTTP ${response.status}`;
}

async function run(command: readonly string[], { id, body }: Letter, signal: AbortSignal): Promise<Refusal> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    // None of ours: the environment of power holds secrets.
    env: { PATH: process.env.PATH ?? "", WEBHOOK_ID: id },
    stdio: ["pipe", "ignore", "pipe"],
    signal: AbortSignal.any([signal, AbortSignal.timeout(COMMAND_MS)]),
    killSignal: "SIGKILL",
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said = (said + chunk).slice(-SAID_CHARACTERS);
  });
  // A program that does not read its input closes it; that is its right.
  child.stdin.on("error", () => undefined);
  child.stdin.end(body);
  return await new Promise<Refusal>((done) => {
    child.once("error", (error) => done(`${program}: ${describeError(error)}`));
    child.once("exit", (code, ended) =>
      done(
        code === 0
          ? undefined
          : `${program} ended with ${code ?? ended}${said === "" ? "" : `: ${said.trim()}`}`,
      ),
    );
  });
}
