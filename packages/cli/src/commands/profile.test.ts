import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProfileCheck } from "@gpu-power-manager/shared/profile-doctor";
import { speaker } from "../language.ts";
import { describeCheck, isWrong } from "./profile.ts";

const line = { selector: "tr", words: "", count: 1, texts: ["运行中"], boxes: [] };
const good: ProfileCheck = {
  at: "2026-01-01T00:00:00.000Z",
  profile: "demo",
  url: "http://console.invalid/",
  selectors: [
    { ...line, name: "page.state", verdict: "found" },
    { ...line, name: "start.steps.1.click", verdict: "not_shown" },
  ],
  selectorsWords: null,
  api: {
    machines: 1,
    words: null,
    fields: [{ name: "api.facts.gpus", field: "GPU", verdict: "not_told", count: 0, words: "" }],
    unlisted: [],
  },
  apiWords: null,
};
const api = good.api;
const CASES: ReadonlyArray<readonly [what: string, check: ProfileCheck, wrong: boolean]> = [
  ["all is found or shows later", good, false],
  ["a line is missing", { ...good, selectors: [{ ...line, name: "page.row", verdict: "missing" }] }, true],
  ["a line is ambiguous", { ...good, selectors: [{ ...line, name: "page.id", verdict: "ambiguous" }] }, true],
  [
    "the page shows a word that is not listed",
    { ...good, selectors: [{ ...line, name: "page.state", verdict: "found", unlisted: ["重启中"] }] },
    true,
  ],
  ["the page cannot be looked at", { ...good, selectors: null, selectorsWords: "login" }, true],
  ["the API cannot be asked", { ...good, api: null, apiWords: "login" }, true],
  ["the API says another word", { ...good, api: api && { ...api, unlisted: ["Napping"] } }, true],
];

for (const [what, check, wrong] of CASES) {
  test(`something has to be mended: ${what}`, () => {
    assert.equal(isWrong(check), wrong);
    for (const language of ["en", "zh"] as const) {
      const text = describeCheck(check, { say: speaker(language), paint: (_, words) => words }).join("\n");
      for (const { name } of check.selectors ?? []) assert.ok(text.includes(name));
      for (const word of check.api?.unlisted ?? []) assert.ok(text.includes(word));
    }
  });
}
