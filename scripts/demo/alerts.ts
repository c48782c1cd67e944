/** Tells which alerts start and stop firing, as Prometheus has them. */
import type { Prometheus } from "./prometheus.ts";

const LOOK_MS = 500;
/** It always fires; that is no news. */
const ALWAYS = "Watchdog";
/** A Prometheus that has not scraped yet has no answer from anybody. */
const BEFORE_THE_FIRST_SCRAPE = ["ListenerDown", "PowerDown"];

export function followAlerts(
  { alerts, query }: Pick<Prometheus, "alerts" | "query">,
  services: number,
  tell: (words: string) => void,
) {
  let firing = new Map<string, string>();
  let ignored: Set<string> | undefined;
  const everFired = new Set<string>();
  const look = async () => {
    const now = new Map<string, string>();
    const scraped = (await query("count(up == 1)")) === services;
    const all = (await alerts()).filter(
      ({ state, labels }) => state === "firing" && labels.alertname !== ALWAYS,
    );
    if (ignored === undefined) {
      if (!scraped) return;
      ignored = new Set(BEFORE_THE_FIRST_SCRAPE);
    }
    const names = new Set(all.map(({ labels }) => labels.alertname));
    for (const name of ignored) if (!names.has(name)) ignored.delete(name);
    for (const { labels, annotations } of all) {
      const { alertname = "", instance = "", severity = "" } = labels;
      if (ignored.has(alertname)) continue;
      const key = `${alertname} ${instance} ${severity}`;
      now.set(key, alertname);
      everFired.add(alertname);
      if (!firing.has(key)) tell(`ALERT ${alertname} (${severity}): ${annotations.description ?? ""}`);
    }
    for (const [key, name] of firing) if (!now.has(key)) tell(`alert ${name} is over`);
    firing = now;
  };
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_MS);
  return {
    look,
    /** Whatever fired up to now, by name. */
    fired: (): string[] => [...everFired].sort(),
    stop: () => clearInterval(timer),
  };
}
