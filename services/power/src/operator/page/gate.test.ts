import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import express from "express";
import { Gate } from "./gate.ts";
import { Sessions } from "./sessions.ts";

/** A sign-in behind the gate, alone. @returns asks it with these headers. */
async function served(t: TestContext, publicUrl: URL | undefined) {
  const dir = mkdtempSync(join(tmpdir(), "gate-"));
  const tokens = { operator: "o".repeat(30) };
  const sessions = new Sessions({ file: join(dir, "s.json"), key: "k".repeat(16), tokens, now: () => 0 });
  const gate = new Gate({ sessions, publicUrl });
  const app = express();
  app.post("/", (request, response) => {
    try {
      gate.checkOrigin(request);
    } catch {
      response.status(403).end();
      return;
    }
    gate.signIn(request, response, sessions.open("operator", ""));
    response.end();
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.close();
    rmSync(dir, { recursive: true });
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return async (headers: Readonly<Record<string, string>>) =>
    await new Promise<{ status: number | undefined; headers: IncomingHttpHeaders }>((resolve, reject) => {
      request({ host: "127.0.0.1", port, method: "POST", headers }, (response) => {
        response.resume();
        resolve({ status: response.statusCode, headers: response.headers });
      })
        .on("error", reject)
        .end();
    });
}

test("behind a proxy the cookie is Secure and of the proxy's path; straight to the port it is of this port", async (t) => {
  const ask = await served(t, new URL("https://gpu.example.com/power/"));
  const proxied = await ask({ host: "127.0.0.1:9102", origin: "https://gpu.example.com" });
  assert.match(
    String(proxied.headers["set-cookie"]),
    /; Path=\/power\/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure$/,
  );
  const straight = await ask({ host: "127.0.0.1:9102", origin: "http://127.0.0.1:9102" });
  assert.match(
    String(straight.headers["set-cookie"]),
    /; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
  );
});

test("a sign-in from a foreign page, from none, or from another port of the same host is refused", async (t) => {
  const ask = await served(t, undefined);
  const host = "127.0.0.1:9102";
  const origin = `http://${host}`;
  assert.equal((await ask({ host, origin })).status, 200);
  assert.equal((await ask({ host, origin, "sec-fetch-site": "same-origin" })).status, 200);
  assert.equal((await ask({ host })).status, 403);
  assert.equal((await ask({ host, origin: "null" })).status, 403);
  assert.equal((await ask({ host, origin: "https://evil.example" })).status, 403);
  assert.equal((await ask({ host, origin: "http://127.0.0.1:3000" })).status, 403);
  assert.equal((await ask({ host, origin, "sec-fetch-site": "cross-site" })).status, 403);
});
