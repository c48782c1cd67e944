/** What is asked of Prometheus, and how panels say for which pool and instance. */
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";

/** The uid in grafana/provisioning/datasources. */
export const PROMETHEUS = { type: "prometheus", uid: "gpu-power-prometheus" };

/** Every series of our services carries the pool; what Prometheus adds itself (`up`) does not. */
export const POOL = 'pool=~"$pool"';
/** For metrics with power's own label `instance` (gpu-1, …). */
export const INSTANCE = `${POOL},instance=~"$instance"`;
export const INSTANCE_NAME = "{{pool}}/{{instance}}";
/** Our own processes, by the names of the scrape jobs. */
export const SERVICES = `${POOL},job=~"listener|power"`;

/** The value now. Not the last one of the time range: what has gone would still be shown as if it were known. */
export function now(expr: string, legend = ""): DataqueryBuilder {
  return new DataqueryBuilder().datasource(PROMETHEUS).expr(expr).legendFormat(legend).instant();
}

/** The value now as rows, one for each series with its labels. */
export function rows(expr: string): DataqueryBuilder {
  return now(expr).format(PromQueryFormat.Table);
}

/** The value over the time range. */
export function over(expr: string, legend = ""): DataqueryBuilder {
  return new DataqueryBuilder().datasource(PROMETHEUS).expr(expr).legendFormat(legend).range();
}

/** A histogram's buckets over the time range. */
export function buckets(metric: string, selector: string): DataqueryBuilder {
  return over(`sum by (le) (increase(${metric}_bucket{${selector}}[$__interval]))`, "{{le}}").format(
    PromQueryFormat.Heatmap,
  );
}

/** A quantile of a histogram within `window`, for each value of `by`. */
export function quantile(q: number, metric: string, selector: string, window: string, by = ""): string {
  const labels = by === "" ? "le" : `le, ${by}`;
  return `histogram_quantile(${q}, sum by (${labels}) (rate(${metric}_bucket{${selector}}[${window}])))`;
}

/** p50 and p95 of a histogram over the time range. */
export function percentiles(metric: string, selector: string, by = ""): DataqueryBuilder[] {
  return [0.5, 0.95].map((q) =>
    over(
      quantile(q, metric, selector, "$__rate_interval", by),
      `p${q * 100}${by === "" ? "" : ` {{${by}}}`}`,
    ),
  );
}

/** Events counted within each step, for each value of `by`. */
export function counted(metric: string, selector: string, by: string): DataqueryBuilder {
  const legend = by.split(", ").map((label) => `{{${label}}}`);
  return over(`sum by (${by}) (increase(${metric}{${selector}}[$__interval]))`, legend.join(" "));
}

/** Seconds since a time that a metric holds. */
export function secondsSince(metric: string, selector: string, by: string): string {
  return `time() - max by (${by}) (${metric}{${selector}})`;
}
