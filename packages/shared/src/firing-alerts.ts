import { z } from "zod";

const Words = z.object({ en: z.string(), zh: z.string() });

/** The alerts that fire, as Prometheus says, the gravest first; Watchdog, which always fires, is left out. */
export const FiringAlerts = z.object({
  at: z.iso.datetime().meta({ description: "when Prometheus was asked" }),
  alerts: z.array(
    z.object({
      name: z.string(),
      severity: z.enum(["critical", "warning", "info"]),
      since: z.iso.datetime().meta({ description: "when it became true; it fires some time later" }),
      summary: Words,
      description: Words,
      runbook: z.string().nullable().meta({ description: "a path of this project, or an address" }),
    }),
  ),
});
export type FiringAlerts = z.infer<typeof FiringAlerts>;
