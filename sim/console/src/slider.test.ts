import assert from "node:assert/strict";
import { test } from "node:test";
import { notByHand, type Slide } from "./slider.ts";

const LENGTH = 240;
/** Slow, quick, slow, and a little up and down. */
const byHand: Slide = Array.from({ length: 40 }, (_, index) => {
  const part = index / 39;
  return [LENGTH * part * part * (3 - 2 * part), 10 + Math.sin(index) * 2, index * 18];
});
const changed = (change: (point: Slide[number], index: number) => Slide[number]) => byHand.map(change);

for (const [what, slide, wanted] of [
  ["a hand's", byHand, undefined],
  ["a jump", [byHand[0], byHand.at(-1)].flatMap((each) => (each === undefined ? [] : [each])), /too few/],
  ["one that is too quick", changed(([x, y, at]) => [x, y, at / 10]), /it took/],
  ["one that stops halfway", changed(([x, y, at]) => [x / 2, y, at]), /px along/],
  ["an even one", changed(([, y, at], index) => [(LENGTH * index) / 39, y, at]), /evenly/],
  ["a straight one", changed(([x, , at]) => [x, 10, at]), /a line/],
  ["one whose points came all at once", changed(([x, y], index) => [x, y, index < 39 ? 0 : 700]), /times/],
] as const)
  test(`the way of a slider: ${what}`, () => {
    const words = notByHand(slide, LENGTH);
    if (wanted === undefined) assert.equal(words, undefined);
    else assert.match(words ?? "passed", wanted);
  });
