/** How every service is started, here and in containers. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const START = new URL("../../services/start.sh", import.meta.url).pathname;
const TAG = "v24.0.0-x64-0a1b2c3d";
/** Somebody who may read everything here and write nothing. */
const STRANGER =
  process.getuid?.() === 0
    ? { uid: 65_534, command: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] }
    : { uid: process.getuid?.() ?? 0, command: [] };

/** An installation of its own, whose Node.js says how it was called. */
function installation(t: { after(end: () => void): void }) {
  const root = mkdtempSync(join(tmpdir(), "start-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const node = join(root, "node.sh");
  mkdirSync(join(root, "services"));
  copyFileSync(START, join(root, "services/start.sh"));
  writeFileSync(
    node,
    '#!/bin/sh\nprintf "%s\\n" "$*" "$NODE_COMPILE_CACHE" "$(ls -l "$NODE_COMPILE_CACHE" 2>&1)"\n',
  );
  chmodSync(node, 0o755);
  chmodSync(root, 0o755);
  const start = (command: readonly string[], env: Record<string, string>, ...args: string[]) => {
    const [first = "", ...rest] = [...command, join(root, "services/start.sh"), ...args];
    const text = execFileSync(first, rest, {
      env: { PATH: process.env.PATH, NODE: node, ...env },
      encoding: "utf8",
    });
    const [call = "", cache = "", ...listing] = text.split("\n");
    return { call, cache, listing: listing.join("\n") };
  };
  return { root, start };
}

test("the service is named, its arguments go on, and its heap for what is young is small", (t) => {
  const { root, start } = installation(t);
  const { call, cache } = start([], {}, "listener", "--check");
  assert.equal(call, `--max-semi-space-size=1 ${root}/services/listener/src/main.ts --check`);
  assert.equal(cache, `${root}/node_modules/.cache/compiled`);
});

test("an image's compiled code is used by whatever user id it runs under", (t) => {
  const { root, start } = installation(t);
  const compiled = join(root, "node_modules/.cache/compiled");
  mkdirSync(join(compiled, `${TAG}-0`), { recursive: true });
  chmodSync(compiled, 0o555);
  const { cache, listing } = start(STRANGER.command, {}, "power");
  t.after(() => rmSync(cache, { recursive: true, force: true }));
  assert.notEqual(cache, compiled);
  assert.ok(listing.includes(`${TAG}-${STRANGER.uid} -> ${compiled}/${TAG}-0`), listing);
});
