import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { BurstLog } from "./burst-log.ts";

function capture() {
  const lines: Array<Record<string, unknown>> = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const logger = createLogger({ service: "test", level: "info", secrets: [], destination });
  return { log: new BurstLog(logger), lines };
}

test("a burst is named a hundred times and then counted; the next second begins anew", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const { log, lines } = capture();
  for (let index = 0; index < 1_000; index += 1) log.info({ index }, "notice received");
  log.info({}, "event published");
  await turn();
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    [...Array.from({ length: 100 }, () => "notice received"), "event published"],
  );
  mock.timers.tick(1_000);
  assert.partialDeepStrictEqual(lines.at(-1), { line: "notice received", more: 900 });
  log.info({ index: 1_000 }, "notice received");
  await turn();
  assert.partialDeepStrictEqual(lines.at(-1), { msg: "notice received", index: 1_000 });
  mock.timers.tick(1_000);
  assert.equal(lines.length, 103, "a quiet second has nothing to add");
});

test("what a stop interrupts is counted too", () => {
  const { log, lines } = capture();
  for (let index = 0; index < 150; index += 1) log.info({ index }, "notice received");
  log.close();
  assert.partialDeepStrictEqual(lines.at(-1), { line: "notice received", more: 50 });
});

test("details that are dear to make are made for a line that is written, and for no other", async () => {
  const { log, lines } = capture();
  let made = 0;
  for (let index = 0; index < 1_000; index += 1) log.warn(() => ({ made: ++made }), "a frame");
  await turn();
  assert.equal(made, 100);
  assert.equal(lines.length, 100);
  assert.partialDeepStrictEqual(lines.at(-1), { msg: "a frame", made: 100 });
});

test("a line waits for the end of the turn, so that what it tells of goes first; a stop waits for nothing", async () => {
  const { log, lines } = capture();
  log.info({}, "notice received");
  assert.equal(lines.length, 0);
  await turn();
  assert.equal(lines.length, 1);
  log.info({}, "event published");
  log.close();
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ["notice received", "event published"],
  );
});
