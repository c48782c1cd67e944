/** The kinds of panels. Each says "unknown" where nothing is known. */
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  type DashboardLinkBuilder,
  FieldColorBuilder,
  FieldColorModeId,
  type Panel,
  type Threshold,
  type ThresholdsConfig,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import {
  PanelBuilder as HeatmapBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  YAxisConfigBuilder,
} from "@grafana/grafana-foundation-sdk/heatmap";
import type { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { RUNBOOKS, runbookLink } from "./links.ts";
import { PROMETHEUS } from "./queries.ts";
import { PLAIN } from "./states.ts";

const UNKNOWN = "unknown";
/** Counts are shown a bar a minute or more, so that a bar holds several scrapes. */
const BAR_STEP = "1m";
const STAT_HEIGHT = 4;
const GRAPH_HEIGHT = 7;

export interface Shown {
  readonly title: string;
  /** What it says, in Chinese. */
  readonly zh: string;
  /** Columns of 24. */
  readonly span: number;
  readonly height?: number;
  readonly unit?: string;
  readonly decimals?: number;
  readonly thresholds?: readonly Threshold[];
  readonly mappings?: ValueMapping[];
  /** Alerts whose runbooks tell more. */
  readonly runbooks?: readonly string[];
  /** Where absence means something else than unknown. */
  readonly noValue?: string;
  /** A time range of its own: now/d is today. */
  readonly since?: "now/d" | "now/w" | "now/M";
  readonly targets: readonly DataqueryBuilder[];
}

/** What all kinds have in common; the SDK has no such type. */
interface AnyPanel {
  title(text: string): unknown;
  description(text: string): unknown;
  datasource(ref: typeof PROMETHEUS): unknown;
  span(columns: number): unknown;
  height(rows: number): unknown;
  noValue(text: string): unknown;
  unit(unit: string): unknown;
  decimals(digits: number): unknown;
  mappings(mappings: ValueMapping[]): unknown;
  thresholds(config: Builder<ThresholdsConfig>): unknown;
  links(links: DashboardLinkBuilder[]): unknown;
  timeFrom(from: string): unknown;
  withTarget(target: Builder<Dataquery>): unknown;
}

function show<Kind extends AnyPanel>(panel: Kind, shown: Shown, height: number): Kind {
  panel.title(shown.title);
  panel.description(shown.zh);
  panel.datasource(PROMETHEUS);
  panel.span(shown.span);
  panel.height(shown.height ?? height);
  panel.noValue(shown.noValue ?? UNKNOWN);
  panel.thresholds(
    new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([...(shown.thresholds ?? PLAIN)]),
  );
  if (shown.unit !== undefined) panel.unit(shown.unit);
  if (shown.decimals !== undefined) panel.decimals(shown.decimals);
  if (shown.mappings !== undefined) panel.mappings(shown.mappings);
  if (shown.runbooks !== undefined) panel.links(shown.runbooks.map(runbookLink));
  if (shown.since !== undefined) panel.timeFrom(shown.since);
  for (const [index, target] of shown.targets.entries()) {
    panel.withTarget(target.refId(String.fromCharCode("A".charCodeAt(0) + index)));
  }
  return panel;
}

export type AnyBuilder = Builder<Panel>;

/** Figures of this moment; `text` says whether the series' names are shown, too, or alone. */
export function stat(shown: Shown & { readonly text?: "name" | "value_and_name" }): AnyBuilder {
  return show(new StatBuilder(), shown, STAT_HEIGHT)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .textMode(
      shown.text === "name"
        ? BigValueTextMode.Name
        : shown.text === "value_and_name"
          ? BigValueTextMode.ValueAndName
          : BigValueTextMode.Auto,
    )
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false).fields(""));
}

const legend = () =>
  new VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom);
const tooltip = () =>
  new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending);

/** Curves; a threshold that is given is drawn as a dashed line. */
export function lines(shown: Shown): AnyBuilder {
  const panel = show(new TimeseriesBuilder(), shown, GRAPH_HEIGHT)
    .legend(legend())
    .tooltip(tooltip())
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .lineWidth(1)
    .fillOpacity(8)
    .showPoints(VisibilityMode.Auto)
    .spanNulls(false)
    .min(0);
  return shown.thresholds === undefined
    ? panel
    : panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
}

/** Counts, stacked. */
export function bars(shown: Shown & { readonly step?: string }): AnyBuilder {
  return show(new TimeseriesBuilder(), shown, GRAPH_HEIGHT)
    .legend(legend())
    .tooltip(tooltip())
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(70)
    .lineWidth(0)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
    .interval(shown.step ?? BAR_STEP)
    .min(0);
}

/** States as coloured stripes; a time without knowledge stays empty. */
export function stripes(shown: Shown): AnyBuilder {
  return show(new StateTimelineBuilder(), shown, STAT_HEIGHT)
    .legend(legend().showLegend(false))
    .tooltip(tooltip())
    .showValue(VisibilityMode.Auto)
    .mergeValues(true)
    .rowHeight(0.85)
    .lineWidth(0)
    .fillOpacity(80);
}

/** A histogram over time. */
export function heatmap(shown: Shown & { readonly unit: string }): AnyBuilder {
  return show(new HeatmapBuilder(), shown, GRAPH_HEIGHT)
    .calculate(false)
    .interval(BAR_STEP)
    .yAxis(new YAxisConfigBuilder().unit(shown.unit))
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme("Oranges").steps(64))
    .cellGap(1);
}

/** Alerts as rows, each with the way to its runbook. */
export function alertTable(shown: Shown): AnyBuilder {
  const hidden = ["Time", "Value", "__name__", "alertstate", "job"];
  const names = { alertname: "alert", severity: "severity", pool: "pool", instance: "instance" };
  return show(new TableBuilder(), shown, GRAPH_HEIGHT)
    .withTransformation({
      id: "organize",
      options: {
        excludeByName: Object.fromEntries(hidden.map((name) => [name, true])),
        renameByName: names,
        indexByName: Object.fromEntries(Object.keys(names).map((name, index) => [name, index])),
      },
    })
    .overrideByName("alert", [
      {
        id: "links",
        value: [{ title: "Runbook", url: `${RUNBOOKS}/\${__value.text}.md`, targetBlank: true }],
      },
    ]);
}
