/** The live view's socket and desk over real HTTP, before a page that a test plays. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { WebSocket } from "ws";
import { until } from "../../../../../tests/harness/process.ts";
import type { PageInput } from "../../console/live/input.ts";
import type { Audience } from "../../console/live/live-console.ts";
import { Gate } from "../page/gate.ts";
import { Sessions } from "../page/sessions.ts";
import { IDLE_MS } from "./floor.ts";
import { LiveDesk } from "./live-desk.ts";
import { LiveDoor } from "./live-door.ts";
import { type FromBrowser, PICTURE_HEADER } from "./messages.ts";

const MOVE: FromBrowser = {
  type: "mouse",
  kind: "move",
  x: 1,
  y: 1,
  button: "none",
  buttons: 0,
  clicks: 0,
  modifiers: 0,
  at: 1,
};

async function open(t: TestContext, viewersWatch = false) {
  const tokens = { operator: "an operator's token", viewer: "a viewer's token" };
  let now = Date.now();
  const clock = () => now;
  const file = join(mkdtempSync(join(tmpdir(), "live-door-")), "sessions.json");
  const sessions = new Sessions({ file, key: "only for this test", tokens, now: clock });
  const inputs: PageInput[] = [];
  const told: string[] = [];
  const page: { audience: Audience | undefined; lent: boolean } = { audience: undefined, lent: false };
  const ended = new AbortController();
  const desk = new LiveDesk({
    live: {
      watch: async (audience) => {
        page.audience = audience;
      },
      unwatch: async () => {
        page.audience = undefined;
      },
      setLevel: async () => {},
      lend: async () => {
        page.lent = true;
      },
      takeBack: async () => {
        page.lent = false;
      },
      input: (input) => inputs.push(input),
      rest: () => {},
      get controlled() {
        return page.lent;
      },
    },
    loginRequired: () => false,
    onChange: () => {},
    tell: (what, { name }) => told.push(`${what} ${name}`),
    now: clock,
    signal: ended.signal,
  });
  const publicUrl = new URL("https://gpu.example.com/power/");
  const door = new LiveDoor({
    gate: new Gate({ sessions, publicUrl }),
    hosts: ["127.0.0.1", "gpu.example.com"],
    publicUrl,
    viewersWatch,
    desk: () => desk,
    signal: ended.signal,
  });
  const server = createServer();
  server.on("upgrade", door.upgrade);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    ended.abort();
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const come = async (role: "operator" | "viewer", name: string, path = "/live/socket") => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}?tab=tab-of-${name}`, {
      headers: {
        cookie: `gpu-power-session=${sessions.open(role, name)}`,
        host: "gpu.example.com",
        origin: "https://gpu.example.com",
      },
    });
    t.after(() => socket.terminate());
    const frames: number[] = [];
    const sizes: number[] = [];
    const said: string[] = [];
    socket.on("message", (data: Buffer, binary: boolean) => {
      if (!binary) {
        said.push(String(data));
        return;
      }
      frames.push(data.readUInt32BE(0));
      sizes.push(data.length - PICTURE_HEADER);
    });
    await once(socket, "open");
    const send = (message: FromBrowser) => socket.send(JSON.stringify(message));
    return { frames, sizes, said, send };
  };
  const wait = (ms: number) => {
    now += ms;
  };
  return { desk, page, inputs, told, come, wait };
}

const picture = (size: number) => ({ jpeg: Buffer.alloc(size), width: 1280, height: 720 });

test("behind a proxy's path, whether it keeps the path or takes it away", async (t) => {
  const { desk, come } = await open(t);
  await come("operator", "Anna", "/power/live/socket");
  await come("operator", "Bo", "/live/socket");
  await until("both are there", () => desk.watching === 2);
});

test("who does not draw gets two pictures and then the newest; a tab that is not looked at gets none", async (t) => {
  const { page, come } = await open(t);
  const slow = await come("operator", "Slow");
  const quick = await come("operator", "Quick");
  await until("the page is filmed", () => page.audience !== undefined);
  for (let size = 1; size <= 5; size += 1) page.audience?.picture(picture(size));
  await until("two are on their way", () => slow.frames.length === 2);
  // The next that is sent is the newest of those that came meanwhile, not the oldest.
  slow.send({ type: "seen", frame: 0 });
  await until("one more", () => slow.frames.length === 3);
  slow.send({ type: "seen", frame: 1 });
  quick.send({ type: "look", on: false });
  slow.send({ type: "look", on: false });
  await until("nobody looks, so nothing is filmed", () => page.audience === undefined);
  assert.deepEqual(
    [slow.frames, slow.sizes],
    [
      [0, 1, 2],
      [1, 2, 5],
    ],
  );
  slow.send({ type: "look", on: true });
  await until("it is filmed again", () => page.audience !== undefined);
});

test("a viewer who may watch watches, and neither takes control nor types", async (t) => {
  const { page, inputs, desk, come } = await open(t, true);
  const vera = await come("viewer", "Vera");
  await until("she is told", () => vera.said.some((line) => line.includes('"mayControl":false')));
  vera.send({ type: "control", act: "take" });
  vera.send(MOVE);
  page.audience?.picture(picture(1));
  await until("she sees a picture", () => vera.frames.length === 1);
  vera.send({ type: "seen", frame: 0 });
  assert.equal(desk.holder, null);
  assert.deepEqual(inputs, []);
});

test("control ends by itself after ten idle minutes, and history has both", async (t) => {
  const { desk, inputs, told, come, wait } = await open(t);
  const anna = await come("operator", "Anna");
  anna.send({ type: "control", act: "take" });
  await until("she controls", () => anna.said.some((line) => line.includes('"you":"controls"')));
  anna.send(MOVE);
  await until("what she does reaches the page", () => inputs.length === 1);
  wait(IDLE_MS);
  await until("it is over", () => desk.holder === null);
  await until("she is told why", () => anna.said.some((line) => line.includes('"ended"')));
  assert.deepEqual(told, ["control Anna", "end_control Anna"]);
});
