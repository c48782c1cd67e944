import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { parseProfile } from "../console/profile.ts";
import { laneProblems } from "./lane-problems.ts";

const text = readFileSync(new URL("../../../../profiles/compshare.yaml", import.meta.url), "utf8");
const profile = parseProfile(text, "compshare.yaml");
const unsigned = { ...profile, signed: undefined, lanes: ["api" as const] };
const KEYS = { PROVIDER_PUBLIC_KEY: "public", PROVIDER_PRIVATE_KEY: "a-private-key", BROWSER: undefined };
const NONE = { PROVIDER_PUBLIC_KEY: undefined, PROVIDER_PRIVATE_KEY: undefined, BROWSER: undefined };

const CASES: Array<[string, Parameters<typeof laneProblems>, RegExp | undefined]> = [
  ["no keys", [NONE, profile], undefined],
  ["no keys, a profile without a signed API", [NONE, unsigned], undefined],
  ["keys", [KEYS, profile], undefined],
  ["keys and no browser", [{ ...KEYS, BROWSER: "never" }, profile], undefined],
  ["no keys, and a browser when needed", [{ ...NONE, BROWSER: "when_needed" }, profile], undefined],
  [
    "a public key alone",
    [{ ...KEYS, PROVIDER_PRIVATE_KEY: undefined }, profile],
    /PRIVATE_KEY_FILE is missing/,
  ],
  ["a private key alone", [{ ...KEYS, PROVIDER_PUBLIC_KEY: undefined }, profile], /PUBLIC_KEY is missing/],
  ["neither keys nor a browser", [{ ...NONE, BROWSER: "never" }, profile], /no keys of a signed API/],
  ["no keys for the only lane", [NONE, { ...profile, lanes: ["signed"] }], /only lane is signed/],
  ["keys that no section uses", [KEYS, unsigned], /no section `signed`/],
  [
    "no lane without a browser",
    [
      { ...KEYS, BROWSER: "never" },
      { ...profile, lanes: ["api"] },
    ],
    /leave signed out/,
  ],
];
for (const [what, args, words] of CASES) {
  test(`keys, browser and lanes: ${what}`, () => {
    const problems = laneProblems(...args);
    if (words === undefined) assert.deepEqual(problems, []);
    else assert.match(problems.join(), words);
  });
}

type Raw = { signed?: Record<string, unknown>; lanes?: unknown };
const MISTAKES: Array<[string, (raw: Raw) => void, RegExp]> = [
  [
    "a scheme that nobody knows",
    ({ signed }) => Object.assign(signed ?? {}, { scheme: "md5" }),
    /one of sorted-sha1/,
  ],
  ["no address", ({ signed }) => delete signed?.url, /signed.url: must be an http/],
  [
    "another kind of address",
    ({ signed }) => Object.assign(signed ?? {}, { url: "ftp://a/" }),
    /http or https/,
  ],
  ["no way to stop", ({ signed }) => delete signed?.stop, /signed.stop/],
  ["a word too many", ({ signed }) => Object.assign(signed ?? {}, { key: "x" }), /Unrecognized key/],
  [
    "one field for two things",
    ({ signed }) => Object.assign(signed ?? {}, { signatureField: "PublicKey" }),
    /three different fields/,
  ],
  [
    "a constant that the request fills in",
    ({ signed }) => Object.assign(signed ?? {}, { constants: { Signature: "x" } }),
    /"Signature" is filled in by the request itself/,
  ],
  [
    "0 as a refusal",
    ({ signed }) => Object.assign(signed ?? {}, { keyCodes: [0] }),
    /0 is the code of an accepted/,
  ],
  [
    "a code with two meanings",
    ({ signed }) => Object.assign(signed ?? {}, { limitCodes: [171] }),
    /171 is among keyCodes, too/,
  ],
  ["a lane without its section", (raw) => delete raw.signed, /lanes: names the lane signed/],
  ["a lane twice", (raw) => Object.assign(raw, { lanes: ["api", "api"] }), /lanes: names a lane twice/],
  ["a lane that nobody knows", (raw) => Object.assign(raw, { lanes: ["phone"] }), /lanes.0/],
];
for (const [what, spoil, words] of MISTAKES) {
  test(`a profile is refused for ${what}, with words`, () => {
    const raw: Raw = parse(text);
    spoil(raw);
    assert.throws(() => parseProfile(stringify(raw), "p.yaml"), words);
  });
}

test("where the profile names no lanes, the signed API is the first of those that it describes", () => {
  const raw: Raw = parse(text);
  delete raw.lanes;
  assert.deepEqual(parseProfile(stringify(raw), "p.yaml").lanes, ["signed", "api", "page"]);
  delete raw.signed;
  assert.deepEqual(parseProfile(stringify(raw), "p.yaml").lanes, ["api", "page"]);
});
