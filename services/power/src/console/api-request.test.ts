import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { addressOf, fieldsOf, filterOf, formOf, readRequest, windowOf } from "./api-request.ts";
import { parseProfile } from "./profile.ts";

const apiOf = (name: string) =>
  parseProfile(
    readFileSync(new URL(`../../../../profiles/${name}.yaml`, import.meta.url), "utf8"),
    `${name}.yaml`,
  ).api;
const form = apiOf("compshare");
const json = apiOf("autodl");

test("what is put together is read again, in either form", () => {
  const name = fc.stringMatching(/^[a-z][a-z_]{0,8}$/);
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z]{1,8}(\/[a-z_]{1,8})?$/),
      fc.dictionary(name, fc.string()),
      (action, fields) => {
        const inForm = formOf(fieldsOf(action, fields, form, 7));
        const asked = readRequest(
          { method: "POST", url: addressOf(action, form), body: new URLSearchParams(inForm).toString() },
          form,
        );
        assert.deepEqual(asked, { action, fields: { Action: action, ...fields, _timestamp: "7" } });
        const body = JSON.stringify(fieldsOf(action, fields, json, 7));
        assert.deepEqual(readRequest({ method: "POST", url: addressOf(action, json), body }, json), {
          action,
          fields: { ...fields },
        });
      },
    ),
  );
});

for (const [what, request] of [
  ["another origin", { method: "POST", url: "https://www.autodl.com.example/api/v1/instance", body: "{}" }],
  ["another path", { method: "POST", url: "https://www.autodl.com/api/v10/instance", body: "{}" }],
  ["another method", { method: "GET", url: "https://www.autodl.com/api/v1/instance", body: null }],
  ["no JSON", { method: "POST", url: "https://www.autodl.com/api/v1/instance", body: "a=b" }],
  ["no body", { method: "POST", url: "https://www.autodl.com/api/v1/instance", body: null }],
] as const) {
  test(`a request with ${what} is none to the API`, () => {
    assert.equal(readRequest(request, json), undefined);
  });
}

test("pages of the list are asked for by number or by offset", () => {
  assert.deepEqual(windowOf(form, 2, 200), { Offset: 200, Limit: 100 });
  assert.deepEqual(windowOf(json, 2, 20), { page_index: 3, page_size: 10 });
});

test("a filter is numbered in a form, a list in JSON, and left out where there is none", () => {
  assert.deepEqual(filterOf(form, ["a", "b"]), { "UHostIds.0": "a", "UHostIds.1": "b" });
  assert.deepEqual(filterOf({ ...json, list: { ...json.list, filter: "ids" } }, ["a"]), { ids: ["a"] });
  assert.deepEqual(filterOf(json, ["a"]), {});
});
