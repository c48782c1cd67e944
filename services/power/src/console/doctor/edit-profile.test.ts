import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { parseProfile } from "../profile.ts";
import { withLine } from "./edit-profile.ts";
import { linesOf } from "./profile-lines.ts";

const read = (name: string) =>
  readFileSync(new URL(`../../../../../profiles/${name}.yaml`, import.meta.url), "utf8");

for (const name of ["compshare", "autodl"]) {
  const text = read(name);
  const lines = linesOf(parseProfile(text, name)).map((line) => line.name);

  test(`${name}: any line takes any selector, and nothing else of the file changes`, () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...lines),
        fc.oneof(
          fc.string({ minLength: 1 }),
          fc.constantFrom(
            "no",
            ".x",
            "tr.a > td",
            "a[href='#']",
            "#id",
            "~",
            "1",
            "- a",
            "a: b",
            "a #b",
            "{a}",
          ),
        ),
        (line, value) => {
          const changed = withLine(text, "p.yaml", line, value);
          const found = linesOf(parseProfile(changed, "p.yaml")).find((each) => each.name === line);
          assert.equal(found?.selector, value);
          const differing = changed.split("\n").filter((each, index) => each !== text.split("\n")[index]);
          assert.ok(differing.length <= 1, differing.join("\n"));
          assert.equal(changed.split("#").length >= text.split("#").length, true, "comments stay");
        },
      ),
      { numRuns: 300 },
    );
  });

  test(`${name}: a profile that a person broke in any single line is refused with that line`, () => {
    const all = text.split("\n");
    let tried = 0;
    for (const [index, line] of all.entries()) {
      if (/^\s*(?:#|$)/.test(line)) continue;
      tried += 1;
      const broken = [
        // A key that is mistyped, and a value that is.
        line.replace(/^(\s*(?:- )?)("?[^":]*"?):/, (_, lead: string, key: string) => `${lead}${key}x:`),
        line.replace(/(\S+)(\s+#.*)?$/, (_, value: string, rest = "") => `${value}x${rest}`),
      ];
      const told = broken.map((each) => problemsOf(all.with(index, each).join("\n")));
      assert.ok(
        told.some((problems) => problems.some((each) => each.startsWith(`p.yaml:${index + 1}:`))),
        `line ${index + 1} (${line.trim()}) broken, and told: ${JSON.stringify(told)}`,
      );
    }
    assert.ok(tried > 60);
  });
}

function problemsOf(text: string): string[] {
  try {
    parseProfile(text, "p.yaml");
    return [];
  } catch (error) {
    return String(error instanceof Error ? error.message : error)
      .split("\n")
      .map((each) => each.trim().replace(/^- /, ""));
  }
}

test("a line that is not there, or has more than one value, is not written", () => {
  const text = read("compshare");
  for (const line of ["page.menu", "page.next", "start.steps.7.click", "page.rows"])
    assert.throws(() => withLine(text, "p.yaml", line, "x"), /has no line/);
  assert.throws(() => withLine(text, "p.yaml", "console.url", "nowhere"), /must be an http/);
  assert.equal(parse(withLine(text, "p.yaml", "page.row", "li.x")).page.row, "li.x");
});
