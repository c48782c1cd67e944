/** Grafana's dashboards as files, from grafana/src. */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { console } from "../../grafana/src/console.ts";
import { notifications } from "../../grafana/src/notifications.ts";
import { overview } from "../../grafana/src/overview.ts";
import { runtime } from "../../grafana/src/runtime.ts";

export const DASHBOARDS: readonly Dashboard[] = [overview, notifications, console, runtime];

/** The file's content by its path. */
export function dashboardFiles(): Record<string, () => string> {
  return Object.fromEntries(
    DASHBOARDS.map((dashboard) => [
      `grafana/dashboards/${dashboard.uid}.json`,
      () => `${JSON.stringify(dashboard, null, 2)}\n`,
    ]),
  );
}
