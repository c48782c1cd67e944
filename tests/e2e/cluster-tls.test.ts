/** NATS between hosts: encrypted with certificates of `make cluster-certs`; nobody gets in, or gets a password, without. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { encryption, openBus } from "@gpu-power-manager/shared/bus";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { connect } from "nats";
import { startNatsCluster } from "../harness/nats-cluster.ts";
import { until } from "../harness/process.ts";
import { stubbedStack } from "../harness/stubbed-stack.ts";

const logger = createLogger({ service: "test", level: "fatal", secrets: [] });

/** Certificates for hosts that are all on loopback. */
function certificates(): { readonly dir: string; readonly ca: string } {
  const stack = stubbedStack();
  stack.write(
    ".env",
    "COMPOSE_FILE=docker-compose.yml:deploy/cluster/host.yml\nCLUSTER_BIND=127.0.0.1\nNATS_ROUTES=127.0.0.1:6222\nAPP_UID=1000\nAPP_GID=1000\n",
  );
  const { status, said } = stack.run("cluster-certs.sh");
  assert.equal(status, 0, said);
  return { dir: join(stack.dir, "secrets/tls"), ca: stack.read("secrets/tls/ca.pem") };
}

test("three servers make one cluster by their certificates, and a service that trusts the authority uses it", async (t) => {
  const { dir, ca } = certificates();
  const cluster = await startNatsCluster(dir);
  t.after(() => cluster.stop());
  const { NATS_USER, NATS_PASSWORD } = cluster.loginOf("power");
  const servers = cluster.urls(0).split(",");
  const login = { user: NATS_USER ?? "", pass: NATS_PASSWORD ?? "", timeout: 2_000, reconnect: false };
  await assert.rejects(
    connect({ servers, ...login, tls: {} }),
    /certificate|self-signed/i,
    "whom it does not trust",
  );
  await assert.rejects(connect({ servers, ...login, tls: null }), /tls|secure/i, "in the clear");

  setDefaultCACertificates([...getCACertificates("default"), ca]);
  await cluster.setUp(3);
  const stopping = new AbortController();
  t.after(() => stopping.abort());
  const bus = await openBus(
    { NATS_URL: cluster.urls(0), NATS_USER, NATS_PASSWORD, NATS_REPLICAS: 3 },
    "power",
    { health: new NatsHealth(logger), bucket: "gpu_power", logger, signal: stopping.signal },
  );
  t.after(() => bus.close());
  await until("the state has three copies", async () => {
    const { cluster: state } = await bus.manager.streams.info("KV_gpu_power");
    return state?.replicas?.filter(({ current }) => current).length === 2;
  });
});

test("whoever answers for a server of tls:// without TLS does not get the password", async (t) => {
  const heard: string[] = [];
  const impostor = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => heard.push(data.toString()));
    socket.write(
      'INFO {"server_id":"x","version":"2.11.0","proto":1,"headers":true,"max_payload":1048576}\r\n',
    );
  });
  await new Promise<void>((resolve) => impostor.listen(0, "127.0.0.1", resolve));
  t.after(() => impostor.close());
  const address = impostor.address();
  assert.ok(typeof address === "object" && address !== null);
  const url = `tls://127.0.0.1:${address.port}`;
  await assert.rejects(
    connect({
      servers: url,
      user: "power",
      pass: "hunter2",
      timeout: 2_000,
      reconnect: false,
      ...encryption({ NATS_URL: url }),
    }),
  );
  assert.doesNotMatch(heard.join(""), /hunter2/);
});
