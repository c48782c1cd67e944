/** Which alerts fire, asked of Prometheus again and again, so that whoever looks at power sees them, too. */
import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { FiringAlerts } from "@gpu-power-manager/shared/firing-alerts";
import type { Words } from "@gpu-power-manager/shared/reason-words";
import { z } from "zod";

/** Prometheus evaluates its rules every 10 s. */
const ASK_EVERY_MS = 10_000;
const ANSWER_MS = 5_000;
/** The user that `make up` gives a password. */
const USER = "admin";
/** It fires all the time, to prove that alerts work. */
const ALWAYS = "Watchdog";

const SEVERITIES = ["critical", "warning", "info"] as const;

/** What Prometheus answers to `/api/v1/alerts` (https://prometheus.io/docs/prometheus/latest/querying/api/#alerts). */
const Answer = z.object({
  data: z.object({
    alerts: z.array(
      z.object({
        state: z.string(),
        activeAt: z.iso.datetime({ offset: true }),
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
      }),
    ),
  }),
});

export interface AlertsOptions {
  /** It ends in a slash; undefined where nobody has said where Prometheus is. */
  readonly url: URL | undefined;
  readonly password: string | undefined;
  /** Another set of alerts than before, or a reason why they are not known. */
  readonly onChange: () => void;
}

/** They, or why they are not known. */
export type AlertsView = FiringAlerts | { readonly words: Words };

export class Alerts {
  private readonly options: AlertsOptions;
  private current: AlertsView;

  /** Asks nobody before `follow`. */
  constructor(options: AlertsOptions) {
    this.options = options;
    this.current = {
      words:
        options.url === undefined
          ? { en: "PROMETHEUS_URL is not set", zh: "未设置 PROMETHEUS_URL" }
          : { en: "not asked yet", zh: "尚未查询" },
    };
  }

  get view(): AlertsView {
    return this.current;
  }

  /** Until the signal. Never throws. */
  async follow(signal: AbortSignal): Promise<void> {
    const { url } = this.options;
    if (url === undefined) return;
    while (!signal.aborted) {
      const before = fingerprint(this.current);
      this.current = await this.ask(url, signal).catch((error: unknown) => {
        const why = describeError(error);
        return {
          words: { en: `Prometheus cannot be asked (${why})`, zh: `无法查询 Prometheus（${why}）` },
        };
      });
      if (signal.aborted) return;
      if (fingerprint(this.current) !== before) this.options.onChange();
      await sleep(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async ask(base: URL, signal: AbortSignal): Promise<FiringAlerts> {
    const { password } = this.options;
    const url = new URL("api/v1/alerts", base);
    const response = await fetch(url, {
      headers:
        password === undefined
          ? {}
          : { authorization: `Basic ${Buffer.from(`${USER}:${password}`).toString("base64")}` },
      // A password goes to where it was meant for, and nowhere else.
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    if (response.status === 401) throw new Error("it refuses the password: PROMETHEUS_PASSWORD");
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return { at: new Date().toISOString(), alerts: firingOf(Answer.parse(await response.json())) };
  }
}

function firingOf({ data }: z.output<typeof Answer>): FiringAlerts["alerts"] {
  return data.alerts
    .filter(({ state, labels }) => state === "firing" && labels.alertname !== ALWAYS)
    .map(({ labels, annotations, activeAt }) => ({
      name: labels.alertname ?? "?",
      severity: SEVERITIES.find((each) => each === labels.severity) ?? "warning",
      since: new Date(activeAt).toISOString(),
      summary: inBoth(annotations, "summary", labels.alertname ?? "?"),
      description: inBoth(annotations, "description", ""),
      runbook: annotations.runbook_url ?? null,
    }))
    .sort(
      (a, b) =>
        SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || a.since.localeCompare(b.since),
    );
}

function inBoth(annotations: Readonly<Record<string, string>>, name: string, none: string): Words {
  const en = annotations[name] ?? none;
  return { en, zh: annotations[`${name}_zh`] ?? en };
}

/** What a change is: which fire, not what their numbers are by now. */
function fingerprint(view: AlertsView): string {
  if ("words" in view) return view.words.en;
  return view.alerts.map(({ name, since, summary }) => `${name} ${since} ${summary.en}`).join("\n");
}
