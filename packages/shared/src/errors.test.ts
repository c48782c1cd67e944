/** What is said of an error holds what a person needs to mend it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode, NatsError } from "nats";
import { describeError } from "./errors.ts";

test("an error is told with its causes, whatever was thrown", () => {
  const inner = new Error("no such file");
  assert.equal(describeError(new Error("cannot be read", { cause: inner })), "cannot be read (no such file)");
  assert.equal(describeError("a word"), "a word");
});

test("what a NATS server refuses is told with its own reason, not as a number", () => {
  const refused = new NatsError("503", ErrorCode.JetStreamNotEnabled);
  const description = "write /data/1.blk: no space left on device";
  refused.api_error = { code: 503, err_code: 10077, description };
  assert.equal(describeError(refused), `503: ${description}`);
  const told = new NatsError(description, ErrorCode.JetStreamNotEnabled);
  told.api_error = refused.api_error;
  assert.equal(describeError(told), description, "not twice");
  assert.equal(describeError(new NatsError("TIMEOUT", ErrorCode.Timeout)), "TIMEOUT");
});
