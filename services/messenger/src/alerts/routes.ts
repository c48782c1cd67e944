/** Where Alertmanager posts: `/alerts/<robot>`, one group at a time. */
import express, { type Express } from "express";
import type { RobotKind } from "../config/robots.ts";
import type { Delivery } from "../robots/delivery.ts";
import { type Manner, messageOf } from "./message.ts";
import { Notification } from "./notification.ts";

/** Twenty alerts with all their labels have some 40 kB. */
const BODY_LIMIT = "1mb";
/** Alertmanager tries again soon after 503, and only with the next round of the group after 4xx. */
const STATUS = { sent: 200, wait: 503, held: 503, failed: 503, refused: 422 } as const;

export function addRoutes(
  app: Express,
  { manner, deliveries }: { manner: Manner; deliveries: ReadonlyMap<string, Pick<Delivery, "send">> },
): void {
  app.post("/alerts/:robot", express.json({ limit: BODY_LIMIT }), async (request, response) => {
    const kind: RobotKind | string = String(request.params.robot);
    const delivery = deliveries.get(kind);
    if (delivery === undefined) {
      response.status(404).send("No such robot is configured: run `make up`.\n");
      return;
    }
    const parsed = Notification.safeParse(request.body);
    if (!parsed.success) {
      response.status(400).send("This is no notification of Alertmanager.\n");
      return;
    }
    const delivered = await delivery.send(messageOf(parsed.data, manner));
    if ("waitMs" in delivered) response.set("retry-after", String(Math.ceil(delivered.waitMs / 1_000)));
    response.status(STATUS[delivered.outcome]);
    response.send(delivered.outcome === "sent" ? "sent\n" : `${kind}: ${delivered.words}\n`);
  });
}
