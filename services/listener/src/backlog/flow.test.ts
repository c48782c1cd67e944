import assert from "node:assert/strict";
import { test } from "node:test";
import { Flow } from "./flow.ts";

const MIB = 1024 * 1024;

/** Begins as often as the flow lets it, and returns the windows. */
async function admitted(flow: Flow, times: number, begun: boolean): Promise<number[]> {
  const windows: number[] = [];
  for (let index = 0; index < times; index += 1)
    void flow.begin(begun).then((window) => windows.push(window));
  await new Promise((resolve) => setImmediate(resolve));
  return windows;
}

test("before anything was seen one window is under way; while all is small, many are", async () => {
  const flow = new Flow(8 * MIB);
  const windows = await admitted(flow, 100, false);
  assert.deepEqual(windows, [4]);
  flow.end(4, 100);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    windows,
    Array.from({ length: 1 + 256 / 4 }, () => 4),
  );
});

test("large entries: fewer at once, and a window never so small that nothing new is in it", async () => {
  const cases = [
    { largest: 1_000, windows: Array.from({ length: 10 }, () => 16) },
    { largest: 0.25 * MIB, windows: [16, 16] },
    { largest: 0.5 * MIB, windows: [16] },
    { largest: MIB, windows: [8] },
    { largest: 2 * MIB, windows: [4] },
    { largest: 100 * MIB, windows: [2] },
  ];
  for (const { largest, windows } of cases) {
    const flow = new Flow(8 * MIB);
    flow.end(await flow.begin(false), largest);
    assert.deepEqual(await admitted(flow, 10, true), windows, `${largest} bytes`);
  }
});

test("one large entry slows the whole reading down, however small those after it are", async () => {
  const flow = new Flow(8 * MIB);
  flow.end(await flow.begin(false), 4 * MIB);
  flow.end(await flow.begin(true), 10);
  assert.deepEqual(await admitted(flow, 10, true), [2]);
});
