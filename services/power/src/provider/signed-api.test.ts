/** The client of a signed API against the stand-in, and against servers that misbehave. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { after, before, test } from "node:test";
import {
  type Console,
  DEFAULT_PRIVATE_KEY,
  DEFAULT_PUBLIC_KEY,
  startConsole,
} from "../../../../sim/console/src/provider.ts";
import { makePrivateCa } from "../../../../tests/harness/private-ca.ts";
import { freePort } from "../../../../tests/harness/process.ts";
import { SignedApi, type SignedProfile } from "./signed-api.ts";

const MACHINE = { UHostId: "uhost-a", Region: "cn-wlcb", Zone: "cn-wlcb-01" };
const LIST = "DescribeCompShareInstance";

let provider: Console;
before(async () => {
  provider = await startConsole({ machines: [{ UHostId: MACHINE.UHostId }], bootMs: 60_000 });
});
after(async () => {
  await provider.close();
});

function apiAt(url: string, privateKey = DEFAULT_PRIVATE_KEY, timeoutMs = 10_000) {
  const profile: SignedProfile = {
    url,
    scheme: "sorted-sha1",
    keyField: "PublicKey",
    signatureField: "Signature",
    actionField: "Action",
    constants: { ProjectId: "org-standin" },
    codeField: "RetCode",
    messageField: "Message",
    keyCodes: [171, 172],
    limitCodes: [8050],
    limitWords: [],
  };
  const keys = { publicKey: DEFAULT_PUBLIC_KEY, privateKey };
  const answers: unknown[] = [];
  const api = new SignedApi({
    profile: () => profile,
    keys,
    timeoutMs: () => timeoutMs,
    onAnswer: (answer) => answers.push(answer),
  });
  return { api, answers, [Symbol.dispose]: () => api.close() };
}

/** A server that counts its requests and its connections. */
async function serve(answer: RequestListener) {
  const counted = { requests: 0, connections: 0 };
  const server = createServer((request, response) => {
    counted.requests += 1;
    request.resume();
    request.once("end", () => answer(request, response));
  });
  server.on("connection", () => {
    counted.connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    counted,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

test("a request that we sign is read and carried out, and every answer is shown first", async () => {
  using at = apiAt(provider.apiUrl);
  const listed = await at.api.read(LIST, { "UHostIds.0": MACHINE.UHostId, Limit: "100", Offset: "0" });
  assert.ok(listed.ok);
  assert.equal(listed.body.TotalCount, 1);
  assert.deepEqual(await at.api.act("StartCompShareInstance", MACHINE), {
    ok: true,
    body: at.answers[1],
  });
  assert.equal(provider.state().machines[0]?.State, "Starting");
  assert.deepEqual(provider.state().describes, { page: 0, api: 0, unclear: 0, signed: 1 });
});

test("wrong keys, a limit and a refusal are told apart, with the provider's words and without our key", async () => {
  using wrong = apiAt(provider.apiUrl, "not-the-private-key");
  assert.deepEqual(await wrong.api.read(LIST, {}), {
    ok: false,
    failure: "keys_refused",
    code: 171,
    words: "Signature VerifyAC Error",
  });
  using at = apiAt(provider.apiUrl);
  const refused = await at.api.act("StopCompShareInstance", MACHINE);
  assert.partialDeepStrictEqual(refused, { ok: false, failure: "refused", code: 8_040 });
  provider.turn({ rateLimited: true });
  assert.partialDeepStrictEqual(await at.api.read(LIST, {}), { ok: false, failure: "limited" });
  provider.turn({ rateLimited: false, keysRevoked: true });
  assert.partialDeepStrictEqual(await at.api.read(LIST, {}), { failure: "keys_refused", code: 172 });
  provider.turn({ keysRevoked: false });
});

test("one connection is kept, and what is only read is asked once more where its answer was lost", async () => {
  let broken = 1;
  using server = await serve((_request, response) => {
    broken -= 1;
    if (broken >= 0) response.writeHead(502).end();
    else response.writeHead(200).end('{"RetCode":0}');
  });
  using at = apiAt(server.url);
  assert.deepEqual(await at.api.read(LIST, {}), { ok: true, body: { RetCode: 0 } });
  assert.deepEqual(server.counted, { requests: 2, connections: 1 });
  broken = 5;
  assert.partialDeepStrictEqual(await at.api.read(LIST, {}), { ok: false, failure: "lost" });
  assert.equal(server.counted.requests, 4, "once more, not for ever");
});

const NO_ANSWERS: Array<[string, RequestListener]> = [
  ["an error of the server", (_, response) => response.writeHead(500).end("Internal Server Error")],
  ["a page in place of an answer", (_, response) => response.writeHead(200).end("<!doctype html>")],
  ["no code", (_, response) => response.writeHead(200).end('{"Message":"ok"}')],
  ["a list", (_, response) => response.writeHead(200).end("[]")],
  ["a connection that ends", (request) => request.socket.destroy()],
  [
    "half an answer",
    (request, response) => response.writeHead(200).write("{", () => request.socket.destroy()),
  ],
  ["no answer in time", () => undefined],
];
for (const [what, answer] of NO_ANSWERS) {
  test(`an action that is answered by ${what} may have been taken, and is not sent again`, async () => {
    using server = await serve(answer);
    using at = apiAt(server.url, DEFAULT_PRIVATE_KEY, 1_000);
    const reply = await at.api.act("StartCompShareInstance", MACHINE);
    assert.partialDeepStrictEqual(reply, { ok: false, failure: "lost", code: null });
    assert.doesNotMatch(JSON.stringify(reply), new RegExp(DEFAULT_PRIVATE_KEY));
    assert.equal(server.counted.requests, 1);
  });
}

test("a redirect is not followed: what is signed goes to the profile's address alone", async () => {
  using other = await serve((_, response) => response.writeHead(200).end('{"RetCode":0}'));
  using server = await serve((_, response) => response.writeHead(307, { location: other.url }).end());
  using at = apiAt(server.url);
  assert.partialDeepStrictEqual(await at.api.act("StartCompShareInstance", MACHINE), { failure: "lost" });
  assert.equal(other.counted.requests, 0);
});

test("where nobody listens, and where a connection cannot be made in time, nothing was sent", async () => {
  using nobody = apiAt(`http://127.0.0.1:${await freePort()}/`);
  assert.partialDeepStrictEqual(await nobody.api.act("Start", {}), { failure: "unreachable" });
  // It accepts, and never says a word of TLS.
  const mute = createSocketServer(() => undefined).listen(0, "127.0.0.1");
  await once(mute, "listening");
  using slow = apiAt(`https://127.0.0.1:${(mute.address() as AddressInfo).port}/`, undefined, 500);
  assert.partialDeepStrictEqual(await slow.api.act("Start", {}), { failure: "unreachable" });
  slow.api.close();
  mute.close();
});

test("a server whose certificate nobody vouches for is told nothing", async () => {
  const { certificate, key } = await (await makePrivateCa()).issue(30);
  let asked = 0;
  const server = createTlsServer(
    { cert: await readFile(certificate), key: await readFile(key) },
    (_, response) => {
      asked += 1;
      response.end('{"RetCode":0}');
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  using at = apiAt(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const reply = await at.api.act("StartCompShareInstance", MACHINE);
  assert.partialDeepStrictEqual(reply, { ok: false, failure: "unreachable" });
  assert.match(JSON.stringify(reply), /certificate/);
  assert.equal(asked, 0);
  server.close();
});
