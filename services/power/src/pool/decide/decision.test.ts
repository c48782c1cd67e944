import assert from "node:assert/strict";
import { test } from "node:test";
import { REASON_WORDS } from "@gpu-power-manager/shared/reason-words";
import { REASONS } from "./decision.ts";

test("every reason has words in both languages, and no word is left over", () => {
  const reasons: readonly string[] = Object.values(REASONS).flat();
  assert.deepEqual(Object.keys(REASON_WORDS).sort(), [...new Set(reasons)].sort());
  for (const { en, zh } of Object.values(REASON_WORDS)) {
    assert.match(en, /^[a-z]/);
    assert.match(zh, /[\u4e00-\u9fff]/);
  }
});
