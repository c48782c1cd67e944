/** Everything that is asked for a diagnosis, at once; nothing is changed, started or stopped by it. */
import { Diagnosis } from "@gpu-power-manager/shared/diagnosis";
import { describeError } from "@gpu-power-manager/shared/errors";
import { HistoryPage } from "@gpu-power-manager/shared/history-page";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { z } from "zod";
import { CommandError } from "../command-error.ts";
import type { Session } from "../session.ts";
import { readMetrics, type Sample } from "./metrics-text.ts";

/** Each question is given so long; all run side by side. */
const ANSWER_MS = 10_000;
/** Refusals of the provider within this are told of. */
const LATELY_MS = 3_600_000;

export interface PowerFacts {
  readonly diagnosis: Diagnosis;
  /** Undefined while there is none to tell: it stands by, or waits for NATS. */
  readonly status: PowerStatus | undefined;
  readonly refusals: ReadonlyArray<{ readonly at: string; readonly words: string }>;
  readonly metrics: readonly Sample[];
  /** How far power's clock is ahead of ours, in seconds. */
  readonly aheadSeconds: number;
}

export interface PrometheusFacts {
  readonly targets: ReadonlyArray<{ readonly job: string; readonly up: boolean; readonly error: string }>;
  readonly ruleGroups: number;
  readonly alertmanagers: number;
}

/** What could not be asked carries the words that say why. */
export type Asked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly words: string };

export interface Facts {
  readonly tokenFound: boolean;
  readonly tokenPlaces: readonly string[];
  readonly power: Asked<PowerFacts>;
  /** Undefined where none is named and none is there by the name of `make up`. */
  readonly prometheus: Asked<PrometheusFacts> | undefined;
  /** Who is to hear of alerts, as `.env` says; undefined where there is none. */
  readonly receiver: string | undefined;
}

async function asked<T>(question: Promise<T>): Promise<Asked<T>> {
  try {
    return { ok: true, value: await question };
  } catch (error) {
    return { ok: false, words: error instanceof CommandError ? error.message : describeError(error) };
  }
}

export async function gatherFacts(session: Session): Promise<Facts> {
  const { connection } = session;
  const [power, prometheus] = await Promise.all([
    asked(askPower(session)),
    connection.prometheus === undefined ? undefined : asked(askPrometheus(connection.prometheus)),
  ]);
  return {
    tokenFound: connection.token !== undefined,
    tokenPlaces: connection.lookedFor,
    power,
    prometheus,
    receiver: connection.receiver,
  };
}

async function askPower({ client, connection }: Session): Promise<PowerFacts> {
  const askedAt = Date.now();
  const diagnosis = await client.ask("/diagnosis", Diagnosis);
  const aheadSeconds = (Date.parse(diagnosis.at) - (askedAt + Date.now()) / 2) / 1_000;
  const since = new Date(Date.parse(diagnosis.at) - LATELY_MS).toISOString();
  const outcomes = { kind: "outcome", since, limit: 50 };
  const [status, history, text] = await Promise.all([
    client.ask("/status", PowerStatus).catch(() => undefined),
    client.ask("/history", HistoryPage, { query: outcomes }).catch(() => ({ entries: [] })),
    fetch(new URL("/metrics", connection.power), { signal: AbortSignal.timeout(ANSWER_MS) }).then((answer) =>
      answer.text(),
    ),
  ]);
  const refusals = history.entries.flatMap(({ at, entry }) =>
    entry.kind === "outcome" && ["refused", "sold_out"].includes(entry.outcome)
      ? { at, words: `${entry.instance}: ${entry.action} ${entry.outcome}, ${entry.message ?? ""}` }
      : [],
  );
  return { diagnosis, status, refusals, metrics: readMetrics(text), aheadSeconds };
}

const Targets = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({
        labels: z.record(z.string(), z.string()),
        health: z.string(),
        lastError: z.string().default(""),
      }),
    ),
  }),
});
const Rules = z.object({ data: z.object({ groups: z.array(z.unknown()) }) });
const Alertmanagers = z.object({ data: z.object({ activeAlertmanagers: z.array(z.unknown()) }) });

async function askPrometheus({
  url,
  user,
  password,
}: {
  url: string;
  user: string;
  password: string | undefined;
}) {
  const headers =
    password === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
  const ask = async <S extends z.ZodType>(path: string, schema: S): Promise<z.output<S>> => {
    const response = await fetch(new URL(path, url), { headers, signal: AbortSignal.timeout(ANSWER_MS) });
    if (!response.ok) throw new Error(`${url} answers ${response.status} to ${path}`);
    return schema.parse(await response.json());
  };
  const [targets, rules, alertmanagers] = await Promise.all([
    ask("/api/v1/targets?state=active", Targets),
    ask("/api/v1/rules?type=alert", Rules),
    ask("/api/v1/alertmanagers", Alertmanagers),
  ]);
  return {
    targets: targets.data.activeTargets.map(({ labels, health, lastError }) => ({
      job: labels.job ?? "",
      up: health === "up",
      error: lastError,
    })),
    ruleGroups: rules.data.groups.length,
    alertmanagers: alertmanagers.data.activeAlertmanagers.length,
  };
}
