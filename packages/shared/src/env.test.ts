import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { Duration } from "./duration.ts";
import { describeEnv, Flag, integer, loadEnv, secret, shownEnv } from "./env.ts";
import { ConfigError } from "./errors.ts";

const schema = z.object({
  URL: z.url({ error: "must be a URL" }).meta({ description: "where" }),
  PORT: z.string().default("9101").pipe(integer(1, 65_535)).meta({ description: "port" }),
  WAIT: z.string().default("25s").pipe(Duration).meta({ description: "wait" }),
  ON: z.string().default("true").pipe(Flag).meta({ description: "on" }),
  KEY: z
    .string()
    .min(4, "must have at least 4 characters")
    .optional()
    .meta({ description: "key", ...secret }),
});

test("an environment is read with its defaults, a secret from a file", () => {
  const file = join(mkdtempSync(join(tmpdir(), "env-")), "key");
  writeFileSync(file, "s3cret\n");
  const { config, secrets } = loadEnv(schema, { URL: "http://a", KEY_FILE: file, PORT: "" });
  assert.deepEqual(config, { URL: "http://a", PORT: 9101, WAIT: 25_000, ON: true, KEY: "s3cret" });
  assert.deepEqual(secrets, ["s3cret"]);
});

const BAD: Array<[string, Record<string, string>, RegExp]> = [
  ["a missing variable", {}, /URL is missing: set it/],
  [
    "a port with letters",
    { URL: "http://a", PORT: "12abc" },
    /PORT must be a whole number from 1 to 65535, not "12abc"/,
  ],
  ["a duration without a unit", { URL: "http://a", WAIT: "25" }, /WAIT must be a duration .* not "25"/],
  ["another word for true", { URL: "http://a", ON: "yes" }, /ON must be true or false, not "yes"/],
  ["a secret given twice", { URL: "http://a", KEY: "abcd", KEY_FILE: "x" }, /KEY and KEY_FILE are both set/],
  [
    "a secret's file that is not there",
    { URL: "http://a", KEY_FILE: "/nowhere/key" },
    /KEY_FILE cannot be read/,
  ],
];

for (const [what, env, says] of BAD) {
  test(`an environment with ${what} is refused in one clear line`, () => {
    assert.throws(
      () => loadEnv(schema, env),
      (error) => error instanceof ConfigError && says.test(error.message),
    );
  });
}

test("all mistakes are named at once, and the value of a secret never", () => {
  assert.throws(
    () => loadEnv(schema, { PORT: "0", WAIT: "soon", ON: "1", KEY: "abc" }),
    (error) =>
      error instanceof ConfigError && error.problems.length === 5 && !error.message.includes('"abc"'),
  );
});

test("the table of the documentation comes from the schema", () => {
  assert.deepEqual(describeEnv(schema), [
    { name: "URL", secret: false, fallback: "required", description: "where" },
    { name: "PORT", secret: false, fallback: "9101", description: "port" },
    { name: "WAIT", secret: false, fallback: "25s", description: "wait" },
    { name: "ON", secret: false, fallback: "true", description: "on" },
    { name: "KEY", secret: true, fallback: "", description: "key" },
  ]);
});

test("what is shown of a configuration has no secret in it, nor the login in an address", () => {
  const shown = shownEnv(schema, {
    URL: "nats://power:pa%40ss@a:4222,tls://b@c:4222",
    PORT: 9101,
    KEY: "abc",
    ON: true,
  });
  assert.deepEqual(shown, {
    URL: "nats://(set)@a:4222,tls://(set)@c:4222",
    PORT: 9101,
    WAIT: null,
    ON: true,
    KEY: "(set)",
  });
});
