/** What was told of a budget is not told again by the power that comes after. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BudgetEntry } from "@gpu-power-manager/shared/history-entries";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { busOn } from "../../../../tests/harness/bus.ts";
import { startNats } from "../../../../tests/harness/servers.ts";
import { BudgetWatch } from "./budget-watch.ts";

test("each level is told once, across a restart too, and not by a power that stands by", async (t) => {
  const nats = await startNats();
  const bus = await busOn(nats);
  t.after(async () => {
    await bus.close();
    await nats.stop();
  });
  const told: BudgetEntry[] = [];
  const world = { spent: 85, acts: true };
  const open = async () =>
    await BudgetWatch.open({
      kv: bus.kv,
      pool: "default",
      budgets: () => [
        {
          period: "month",
          amount: 100,
          warnAt: 0.8,
          whenSpent: "alert",
          spent: world.spent,
          unpricedMs: 0,
          from: 1,
          until: 2,
          countedSince: 1,
          goneAt: null,
        },
      ],
      outbound: { budget: (entry) => void told.push(entry) },
      mayAct: () => world.acts,
      now: () => 1,
      logger: createLogger({ service: "test", level: "fatal", secrets: [] }),
    });
  const first = await open();
  await first.look();
  await first.look();
  const second = await open();
  await second.look();
  world.spent = 101;
  world.acts = false;
  await second.look();
  world.acts = true;
  await second.look();
  assert.deepEqual(
    told.map(({ period, level, spent }) => [period, level, spent]),
    [
      ["month", "nearly_spent", 85],
      ["month", "spent", 101],
    ],
  );
});
