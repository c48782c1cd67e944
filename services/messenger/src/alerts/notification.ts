/** What Alertmanager posts: a group of alerts. */
import { z } from "zod";

/** Alertmanager has this in place of an end that is not known. */
const NO_TIME = "0001-01-01T00:00:00Z";

const Time = z.string().transform((text, context) => {
  if (text === NO_TIME) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at)) {
    context.addIssue("must be a time");
    return z.NEVER;
  }
  return at;
});
const Texts = z.record(z.string(), z.string());

export const Notification = z.object({
  status: z.enum(["firing", "resolved"]),
  alerts: z
    .array(
      z.object({
        status: z.enum(["firing", "resolved"]),
        labels: Texts,
        annotations: Texts,
        /** Milliseconds since the epoch; undefined where nobody knows. */
        startsAt: Time,
        endsAt: Time,
      }),
    )
    .min(1),
  /** Alerts of the group that were left out for their number. */
  truncatedAlerts: z.number().int().nonnegative().default(0),
});
export type Notification = z.output<typeof Notification>;
export type Alert = Notification["alerts"][number];
