/** Other hosts are answered by TLS, only with a certificate of the cluster's authority, and renewal needs no restart. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { serveHosts } from "./https.ts";
import { createLogger } from "./logger.ts";

const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
const key = (file: string) =>
  openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file);

/** A folder with an authority, and certificates of it for `a` and `b`, as `make cluster-certs` makes them. */
function certificates() {
  const dir = mkdtempSync(join(tmpdir(), "tls-"));
  const at = (name: string) => join(dir, name);
  key(at("ca.key"));
  openssl(
    "req",
    "-x509",
    "-new",
    "-key",
    at("ca.key"),
    "-days",
    "2",
    "-subj",
    "/CN=test",
    "-out",
    at("ca.pem"),
  );
  writeFileSync(at("names"), "subjectAltName=IP:127.0.0.1\n");
  for (const name of ["a", "b"]) {
    key(at(`${name}.key`));
    openssl("req", "-new", "-key", at(`${name}.key`), "-subj", `/CN=${name}`, "-out", at(`${name}.csr`));
    const signed = [
      "-req",
      "-in",
      at(`${name}.csr`),
      "-CA",
      at("ca.pem"),
      "-CAkey",
      at("ca.key"),
      "-CAcreateserial",
    ];
    openssl("x509", ...signed, "-days", "1", "-extfile", at("names"), "-out", at(`${name}.pem`));
  }
  return { dir, at };
}

async function serving(t: TestContext, dir: string) {
  const lines: string[] = [];
  const ending = new AbortController();
  t.after(() => ending.abort());
  const port = await serveHosts((_request, response) => response.end("metrics"), {
    dir,
    host: "127.0.0.1",
    port: 0,
    logger: createLogger({
      service: "test",
      level: "trace",
      secrets: [],
      destination: { write: (line: string) => lines.push(line) },
    }),
    signal: ending.signal,
    lookMs: 50,
  });
  return { port, lines };
}

interface Asked {
  readonly ca?: string;
  readonly own?: { readonly cert: string; readonly key: string };
}
/** What the port answers, and who it is; rejects when either side refuses the other. */
async function ask(port: number, { ca, own }: Asked): Promise<{ text: string; subject: string }> {
  return await new Promise((resolve, reject) => {
    const asking = request(
      {
        host: "127.0.0.1",
        port,
        agent: false,
        ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
        ...(own === undefined ? {} : { cert: readFileSync(own.cert), key: readFileSync(own.key) }),
      },
      (response) => {
        const subject = "getPeerCertificate" in response.socket ? String(subjectOf(response.socket)) : "";
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on("end", () => resolve({ text, subject }));
      },
    );
    asking.on("error", reject);
    asking.end();
  });
}
function subjectOf(socket: { getPeerCertificate?: unknown }): unknown {
  const { getPeerCertificate } = socket;
  return typeof getPeerCertificate === "function" ? getPeerCertificate.call(socket).subject?.CN : undefined;
}

test("whoever has a certificate of the cluster is answered, and nobody else", async (t) => {
  const { dir, at } = certificates();
  const stranger = certificates();
  copyFileSync(at("a.pem"), at("cert.pem"));
  copyFileSync(at("a.key"), at("key.pem"));
  const { port } = await serving(t, dir);
  const own = { cert: at("b.pem"), key: at("b.key") };
  assert.equal((await ask(port, { ca: at("ca.pem"), own })).text, "metrics");
  await assert.rejects(ask(port, { ca: at("ca.pem") }), /alert|certificate|socket hang up|ECONNRESET/i);
  const foreign = { cert: stranger.at("b.pem"), key: stranger.at("b.key") };
  await assert.rejects(ask(port, { ca: at("ca.pem"), own: foreign }), /alert|socket hang up|ECONNRESET/i);
  await assert.rejects(ask(port, { ca: stranger.at("ca.pem"), own }), /self-signed|unable to/);
});

test("a renewed certificate is taken without a restart; half a copy of it leaves the old one", async (t) => {
  const { dir, at } = certificates();
  copyFileSync(at("a.pem"), at("cert.pem"));
  copyFileSync(at("a.key"), at("key.pem"));
  const { port, lines } = await serving(t, dir);
  const asked = { ca: at("ca.pem"), own: { cert: at("b.pem"), key: at("b.key") } };
  const until = async (words: string) => {
    while (!lines.some((line) => line.includes(words)))
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  assert.equal((await ask(port, asked)).subject, "a");
  copyFileSync(at("b.pem"), at("cert.pem"));
  await until("the old one goes on");
  assert.equal((await ask(port, asked)).subject, "a");
  copyFileSync(at("b.key"), at("key.pem"));
  copyFileSync(at("b.pem"), at("cert.pem"));
  await until("is taken");
  assert.equal((await ask(port, asked)).subject, "b");
});

test("a folder without certificates is said to be one", async (t) => {
  await assert.rejects(serving(t, mkdtempSync(join(tmpdir(), "tls-"))), /HTTP_TLS_DIR holds no certificates/);
});
