/** A certificate authority that nobody knows, and TLS servers that it vouches for. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { promisify } from "node:util";

const run = promisify(execFile);
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export interface Certificate {
  /** Files in PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface PrivateCa {
  /** A folder that holds its certificate, `authority.pem`, alone: what CA_DIR names. */
  readonly dir: string;
  /** A certificate for 127.0.0.1 and localhost; with no days left it has ended already. */
  issue(days: number): Promise<Certificate>;
}

export async function makePrivateCa(days = 30): Promise<PrivateCa> {
  const dir = await mkdtemp(join(tmpdir(), "gpm-ca-"));
  const work = await mkdtemp(join(tmpdir(), "gpm-ca-keys-"));
  const file = (name: string) => join(work, name);
  const authority = join(dir, "authority.pem");
  const subject = (name: string) => ["-subj", `/CN=${name}`];
  const made = await run("openssl", [
    "req",
    ...KEY,
    "-keyout",
    file("ca.key"),
    ...subject("nobody knows me"),
  ]);
  await writeFile(file("ca.csr"), made.stdout);
  await writeFile(file("ca.ext"), "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n");
  const lasting = (count: number) => ["-days", String(count)];
  const signed = ["x509", "-req", "-in", file("ca.csr"), "-signkey", file("ca.key"), "-out", authority];
  await run("openssl", [...signed, "-extfile", file("ca.ext"), ...lasting(days)]);
  let issued = 0;
  return {
    dir,
    issue: async (count) => {
      issued += 1;
      const own = (end: string) => file(`server-${issued}.${end}`);
      const [key, request, extensions, certificate] = [
        own("key"),
        own("csr"),
        own("ext"),
        own("pem"),
      ] as const;
      const asked = await run("openssl", ["req", ...KEY, "-keyout", key, ...subject("127.0.0.1")]);
      await writeFile(request, asked.stdout);
      await writeFile(extensions, "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
      const by = ["-CA", authority, "-CAkey", file("ca.key"), "-set_serial", String(issued)];
      const options = ["-extfile", extensions, ...lasting(count)];
      await run("openssl", ["x509", "-req", "-in", request, ...by, "-out", certificate, ...options]);
      return { certificate, key };
    },
  };
}

/** Speaks TLS with this certificate, and passes what it hears to a plain port on loopback. */
export async function serveTls({ certificate, key }: Certificate, plainPort: number) {
  const server = createServer({ cert: await readFile(certificate), key: await readFile(key) }, (socket) => {
    const plain = connect({ host: "127.0.0.1", port: plainPort });
    socket.pipe(plain).pipe(socket);
    socket.on("error", () => plain.destroy());
    plain.on("error", () => socket.destroy());
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      plain.destroy();
    });
  });
  const open = new Set<{ destroy(): void }>();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the TLS server has no port");
  return {
    port: address.port,
    stop: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
