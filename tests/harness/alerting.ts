/**
 * The way of an alert: the project's rules in a real Prometheus, their times shortened; a real Alertmanager with the
 * rendered configuration; a webhook that keeps what arrives.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { z } from "zod";
import { renderAlertmanager } from "../../scripts/alertmanager/render.ts";
import { type Environment, readSettings } from "../../scripts/alertmanager/settings.ts";
import { startPrometheus } from "../../scripts/demo/prometheus.ts";
import { freePort, Process, until } from "./process.ts";
import { divideDuration } from "./quick-rules.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** How long an alert may take from its fault to the webhook. */
const PATIENCE_MS = 110_000;

const Payload = z.object({
  alerts: z.array(
    z.object({
      status: z.enum(["firing", "resolved"]),
      labels: z.record(z.string(), z.string()),
      annotations: z.record(z.string(), z.string()),
    }),
  ),
});
export type Arrived = z.infer<typeof Payload>["alerts"][number] & { readonly at: number };
type Labels = Readonly<Record<string, string>>;

export interface AlertingOptions {
  readonly dir: string;
  readonly targets: Readonly<Record<string, string>>;
  /** All times of the rules, and Alertmanager's, are divided by this. */
  readonly timesQuicker: number;
  readonly everyMs: number;
  /** Further receivers beside the webhook, as .env names them, and where the messenger is. */
  readonly receivers?: Environment;
  readonly messenger?: string;
}

/** Listens where Alertmanager's webhook is sent to. */
async function startInbox() {
  const arrived: Arrived[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    for (const alert of Payload.parse(JSON.parse(text)).alerts) arrived.push({ ...alert, at: Date.now() });
    response.end();
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    arrived,
    url: `http://127.0.0.1:${port}/`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function startAlertmanager(
  dir: string,
  inbox: string,
  { timesQuicker, receivers = {}, messenger }: AlertingOptions,
) {
  await mkdir(dir, { recursive: true });
  const address = join(dir, "webhook-url");
  await writeFile(address, inbox);
  const { ALERT_RECEIVER: further } = receivers;
  const settings = readSettings({
    ...receivers,
    ALERT_RECEIVER: ["webhook", ...(further === undefined ? [] : [further])].join(","),
    ALERT_WEBHOOK_URL_FILE: address,
  });
  const rendered = renderAlertmanager(settings, messenger);
  const config = join(dir, "alertmanager.yml");
  await writeFile(
    config,
    rendered.replaceAll(/"(group_wait|group_interval|repeat_interval)":"(\w+)"/g, (_, name, text) => {
      // Repeats are told apart from news by nothing but their time: none may come within the test.
      const time = name === "repeat_interval" ? text : divideDuration(text, timesQuicker);
      return `"${name}":"${time}"`;
    }),
  );
  const port = await freePort();
  const server = new Process("alertmanager", {
    command: "prometheus-alertmanager",
    args: [
      `--config.file=${config}`,
      `--storage.path=${join(dir, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address=",
    ],
  });
  const url = `http://127.0.0.1:${port}`;
  await until("Alertmanager is ready", async () => {
    if (!server.running) throw new Error(server.tail());
    return (await fetch(`${url}/-/ready`)).ok;
  });
  return { url, host: `127.0.0.1:${port}`, stop: () => server.stop() };
}

function matches(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

/** @throws where a text is missing or its value was not filled in, or the runbook does not exist. */
export function assertReadable({ labels, annotations }: Pick<Arrived, "labels" | "annotations">): void {
  const {
    summary = "",
    description = "",
    summary_zh = "",
    description_zh = "",
    runbook_url = "",
  } = annotations;
  const whole = JSON.stringify(annotations);
  for (const words of [summary, description]) assert.match(words, /^\S.{10,}/, whole);
  for (const words of [summary_zh, description_zh]) assert.match(words, /\p{Script=Han}{4,}/u, whole);
  for (const words of [description, description_zh]) assert.match(words, /\d/, `no value: ${whole}`);
  assert.doesNotMatch(whole, /no value|\{\{|NaN|%!/, whole);
  assert.equal(runbook_url, `docs/runbooks/${labels.alertname}.md`);
  for (const path of [runbook_url, runbook_url.replace(/md$/, "zh-CN.md")])
    assert.ok(existsSync(join(ROOT, path)), `${path} does not exist`);
  assert.match(labels.severity ?? "", /^(critical|warning|none)$/);
}

export async function startAlerting(options: AlertingOptions) {
  const { dir, targets, timesQuicker, everyMs } = options;
  const inbox = await startInbox();
  const alertmanager = await startAlertmanager(join(dir, "alertmanager"), inbox.url, options);
  // Alertmanager itself is scraped, as in prometheus.yml: it alone knows which messages did not arrive.
  const scraped = { ...targets, alertmanager: alertmanager.url };
  const prometheus = await startPrometheus(dir, await freePort(), scraped, {
    everyMs,
    timesQuicker,
    alertmanager: alertmanager.host,
  });
  const find = (status: Arrived["status"], labels: Labels, since: number) =>
    inbox.arrived.find((each) => each.status === status && each.at >= since && matches(each.labels, labels));
  const ruleIs = async (labels: Labels, firing: boolean) =>
    (await prometheus.alerts()).some((each) => each.state === "firing" && matches(each.labels, labels)) ===
    firing;
  return {
    prometheus,
    alertmanager: alertmanager.url,
    arrived: inbox.arrived,
    /** Resolves when such an alert has arrived at the webhook, its text checked. */
    fires: async (labels: Labels, since: number, patienceMs = PATIENCE_MS): Promise<Arrived> => {
      const arrived = await until(
        `${JSON.stringify(labels)} arrives`,
        () => find("firing", labels, since),
        patienceMs,
      ).catch(async (error: unknown) => {
        const state = (await prometheus.alerts()).map(
          ({ labels: { alertname }, state }) => `${alertname} ${state}`,
        );
        throw new Error(`${String(error)}\nPrometheus has: ${state.join(", ")}`);
      });
      assertReadable(arrived);
      return arrived;
    },
    /** Resolves when the webhook has been told that it is over. */
    resolves: async (labels: Labels, since: number): Promise<void> => {
      await until(
        `${JSON.stringify(labels)} is resolved`,
        () => find("resolved", labels, since),
        PATIENCE_MS,
      );
    },
    /** Resolves when the rule fires, whether or not Alertmanager passes it on. */
    ruleFires: async (labels: Labels): Promise<void> => {
      await until(
        `the rule of ${JSON.stringify(labels)} fires`,
        () => ruleIs(labels, true),
        PATIENCE_MS,
        200,
      );
    },
    /** Resolves when the rule no longer fires. */
    ruleQuiet: async (labels: Labels): Promise<void> => {
      await until(
        `the rule of ${JSON.stringify(labels)} is quiet`,
        () => ruleIs(labels, false),
        PATIENCE_MS,
        200,
      );
    },
    /** Resolves when Alertmanager holds it back because of another. */
    suppressed: async (labels: Labels): Promise<void> => {
      await until(
        `${JSON.stringify(labels)} is held back`,
        async () => {
          const Held = z.array(
            z.object({ labels: z.record(z.string(), z.string()), status: z.object({ state: z.string() }) }),
          );
          const all = Held.parse(await (await fetch(`${alertmanager.url}/api/v2/alerts`)).json());
          return all.some((each) => each.status.state === "suppressed" && matches(each.labels, labels));
        },
        PATIENCE_MS,
        100,
      );
    },
    /** @throws when such an alert has arrived since then. */
    assertSilent: (labels: Labels, since: number): void => {
      assert.equal(
        find("firing", labels, since),
        undefined,
        `${JSON.stringify(labels)} should not have arrived`,
      );
    },
    stop: async () => {
      await Promise.all([prometheus.stop(), alertmanager.stop()]);
      inbox.stop();
    },
  };
}
