/** Every dashboard is whole: words, units, places, and no metric that nobody serves. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { collectDefaultMetrics, Registry } from "prom-client";
import { parse } from "yaml";
import { z } from "zod";
import { describeMetrics } from "../../scripts/generate/metrics.ts";
import { type ReadPanel, readDashboards } from "../../tests/harness/dashboards.ts";
import { RUNBOOKS, TAG } from "./links.ts";

const COLUMNS = 24;
/** Grid units that a laptop of 1366×768 shows beneath Grafana's bars: 12 of 38 pixels. */
const FIRST_SCREEN_UNITS = 12;
const HAN = /\p{Script=Han}/u;
/** Panels whose figures need a unit, or words for them. */
const WITH_FIGURES = new Set(["stat", "timeseries", "heatmap", "state-timeline"]);
/** Labels of every series of ours, and the one of a histogram's buckets. */
const COMMON_LABELS = ["pool", "job", "instance", "le"];
/** What Prometheus itself knows, with its labels. */
const OF_PROMETHEUS: Readonly<Record<string, readonly string[]>> = {
  // No pool: that is what the services say of themselves, and `up` is said of them.
  up: ["job", "instance"],
  ALERTS: ["alertname", "alertstate", "pool", "job", "instance"],
};

const at = (path: string) => new URL(`../../${path}`, import.meta.url);
const dashboards = readDashboards();
const panelsOf = (panels: readonly ReadPanel[]) => panels.filter(({ type }) => type !== "row");

/** Names of series with their labels, as a scrape gives them. */
function servedSeries(): ReadonlyMap<string, ReadonlySet<string>> {
  const process = new Registry();
  collectDefaultMetrics({ register: process });
  const Metric = z.object({ name: z.string(), type: z.string(), labelNames: z.array(z.string()) });
  const { listener, power } = describeMetrics();
  const ofNode = process.getMetricsAsArray().map((metric) => Metric.parse(metric));
  const series = new Map<string, Set<string>>();
  for (const { name, type, labelNames } of [...listener, ...power, ...ofNode]) {
    const suffixes = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    for (const suffix of suffixes) series.set(name + suffix, new Set([...labelNames, ...COMMON_LABELS]));
  }
  for (const [name, labels] of Object.entries(OF_PROMETHEUS)) series.set(name, new Set(labels));
  return series;
}

const served = servedSeries();

/** What an expression asks for that no service serves. */
function unserved(expr: string): string[] {
  const selectors = [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)];
  assert.ok(selectors.length > 0, `no metric in ${expr}`);
  return selectors.flatMap(([, name = "", inner = ""]) => {
    const labels = served.get(name);
    if (labels === undefined) return [name];
    return [...inner.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)]
      .map(([, label = ""]) => label)
      .filter((label) => !labels.has(label))
      .map((label) => `${name}{${label}}`);
  });
}

test("the four dashboards are there, found through their tag, and described", () => {
  assert.deepEqual(
    dashboards.map(({ uid }) => uid),
    ["gpu-power-console", "gpu-power-notifications", "gpu-power-overview", "gpu-power-runtime"],
  );
  for (const { uid, description, tags, links, templating } of dashboards) {
    assert.match(description, HAN, uid);
    assert.deepEqual(tags, [TAG]);
    assert.ok(
      links.some(({ type, tags, asDropdown }) => type === "dashboards" && tags[0] === TAG && asDropdown),
    );
    assert.equal(templating.list[0]?.name, "pool");
  }
});

test("one data source, the provisioned one, is asked", () => {
  const Provisioned = z.object({ datasources: z.array(z.object({ uid: z.string(), type: z.string() })) });
  const file = readFileSync(at("grafana/provisioning/datasources/prometheus.yml"), "utf8");
  const [source] = Provisioned.parse(parse(file)).datasources;
  assert.ok(source !== undefined);
  const asked = dashboards.flatMap(({ panels, templating, annotations }) => [
    ...panelsOf(panels).flatMap((panel) => [
      panel.datasource,
      ...panel.targets.map((each) => each.datasource),
    ]),
    ...templating.list.map((each) => each.datasource),
    ...annotations.list.map((each) => each.datasource),
  ]);
  for (const each of asked) assert.deepEqual(each, { type: source.type, uid: source.uid });
});

for (const { uid, panels } of dashboards) {
  test(`${uid}: each panel has title, Chinese words, targets, a unit, and says when it does not know`, () => {
    for (const panel of panelsOf(panels)) {
      const where = `${uid}, "${panel.title}"`;
      assert.ok(panel.title !== "" && !HAN.test(panel.title), where);
      assert.match(panel.description, HAN, where);
      assert.ok(panel.targets.length > 0, where);
      assert.equal(new Set(panel.targets.map(({ refId }) => refId)).size, panel.targets.length, where);
      const defaults = panel.fieldConfig?.defaults;
      assert.match(defaults?.noValue ?? "", /unknown/, where);
      if (WITH_FIGURES.has(panel.type))
        assert.ok(defaults?.unit !== undefined || (defaults?.mappings ?? []).length > 0, `${where}: no unit`);
      if (panel.type === "stat")
        for (const { instant } of panel.targets) assert.equal(instant, true, `${where} shows what was`);
    }
  });

  test(`${uid}: numbers are its panels' own, none lies on another, the first row fits a laptop`, () => {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      assert.ok(gridPos.x + gridPos.w <= COLUMNS, `${uid}, "${title}" is too wide`);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          const other = taken.get(`${x}/${y}`);
          assert.equal(other, undefined, `${uid}: "${title}" lies on "${other}"`);
          taken.set(`${x}/${y}`, title);
        }
    }
    const firstRow = panels.findIndex(({ type }) => type === "row");
    assert.ok(firstRow > 0);
    const bottom = Math.max(...panels.slice(0, firstRow).map(({ gridPos }) => gridPos.y + gridPos.h));
    assert.ok(bottom <= FIRST_SCREEN_UNITS, `${uid}: the first row ends at ${bottom}`);
  });

  test(`${uid}: every metric and label that it asks for is served`, () => {
    for (const { title, targets } of panelsOf(panels))
      for (const { expr } of targets) {
        assert.deepEqual(unserved(expr), [], `${uid}, "${title}": nobody serves this`);
        assert.ok(!expr.includes("vector("), `${uid}, "${title}" makes up a value`);
      }
  });

  test(`${uid}: every runbook that it links to exists`, () => {
    for (const { title, links } of panels)
      for (const { url = "" } of links) {
        assert.ok(url.startsWith(`${RUNBOOKS}/`), url);
        assert.ok(existsSync(at(`docs/runbooks${url.slice(RUNBOOKS.length)}`)), `${title}: ${url}`);
      }
  });
}

test("annotations ask for what is served, too", () => {
  const exprs = dashboards.flatMap(({ annotations }) =>
    annotations.list.map(({ target }) => target.expr ?? ""),
  );
  assert.equal(exprs.length, 3);
  for (const expr of exprs) assert.deepEqual(unserved(expr), []);
});

test("a metric that is renamed is noticed, and so is a label", () => {
  assert.deepEqual(unserved('sum(gpu_power_gone_total{pool=~"$pool"})'), ["gpu_power_gone_total"]);
  assert.deepEqual(unserved('gpu_power_cost_total{money="CNY"}'), ["gpu_power_cost_total{money}"]);
});
