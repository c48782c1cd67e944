/** Authorities of a folder are trusted by every TLS client of the process; what is wrong with the folder is named at once. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { makePrivateCa, serveTls } from "../../../tests/harness/private-ca.ts";
import { authoritiesEnv, trustAuthorities } from "./authorities.ts";
import { loadEnv } from "./env.ts";
import { ConfigError } from "./errors.ts";

const schema = z.object(authoritiesEnv);
const readDir = (dir: string | undefined) => loadEnv(schema, { CA_DIR: dir }).config.CA_DIR;

test("without a folder, or with an empty one, nobody is trusted in addition", () => {
  assert.deepEqual(readDir(undefined), []);
  assert.deepEqual(readDir(""), []);
  assert.deepEqual(readDir(mkdtempSync(join(tmpdir(), "ca-"))), []);
});

test("every mistake in the folder is named, with its file", async () => {
  const { dir, issue } = await makePrivateCa();
  const { key } = await issue(1);
  writeFileSync(join(dir, "empty.pem"), "");
  writeFileSync(join(dir, "broken.pem"), "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
  writeFileSync(join(dir, "key.pem"), readFileSync(key));
  writeFileSync(join(dir, "readme.txt"), "is no certificate and no matter");
  assert.throws(
    () => readDir(dir),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.problems.length, 3, error.message);
      assert.match(error.message, /CA_DIR holds empty\.pem, which cannot be used: it holds no certificate/);
      assert.match(error.message, /CA_DIR holds broken\.pem/);
      assert.match(error.message, /CA_DIR holds key\.pem, which cannot be used: it holds a private key/);
      return true;
    },
  );
  assert.throws(() => readDir("/nowhere"), /CA_DIR names a folder that cannot be read/);
});

test("a server that such an authority vouches for is refused before, and trusted after", async (t) => {
  const { dir, issue } = await makePrivateCa();
  const plain = createServer((_request, response) => response.end("hello"));
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  t.after(() => plain.close());
  const address = plain.address();
  assert.ok(typeof address === "object" && address !== null);
  const server = await serveTls(await issue(1), address.port);
  t.after(() => server.stop());
  const ask = async () => await (await fetch(`https://127.0.0.1:${server.port}/`)).text();
  await assert.rejects(ask);
  const [authority, ...others] = readDir(dir);
  assert.deepEqual(others, []);
  assert.equal(authority?.file, "authority.pem");
  const days = ((authority?.expiresAt ?? 0) - Date.now()) / 86_400_000;
  assert.ok(days > 29.9 && days < 30.1, `${days} days`);
  trustAuthorities(readDir(dir));
  assert.equal(await ask(), "hello");
});
