/**
 * Who can talk to whom: from inside each container's network every address of every other container is tried, and an
 * address outside of the host. Prints the table; fails where a pair may talk that must not, or the other way round.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { until } from "../harness/process.ts";

/** The whole list; a pair that is not here must not meet. Those of one role (nats-2, power-standby) may do the same. */
const MAY_TALK = [
  // Events, by NATS alone: the two services never speak to each other.
  ["listener", "nats"],
  ["power", "nats"],
  // What is scraped, and who looks at it.
  ["prometheus", "listener"],
  ["prometheus", "power"],
  ["grafana", "prometheus"],
  ["prometheus", "alertmanager"],
  // Where a group robot is named.
  ["prometheus", "messenger"],
  ["alertmanager", "messenger"],
  // The demo's stand-ins of what lies outside.
  ["listener", "redis"],
  ["listener", "sim-dsp"],
  ["sim-dsp", "redis"],
  ["power", "sim-console"],
  ["power", "sim-dsp"],
  ["sim-people", "sim-dsp"],
  ["sim-people", "sim-console"],
  ["sim-dsp", "sim-console"],
].map((pair) => pair.sort().join(" – "));

/** Who has a way out: to the gateway, to the console, to whoever hears of alerts. */
const MAY_LEAVE = ["alertmanager", "listener", "messenger", "power", "redis", "sim-console", "sim-dsp"];

/** What the services listen on, and a port on which nobody does: to be refused is to be answered. */
const PORTS = [9, 3000, 4222, 6379, 8222, 9090, 9093, 9101, 9102, 9104, 18_070, 18_072, 18_080, 18_082];
const PATIENCE_MS = 1_500;
/** An address for documentation, which nobody has (RFC 5737). */
const OUTSIDE = { host: "198.51.100.1", address: "198.51.100.2", port: 9090 };
const NETNS = "gpm-outside";

const run = promisify(execFile);
const project = process.env.COMPOSE_PROJECT_NAME ?? "";
const image = `gpu-power-manager/sim:${process.env.VERSION ?? "dev"}`;

const Inspected = z.array(
  z.object({
    Id: z.string(),
    Config: z.object({ Labels: z.record(z.string(), z.string()) }),
    NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })) }),
  }),
);

async function containers() {
  const { stdout } = await run("docker", [
    "ps",
    "-q",
    "--filter",
    `label=com.docker.compose.project=${project}`,
  ]);
  const inspected = await run("docker", ["inspect", ...stdout.trim().split("\n")]);
  return Inspected.parse(JSON.parse(inspected.stdout)).map(({ Id, Config, NetworkSettings }) => ({
    id: Id,
    service: (Config.Labels["com.docker.compose.service"] ?? "").replace(/-(\d|standby)$/, ""),
    addresses: Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress),
  }));
}

/** Runs inside: which of these addresses answer, by a connection or by refusing one. */
const TRY = `
const net = require("node:net");
const [addresses, ports, patience] = JSON.parse(process.argv[1]);
const answers = (host, port) => new Promise((resolve) => {
  const socket = net.connect({ host, port, timeout: patience });
  const end = (answer) => { socket.destroy(); resolve(answer); };
  socket.once("connect", () => end(true));
  socket.once("timeout", () => end(false));
  socket.once("error", ({ code }) => end(code === "ECONNREFUSED"));
});
Promise.all(addresses.map(async (host) =>
  (await Promise.all(ports.map((port) => answers(host, port)))).includes(true) ? [host] : [],
)).then((found) => console.log(JSON.stringify(found.flat())));`;

async function answering(id: string, addresses: readonly string[]): Promise<string[]> {
  const words = JSON.stringify([addresses, PORTS, PATIENCE_MS]);
  const inside = ["run", "--rm", "--network", `container:${id}`, image, "node", "-e", TRY, words];
  const { stdout } = await run("docker", inside);
  return z.array(z.string()).parse(JSON.parse(stdout));
}

/** A host beyond this one: it knows no way back to a container's own address, as nobody in the world does. */
async function openOutside() {
  const ip = async (...args: string[]) => await run("ip", args);
  const inside = ["netns", "exec", NETNS];
  await ip("netns", "del", NETNS).catch(() => undefined);
  await ip("netns", "add", NETNS);
  await ip("link", "add", "gpm-host", "type", "veth", "peer", "name", "gpm-out", "netns", NETNS);
  await ip("addr", "add", `${OUTSIDE.host}/24`, "dev", "gpm-host");
  await ip("link", "set", "gpm-host", "up");
  await ip(...inside, "ip", "addr", "add", `${OUTSIDE.address}/24`, "dev", "gpm-out");
  await ip(...inside, "ip", "link", "set", "gpm-out", "up");
  const serve = `require("node:net").createServer((socket) => socket.end()).listen(${OUTSIDE.port})`;
  const server = spawn("ip", [...inside, process.execPath, "-e", serve], { stdio: "ignore" });
  const probe = [
    "-e",
    `require("node:net").connect(${OUTSIDE.port}, "${OUTSIDE.address}").once("connect", () => process.exit())`,
  ];
  await until(
    "the outside answers this host",
    async () => await run(process.execPath, probe, { timeout: 2_000 }),
  );
  return async () => {
    server.kill();
    await ip("netns", "del", NETNS);
  };
}

const all = await containers();
assert.ok(all.length > 5, "the stack runs");
const met = new Set<string>();
const left = new Set<string>();
const closeOutside = await openOutside();
try {
  await Promise.all(
    all.map(async ({ id, service }) => {
      const others = all.filter((other) => other.id !== id && other.service !== service);
      const found = await answering(id, [...others.flatMap(({ addresses }) => addresses), OUTSIDE.address]);
      for (const other of others)
        if (other.addresses.some((address) => found.includes(address)))
          met.add([service, other.service].sort().join(" – "));
      if (found.includes(OUTSIDE.address)) left.add(service);
    }),
  );
} finally {
  await closeOutside();
}
const here = new Set(all.map(({ service }) => service));
const expected = MAY_TALK.filter((pair) => pair.split(" – ").every((name) => here.has(name))).sort();
const names = [...here].sort();
for (const [index, name] of names.entries()) {
  const row = names
    .slice(0, index)
    .map((other) => `${other} ${met.has(`${other} – ${name}`) ? "yes" : "no"}`);
  console.log(`  ${name}: ${[...row, `outside ${left.has(name) ? "yes" : "no"}`].join(", ")}`);
}
assert.deepEqual([...met].sort(), expected, "pairs that can talk");
assert.deepEqual(
  [...left].sort(),
  MAY_LEAVE.filter((name) => here.has(name)),
  "services with a way out",
);
const pairs = (names.length * (names.length - 1)) / 2;
console.log(
  `  ok   of ${pairs} pairs ${met.size} can talk, each for a reason; of ${names.length} services ${left.size} have a way out`,
);
