/** What goes into a support bundle, asked part by part; a part that cannot be had says why, and stops no other. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { EffectiveConfig } from "@gpu-power-manager/shared/api";
import { Diagnosis } from "@gpu-power-manager/shared/diagnosis";
import { describeError } from "@gpu-power-manager/shared/errors";
import { ArtifactList } from "@gpu-power-manager/shared/history-page";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { Why } from "@gpu-power-manager/shared/why";
import type { z } from "zod";
import { LOOKUPS, readGateway } from "../commands/dsp.ts";
import { readHistory } from "../commands/history.ts";
import { judgeAll } from "../diagnose/check.ts";
import { allChecks } from "../diagnose/checks.ts";
import { gatherFacts } from "../diagnose/facts.ts";
import { speaker } from "../language.ts";
import type { Session } from "../session.ts";
import { listContainers, readLog } from "./logs.ts";
import type { Scrubber } from "./scrubber.ts";

/** So much of history: a week, or what a busy pool does in a day. */
const HISTORY_MS = 7 * 86_400_000;
const MOST_ENTRIES = 1_000;
/** The last doubtful moments; older ones are seldom what it is about. */
const MOST_ARTIFACTS = 20;
/** A service that takes longer for its metrics is as good as away. */
const METRICS_MS = 10_000;

export interface BundleOptions {
  /** Pictures cannot be searched for secrets, so only whoever has looked at them gives them away. */
  readonly withScreenshots: boolean;
  /** Of compose, whose containers' logs are taken. */
  readonly project: string;
  /** Logs that Docker does not have. */
  readonly logFiles: readonly string[];
  /** The gateway's Redis; undefined where it is not known. */
  readonly redis: string | undefined;
}

/** A file of the bundle. Text still has its secrets in it. */
export interface Content {
  readonly path: string;
  readonly content: string | Buffer;
}

export interface Gathered {
  readonly files: readonly Content[];
  /** What could not be had, and why. */
  readonly missing: ReadonlyArray<{ readonly what: string; readonly why: string }>;
}

/** @param scrubber learns the license keys that are met. */
export async function gatherContents(
  session: Session,
  options: BundleOptions,
  scrubber: Scrubber,
): Promise<Gathered> {
  const parts: ReadonlyArray<readonly [string, () => Promise<Content[]>]> = [
    // First: its license keys are to be known when the rest is scrubbed.
    ["gateway", () => gateway(options.redis, scrubber)],
    ["diagnosis", () => diagnosis(session)],
    ["diagnosis-seen.json", () => document(session, "diagnosis-seen.json", "/diagnosis", Diagnosis)],
    ["status.json", () => document(session, "status.json", "/status", PowerStatus)],
    ["why.json", () => document(session, "why.json", "/why", Why)],
    ["config.json", () => document(session, "config.json", "/config", EffectiveConfig)],
    ["history.json", () => history(session)],
    ["metrics/power.txt", () => metrics("power", session.connection.power)],
    ["metrics/listener.txt", () => metrics("listener", session.connection.listener)],
    ["artifacts", () => artifacts(session, options.withScreenshots)],
    ["containers and their logs", () => containers(options.project)],
    ...options.logFiles.map((file) => [file, async () => [logFile(file)]] as const),
  ];
  const files: Content[] = [];
  const missing: Array<{ what: string; why: string }> = [];
  for (const [what, ask] of parts) {
    try {
      files.push(...(await ask()));
    } catch (error) {
      missing.push({ what, why: describeError(error) });
    }
  }
  return { files, missing };
}

const json = (path: string, value: unknown): Content => ({
  path,
  content: `${JSON.stringify(value, null, 2)}\n`,
});

async function document(session: Session, path: string, asked: string, schema: z.ZodType) {
  return [json(path, await session.client.ask(asked, schema))];
}

async function diagnosis(session: Session): Promise<Content[]> {
  // In English, whoever made it: whoever reads it may not know the other.
  const results = judgeAll(allChecks(await gatherFacts(session), speaker("en")));
  return [json("diagnosis.json", { at: new Date().toISOString(), results })];
}

async function history(session: Session): Promise<Content[]> {
  const entries = await readHistory(session, { since: HISTORY_MS, limit: MOST_ENTRIES });
  return [json("history.json", { entries })];
}

async function metrics(service: string, address: string): Promise<Content[]> {
  const response = await fetch(new URL("/metrics", address), { signal: AbortSignal.timeout(METRICS_MS) });
  if (!response.ok) throw new Error(`${address} answers ${response.status}`);
  return [{ path: `metrics/${service}.txt`, content: await response.text() }];
}

async function artifacts({ client }: Session, withScreenshots: boolean): Promise<Content[]> {
  const { artifacts: all } = await client.ask("/artifacts", ArtifactList);
  const wanted = all.filter(({ kind }) => withScreenshots || kind === "html").slice(0, MOST_ARTIFACTS);
  const files: Content[] = [];
  for (const { name, kind } of wanted) {
    const response = await client.fetch(`/artifacts/${encodeURIComponent(name)}`);
    const content = kind === "png" ? Buffer.from(await response.arrayBuffer()) : await response.text();
    files.push({ path: `artifacts/${basename(name)}`, content });
  }
  return files;
}

async function gateway(redis: string | undefined, scrubber: Scrubber): Promise<Content[]> {
  if (redis === undefined)
    throw new Error(`Where the gateway's Redis is, is not known (${LOOKUPS.join(", ")} are lacking).`);
  const tables = await readGateway(redis, (license, hash) => scrubber.add(license, hash));
  return tables.map(({ lookup, ...table }) => json(`gateway/${lookup}.json`, table));
}

async function containers(project: string): Promise<Content[]> {
  const found = await listContainers(project);
  if (found.length === 0) throw new Error(`Docker has no container of the project ${project}.`);
  const logs = await Promise.all(
    found.map(async ({ name }) => {
      const log = await readLog(name).catch((error: unknown) => `Not to be had: ${describeError(error)}\n`);
      return { path: `logs/${basename(name)}.log`, content: log };
    }),
  );
  return [json("containers.json", found), ...logs];
}

function logFile(file: string): Content {
  return { path: `logs/${basename(file)}`, content: readFileSync(file, "utf8") };
}
