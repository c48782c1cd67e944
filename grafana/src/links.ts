/** Ways from one dashboard to another and to the runbooks. */
import { DashboardLinkBuilder, DashboardLinkType } from "@grafana/grafana-foundation-sdk/dashboard";

/** On each of our dashboards, so that they find each other. */
export const TAG = "gpu-power";
/** docs/runbooks, which the compose file mounts among the files that Grafana serves: read without a network. */
export const RUNBOOKS = "/public/runbooks";

export function dashboardLinks(): DashboardLinkBuilder {
  return new DashboardLinkBuilder("GPU Power")
    .type(DashboardLinkType.Dashboards)
    .tags([TAG])
    .asDropdown(true)
    .includeVars(true)
    .keepTime(true);
}

/** In a tab of its own, because Grafana would take the address for one of its own pages. */
export function runbookLink(alert: string): DashboardLinkBuilder {
  return new DashboardLinkBuilder(`Runbook: ${alert}`)
    .type(DashboardLinkType.Link)
    .url(`${RUNBOOKS}/${alert}.md`)
    .targetBlank(true);
}
