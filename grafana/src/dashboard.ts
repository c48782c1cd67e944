/** What all dashboards share: rows of panels on a grid, variables, links, time. */
import {
  type AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { dashboardLinks, TAG } from "./links.ts";
import type { AnyBuilder } from "./panels.ts";
import { POOL, PROMETHEUS } from "./queries.ts";

/** Panels that can be folded away together. */
export interface Row {
  readonly title: string;
  readonly panels: readonly AnyBuilder[];
}

export interface Content {
  /** Also the name of its file. */
  readonly uid: string;
  readonly title: string;
  /** What it answers, in Chinese. */
  readonly zh: string;
  /** Choose instances of the pool, too. */
  readonly byInstance: boolean;
  readonly from: string;
  readonly annotations?: readonly AnnotationQueryBuilder[];
  /** Seen without scrolling. */
  readonly first: readonly AnyBuilder[];
  readonly rows: readonly Row[];
}

function variable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(PROMETHEUS)
    .query(query)
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ text: "All", value: "$__all" });
}

export function dashboard(content: Content): Dashboard {
  const builder = new DashboardBuilder(`GPU Power / ${content.title}`)
    .uid(content.uid)
    .description(content.zh)
    .tags([TAG])
    .readonly()
    .timezone("browser")
    .weekStart("monday")
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: content.from, to: "now" })
    .refresh("10s")
    .link(dashboardLinks())
    .withVariable(variable("pool", "Pool", "label_values(process_start_time_seconds, pool)"));
  if (content.byInstance) {
    const query = `label_values(gpu_power_instance_state{${POOL}}, instance)`;
    builder.withVariable(variable("instance", "Instance", query));
  }
  for (const annotation of content.annotations ?? []) builder.annotation(annotation);
  for (const panel of content.first) builder.withPanel(panel);
  for (const { title, panels } of content.rows) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(panel);
  }
  const built = builder.build();
  // Numbers of their own: a link to a panel must not depend on what Grafana would give it.
  for (const [index, panel] of (built.panels ?? []).entries()) panel.id = index + 1;
  return built;
}
