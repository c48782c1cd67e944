/** The nats-server that tests run, and the configuration that the project ships, made to fit on loopback. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = new URL("../../", import.meta.url).pathname;
const run = promisify(execFile);

export interface NatsProgram {
  readonly command: string;
  /** As it says itself, for example `2.11.11`. */
  readonly version: string;
  /** Servers before 2.10 (Debian's) refuse the line `sync_interval`; a current one takes the file as it is. */
  readonly knowsSyncInterval: boolean;
}

let program: Promise<NatsProgram> | undefined;

/** @throws where there is no nats-server. */
export function natsProgram(): Promise<NatsProgram> {
  program ??= (async () =>
    await programAt((await run(join(ROOT, "scripts/nats-server.sh"))).stdout.trim()))();
  return program;
}

/** Another one than the one that tests run. */
export async function programAt(command: string): Promise<NatsProgram> {
  const { stdout } = await run(command, ["--version"]);
  const [, version = "", major, minor] = /v((\d+)\.(\d+)\.\S+)/.exec(stdout) ?? [];
  return { command, version, knowsSyncInterval: Number(major) * 100 + Number(minor) >= 210 };
}

export interface Place {
  readonly port: number;
  /** Where health and state are asked. */
  readonly monitorPort: number;
  /** Of the server alone; passwords and routes lie in it as well. */
  readonly dir: string;
}

/** deploy/nats/nats.conf with other ports and folders; without what the server at hand does not know. */
export async function shippedConfiguration(
  { port, monitorPort, dir }: Place,
  server?: NatsProgram,
): Promise<string> {
  const { knowsSyncInterval } = server ?? (await natsProgram());
  const shipped = await readFile(join(ROOT, "deploy/nats/nats.conf"), "utf8");
  return shipped
    .replaceAll("../../run/secrets/", "")
    .replace("port: 4222", `listen: "127.0.0.1:${port}"`)
    .replace("127.0.0.1:8222", `127.0.0.1:${monitorPort}`)
    .replace('"/data"', `"${dir}/data"`)
    .replace("sync_interval: always", knowsSyncInterval ? "sync_interval: always" : "");
}

/** The same for one server that lets everybody do everything, so that a test can look on. */
export async function openConfiguration(place: Place): Promise<string> {
  const shipped = await shippedConfiguration(place);
  return shipped.replaceAll(/^include .*\n/gm, "").replace(/^authorization \{[\s\S]*^\}\n/m, "");
}
