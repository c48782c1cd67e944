import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "./logger.ts";

test("no secret reaches a log line: not as a field, in a message, an error, a URL or a nested object", () => {
  const lines: string[] = [];
  const secrets = ['pa"ss wörd', "k3y-0123456789"];
  const logger = createLogger({
    service: "test",
    level: "trace",
    secrets,
    destination: { write: (line: string) => lines.push(line) },
  });
  logger.info({ deep: { list: [secrets[0]] } }, `message with ${secrets[1]}`);
  logger.error({ err: new Error(`failed for ${secrets[0]}`) });
  logger.warn({ url: `https://host/?key=${encodeURIComponent(secrets[0] ?? "")}` });
  logger.info({ password: "short", cookie: "abc", nested: { token: "t" } });
  const text = lines.join("\n");
  assert.equal(lines.length, 4);
  for (const secret of [...secrets, 'pa\\"ss', encodeURIComponent('pa"ss wörd'), "short", '"abc"', '"t"']) {
    assert.ok(!text.includes(secret), `a line holds ${secret}`);
  }
  assert.match(text, /\[secret\]/);
});
