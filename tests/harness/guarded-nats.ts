/** One real nats-server with the users of the shipped configuration, whose passwords a test may change. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NatsCluster } from "./nats-cluster.ts";
import { type NatsProgram, natsProgram, shippedConfiguration } from "./nats-server.ts";
import { freePort } from "./process.ts";
import { type Server, serve } from "./servers.ts";
import { setUpNats } from "./set-up-nats.ts";

const PASSWORD = "only-on-loopback";

export interface GuardedNats extends Server, Pick<NatsCluster, "urls" | "loginOf"> {
  readonly nodes: readonly Server[];
  /** Whether the services' password is the right one, from the server's next start or `reload` on. */
  admit(right: boolean): void;
  /** Has the running server read its configuration again: it throws out whom it does not admit any more. */
  reload(): Promise<void>;
  /** What `make setup-nats` does, and as whom. */
  setUp(): Promise<void>;
  readonly setupLogin: { readonly NATS_USER: string; readonly NATS_PASSWORD: string };
}

/** @param options whether the services' password is right, streams and buckets are made (they are), and which server. */
export async function startGuardedNats(
  options: { readonly admits?: boolean; readonly setUp?: boolean; readonly server?: NatsProgram } = {},
): Promise<GuardedNats> {
  const { command } = options.server ?? (await natsProgram());
  const monitorPort = await freePort();
  let { admits = true } = options;
  let folder = "";
  const writePasswords = async () => {
    const password = admits ? PASSWORD : "another";
    const lines = ["LISTENER_PASSWORD", "POWER_PASSWORD"].map((key) => `${key}: "${password}"\n`);
    await writeFile(join(folder, "nats-passwords.conf"), lines.join(""));
  };
  const server = await serve("nats-server", "nats", async (port, dir) => {
    folder = dir;
    await writePasswords();
    await writeFile(join(dir, "nats-setup.conf"), `SETUP_PASSWORD: "${PASSWORD}"\n`);
    await writeFile(join(dir, "nats-cluster.conf"), "");
    const file = join(dir, "nats.conf");
    await writeFile(file, await shippedConfiguration({ port, monitorPort, dir }, options.server));
    return { command, args: ["--config", file], env: { NATS_NAME: "nats" } };
  });
  const setUp = async () => await setUpNats(server.url, PASSWORD, 1);
  if (options.setUp !== false) await setUp();
  return {
    setUp,
    setupLogin: { NATS_USER: "setup", NATS_PASSWORD: PASSWORD },
    url: server.url,
    port: server.port,
    get pid() {
      return server.pid;
    },
    kill: server.kill,
    halt: server.halt,
    resume: server.resume,
    stop: server.stop,
    nodes: [server],
    urls: () => server.url,
    loginOf: (service) => ({ NATS_USER: service, NATS_PASSWORD: PASSWORD }),
    admit: (right) => {
      admits = right;
    },
    reload: async () => {
      await writePasswords();
      process.kill(server.pid, "SIGHUP");
    },
  };
}
