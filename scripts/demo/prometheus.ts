import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import { Process, until } from "../../tests/harness/process.ts";
import { quickRules } from "../../tests/harness/quick-rules.ts";

const RULES = new URL("../../prometheus/rules/", import.meta.url).pathname;

export interface PrometheusOptions {
  /** How often it scrapes and evaluates; default one second. */
  readonly everyMs?: number;
  /** The project's rules, with their times divided by this; no rules where it is not given. */
  readonly timesQuicker?: number;
  /** Where alerts are sent: host:port. */
  readonly alertmanager?: string;
}

const Alerts = z.object({
  data: z.object({
    alerts: z.array(
      z.object({
        state: z.enum(["pending", "firing"]),
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
      }),
    ),
  }),
});
export type RuleAlert = z.infer<typeof Alerts>["data"]["alerts"][number];

const Answer = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

/** A real Prometheus that scrapes these services as the project's own configuration does. */
export async function startPrometheus(
  dir: string,
  port: number,
  targets: Readonly<Record<string, string>>,
  { everyMs = 1_000, timesQuicker, alertmanager }: PrometheusOptions = {},
) {
  const data = join(dir, "prometheus");
  await mkdir(join(data, "rules"), { recursive: true });
  if (timesQuicker !== undefined) {
    for (const name of await readdir(RULES)) {
      const text = await readFile(join(RULES, name), "utf8");
      await writeFile(join(data, "rules", name), quickRules(text, timesQuicker));
    }
  }
  const config = join(data, "prometheus.yml");
  const every = `${everyMs}ms`;
  await writeFile(
    config,
    stringify({
      global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
      rule_files: ["rules/*.yml"],
      ...(alertmanager === undefined
        ? {}
        : { alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] } }),
      scrape_configs: Object.entries(targets).map(([name, url]) => ({
        job_name: name,
        honor_labels: true,
        static_configs: [{ targets: [new URL(url).host] }],
      })),
    }),
  );
  const server = new Process("prometheus", {
    command: "prometheus",
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(data, "tsdb")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      // What was told before it knew its Alertmanager is told again soon, not after a minute.
      "--rules.alert.resend-delay=2s",
      "--log.level=warn",
    ],
  });
  const url = `http://127.0.0.1:${port}`;
  await until("Prometheus is ready", async () => {
    if (!server.running) throw new Error(server.tail());
    return (await fetch(`${url}/-/ready`)).ok;
  });
  return {
    url,
    /** The value of an instant query with one result; undefined where there is none yet. */
    query: async (expression: string): Promise<number | undefined> => {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const value = Answer.safeParse(await response.json()).data?.data.result[0]?.value[1];
      return value === undefined ? undefined : Number(value);
    },
    /** What the rules say now. */
    alerts: async (): Promise<readonly RuleAlert[]> =>
      Alerts.parse(await (await fetch(`${url}/api/v1/alerts`)).json()).data.alerts,
    stop: () => server.stop(),
  };
}
export type Prometheus = Awaited<ReturnType<typeof startPrometheus>>;
