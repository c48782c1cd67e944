/**
 * What the servers outside show to anybody: when their certificate ends, and what time it is there. Asked by a
 * connection of its own that sends no secret, so a certificate that has ended already is read and told, too.
 */
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type DetailedPeerCertificate, TLSSocket } from "node:tls";
import { Gauge, type Registry } from "prom-client";
import type { Authority } from "./authorities.ts";

/** Not by `import`, which reads whatever the module exports, among it Node's whole WebSocket client: 6 MB. */
const { request: httpRequest } = process.getBuiltinModule("node:http");
const { request: httpsRequest } = process.getBuiltinModule("node:https");

/** An end is told a fortnight before; a clock that is set wrong should be known sooner. */
const ASK_EVERY_MS = 600_000;
/** One that did not answer. */
const ASK_AGAIN_MS = 60_000;
const ANSWER_MS = 10_000;
/** A chain has three or four certificates; a server can link as many as it likes. */
const LONGEST_CHAIN = 10;

export interface Shown {
  /** Milliseconds since 1970: the first of its chain to end. Undefined without TLS. */
  readonly certificateEndsAt: number | undefined;
  /** How far the clock here is ahead of the server's, in milliseconds; undefined where the server tells no time. */
  readonly aheadMs: number | undefined;
}

/** The first to end of what the server sends: a root is in our own hands, and may have another way to be trusted. */
function endOf(socket: TLSSocket): number | undefined {
  let first: number | undefined;
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  for (let length = 0; certificate !== undefined && length < LONGEST_CHAIN; length += 1) {
    // The types promise both; a chain that is not whole lacks the one, a server without a certificate the other.
    const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate;
    const end: string | undefined = certificate.valid_to;
    const isRoot: boolean = issuer?.fingerprint256 === certificate.fingerprint256;
    if (end !== undefined && (length === 0 || !isRoot)) first = Math.min(first ?? Infinity, Date.parse(end));
    certificate = isRoot ? undefined : issuer;
  }
  return first;
}

/** The middle of question and answer against the server's own second. */
function aheadOf(response: IncomingMessage, askedAt: number): number | undefined {
  const there = Date.parse(response.headers.date ?? "");
  // A server tells whole seconds: on average it is half a second later than it says.
  return Number.isNaN(there) ? undefined : (askedAt + Date.now()) / 2 - (there + 500);
}

async function askHttp(url: URL, signal: AbortSignal): Promise<Shown> {
  const askedAt = Date.now();
  return await new Promise((resolve, reject) => {
    const request = url.protocol === "https:" ? httpsRequest : httpRequest;
    // Only what anybody may see is asked for, so a certificate that nobody vouches for does no harm here.
    const options = { method: "HEAD", agent: false, rejectUnauthorized: false, signal } as const;
    request(url.origin, options, (response) => {
      const { socket } = response;
      const certificateEndsAt = socket instanceof TLSSocket ? endOf(socket) : undefined;
      resolve({ certificateEndsAt, aheadMs: aheadOf(response, askedAt) });
      response.destroy();
    })
      .once("error", reject)
      .end();
  });
}

/** Those that begin with TLS at once, with their usual ports. */
const TLS_PORTS: Readonly<Record<string, number>> = { "wss:": 443, "rediss:": 6379 };

async function askTls(url: URL, signal: AbortSignal): Promise<Shown> {
  const { hostname } = url;
  const usual = TLS_PORTS[url.protocol];
  if (usual === undefined) return { certificateEndsAt: undefined, aheadMs: undefined };
  const port = url.port === "" ? usual : Number(url.port);
  return await new Promise((resolve, reject) => {
    const isName = !/^[\d.]+$|^\[/.test(hostname);
    const host = hostname.replace(/^\[|\]$/g, "");
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      ...(isName ? { servername: host } : {}),
    });
    const give = (error: unknown) => {
      socket.destroy();
      reject(error);
    };
    signal.addEventListener("abort", () => give(signal.reason), { once: true });
    socket.once("error", give).once("secureConnect", () => {
      resolve({ certificateEndsAt: endOf(socket), aheadMs: undefined });
      socket.destroy();
    });
  });
}

/** @throws when the server does not answer within 10 s, or the signal ends. */
export async function askOutside(url: string, signal: AbortSignal): Promise<Shown> {
  const parsed = new URL(url);
  const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  return await (parsed.protocol.startsWith("http") ? askHttp(parsed, within) : askTls(parsed, within));
}

/** Asks them again and again, and remembers what each showed last: a certificate ends whether or not it answers. */
export class Outside {
  private readonly servers: () => Readonly<Record<string, string>>;
  private shown = new Map<string, Shown & { readonly url: string }>();

  /** @param servers their addresses, by the names that they have in the metrics; they may change. */
  constructor(servers: () => Readonly<Record<string, string>>) {
    this.servers = servers;
  }

  /** What each of them showed last. */
  *seen(): Iterable<readonly [name: string, shown: Shown]> {
    const now = this.servers();
    for (const [name, shown] of this.shown) if (now[name] === shown.url) yield [name, shown];
  }

  /** Until the signal. Never throws: a server that is away is told by whoever needs it. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let all = true;
      for (const [name, url] of Object.entries(this.servers())) {
        const found = await askOutside(url, signal).catch(() => undefined);
        if (found !== undefined) this.shown.set(name, { ...found, url });
        else all = false;
      }
      await sleep(all ? ASK_EVERY_MS : ASK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

export interface OutsideGauges {
  readonly prefix: "gpu_listener" | "gpu_power";
  readonly outside: Outside;
  readonly authorities: readonly Authority[];
  /** Milliseconds that never jump, beginning with the wall clock at the start. */
  readonly steady: () => number;
  readonly wall?: () => number;
}

/** Adds the gauges of certificates and clocks. */
export function deriveFromOutside(
  registry: Registry,
  { prefix, outside, authorities, steady, wall = Date.now }: OutsideGauges,
): void {
  const registers = [registry];
  new Gauge({
    name: `${prefix}_certificate_end_timestamp_seconds`,
    help: "When a certificate ends, in Unix seconds: the first to end of those that a server outside shows, by the server's name here, and each authority in CA_DIR, by its file. Absent where there is no TLS, or the server has not answered yet.",
    labelNames: ["certificate"],
    registers,
    collect() {
      this.reset();
      for (const { file, expiresAt } of authorities) this.set({ certificate: file }, expiresAt / 1_000);
      for (const [certificate, { certificateEndsAt }] of outside.seen())
        if (certificateEndsAt !== undefined) this.set({ certificate }, certificateEndsAt / 1_000);
    },
  });
  new Gauge({
    name: `${prefix}_clock_ahead_seconds`,
    help: "How far this host's clock is ahead of the clock of a server outside, in seconds, less than 0 where it is behind; exact to about a second. Absent where the server tells no time.",
    labelNames: ["server"],
    registers,
    collect() {
      this.reset();
      for (const [server, { aheadMs }] of outside.seen())
        if (aheadMs !== undefined) this.set({ server }, aheadMs / 1_000);
    },
  });
  new Gauge({
    name: `${prefix}_clock_set_seconds`,
    help: "How far this host's clock is from the service's own time, in seconds, less than 0 where it was set back: the service's time then goes slower until it has caught up, or until a restart. Where it was set ahead, the service follows within seconds.",
    registers,
    collect() {
      this.set((wall() - steady()) / 1_000);
    },
  });
}
