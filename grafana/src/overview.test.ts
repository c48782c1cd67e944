/** What the overview's less plain queries make of known series, by promtool: above all that unknown is never 0. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { readDashboards } from "../../tests/harness/dashboards.ts";

const overview = readDashboards().find(({ uid }) => uid === "gpu-power-overview");
assert.ok(overview !== undefined);
const { panels, annotations } = overview;

const substituted = (expr: string | undefined) =>
  (expr ?? "").replaceAll("$__range", "10m").replaceAll(/\$(pool|instance)/g, ".*");
const panel = (title: string) => substituted(panels.find((each) => each.title === title)?.targets[0]?.expr);
const annotation = (name: string) =>
  substituted(annotations.list.find((each) => each.name === name)?.target.expr);

/** At this minute the expression gives this one value; undefined: nothing, which is shown as unknown. */
type Expectation = readonly [expr: string, minute: number, value: number | undefined];

function check(series: Readonly<Record<string, string>>, labels: string, expected: readonly Expectation[]) {
  const folder = mkdtempSync(join(tmpdir(), "gpm-panels-"));
  try {
    const file = join(folder, "tests.yml");
    const promql_expr_test = expected.map(([expr, minute, value]) => ({
      expr,
      eval_time: `${minute}m`,
      exp_samples: value === undefined ? [] : [{ labels, value }],
    }));
    const input_series = Object.entries(series).map(([name, values]) => ({ series: name, values }));
    const tests = [{ interval: "1m", input_series, promql_expr_test }];
    writeFileSync(file, stringify({ evaluation_interval: "1m", tests }));
    const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", file], { encoding: "utf8" });
    assert.equal(status, 0, `${stdout}${stderr}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const state = (name: string) => `gpu_power_instance_state{pool="default",instance="gpu-1",state="${name}"}`;
const GPU_1 = '{pool="default",instance="gpu-1"}';

test("the state is the one that is 1, and unknown when power says nothing", () => {
  const series = {
    [state("unknown")]: "0 0 0 0 1 stale",
    [state("stopped")]: "1 0 0 0 0 stale",
    [state("starting")]: "0 1 0 0 0 stale",
    [state("running")]: "0 0 1 0 0 stale",
    [state("stopping")]: "0 0 0 1 0 stale",
  };
  const gpu = panel("GPU");
  check(series, GPU_1, [
    [gpu, 0, 1],
    [gpu, 1, 2],
    [gpu, 2, 3],
    [gpu, 3, 4],
    [gpu, 4, 0],
    [gpu, 5, undefined],
  ]);
});

test("starts and stops are told for five minutes, and a restart of power is neither", () => {
  const starts = annotation("Starts");
  const stops = annotation("Stops");
  check({ [state("running")]: "0 0 1 1 0 0 0 0 0 0 stale 1 1" }, GPU_1, [
    [starts, 1, undefined],
    [starts, 2, 1],
    [stops, 3, undefined],
    [stops, 4, 1],
    [starts, 9, undefined],
    [stops, 9, undefined],
  ]);
  // Power was away while the machine went on running: its first word afterwards is no start.
  check({ [state("running")]: "1 1 stale _ _ 1 1" }, GPU_1, [[starts, 6, undefined]]);
});

test("alerts are counted but for Watchdog, and unknown when not even that one fires", () => {
  const watchdog = 'ALERTS{alertname="Watchdog",alertstate="firing"}';
  const other = 'ALERTS{alertname="PowerDown",alertstate="firing",pool="default"}';
  const count = panel("Alerts firing");
  check({ [watchdog]: "1 1 1 stale", [other]: "_ 1 stale" }, "{}", [
    [count, 0, 0],
    [count, 1, 1],
    [count, 2, 0],
    [count, 3, undefined],
  ]);
});

test("nothing is missed only where the backlog can be read", () => {
  const missed = panel("Missed notifications");
  const counter = 'gpu_listener_notices_missed_total{pool="default",source="backlog"}';
  const configured = 'gpu_listener_backlog_configured{pool="default"}';
  check({ [counter]: "0x10 3", [configured]: "1x11" }, '{pool="default"}', [[missed, 10, 0]]);
  check({ [counter]: "0x11", [configured]: "0x11" }, '{pool="default"}', [[missed, 10, undefined]]);
});

test("the hold is none, or the one that is 1, and unknown when power says nothing", () => {
  const hold = (mode: string) => `gpu_power_hold{pool="default",mode="${mode}"}`;
  const series = {
    [hold("as_is")]: "0 1 0 0 stale",
    [hold("on")]: "0 0 1 0 stale",
    [hold("off")]: "0 0 0 1 stale",
  };
  const shown = panel("Operator's hold");
  check(series, '{pool="default"}', [
    [shown, 0, 0],
    [shown, 1, 1],
    [shown, 2, 2],
    [shown, 3, 3],
    [shown, 4, undefined],
  ]);
});
