/** The generated dashboards as Grafana reads them. */
import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";

const FOLDER = new URL("../../grafana/dashboards/", import.meta.url);

const DataSource = z.object({ type: z.string(), uid: z.string() });
const Target = z.object({
  refId: z.string(),
  expr: z.string(),
  instant: z.boolean().optional(),
  datasource: DataSource,
});
const Link = z.object({ title: z.string(), url: z.string().optional() });
const Panel = z.object({
  id: z.number(),
  type: z.string(),
  title: z.string(),
  description: z.string().default(""),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  datasource: DataSource.optional(),
  targets: z.array(Target).default([]),
  links: z.array(Link).default([]),
  fieldConfig: z
    .object({
      defaults: z.object({
        unit: z.string().optional(),
        noValue: z.string().optional(),
        mappings: z.array(z.unknown()).default([]),
      }),
    })
    .optional(),
});
export type ReadPanel = z.infer<typeof Panel>;
const Dashboard = z.object({
  uid: z.string(),
  title: z.string(),
  description: z.string(),
  editable: z.literal(false),
  tags: z.array(z.string()),
  links: z.array(z.object({ type: z.string(), tags: z.array(z.string()), asDropdown: z.boolean() })),
  panels: z.array(Panel),
  templating: z.object({
    list: z.array(z.object({ name: z.string(), query: z.string(), datasource: DataSource })),
  }),
  annotations: z.object({
    list: z
      .array(z.object({ name: z.string(), datasource: DataSource, target: Target.partial() }))
      .default([]),
  }),
});
export type ReadDashboard = z.infer<typeof Dashboard>;

export function readDashboards(): ReadDashboard[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".json"))
    .map((name) => Dashboard.parse(JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"))));
}
