import assert from "node:assert/strict";
import { test } from "node:test";
import { hashKey } from "@gpu-power-manager/shared/license";
import { Ledger } from "./ledger.ts";
import { readState, writeState } from "./ledger-state.ts";
import { PendingList } from "./pending.ts";

const EMPTY = { once: "", more: {} };

test("written and read it is the same", () => {
  const state = {
    epoch: "e",
    accounted: new Map([
      ["AAAAAAAA", 1],
      ["BBBBBBB-", 3],
      ["CCCCCCC_", 1],
    ]),
    credits: new Map([["DDDDDDDD", 2]]),
    doubts: new Map([["older", new Map([["EEEEEEEE", 1]])]]),
  };
  assert.deepEqual(readState(JSON.parse(writeState(state))), state);
});

test("what a listener of before the short hashes left is understood, so an upgrade counts nothing twice", () => {
  const raws = ['{"type":"url","url":"a","key":"K1"}', '{"type":"url","url":"b","key":"K1"}'];
  const list = new PendingList("K1");
  const [first, second] = raws.map((raw) => list.read(Buffer.from(raw)) ?? assert.fail());
  assert.ok(first !== undefined && second !== undefined);
  const older = {
    version: 1,
    epoch: "e",
    accounted: { [first.hash]: 1 },
    credits: { [JSON.stringify(["url", "", hashKey("K1")])]: 1 },
    doubts: {},
  };
  const ledger = new Ledger(1_000, "f");
  ledger.inherit(readState(older));
  ledger.beginRead(0);
  assert.deepEqual(ledger.endRead([first, second], 0), []);
  assert.equal(ledger.dueAt, undefined, "one was dealt with, and of the other a notice had come");
});

test("what is cut off, or no state at all, is refused", () => {
  const state = { version: 2, epoch: "e", accounted: EMPTY, credits: EMPTY, doubts: {} };
  assert.doesNotThrow(() => readState(state));
  for (const wrong of [
    undefined,
    {},
    { ...state, version: 3 },
    { ...state, epoch: "" },
    { ...state, accounted: { once: "AAAAAAA", more: {} } },
    { ...state, accounted: { once: "AAAAAAA!", more: {} } },
    { ...state, credits: { once: "", more: { AAAAAAAA: 0 } } },
    { ...state, doubts: { older: { once: "" } } },
  ]) {
    assert.throws(() => readState(wrong), JSON.stringify(wrong));
  }
});
