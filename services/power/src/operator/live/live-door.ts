/** The upgrade to the live view's socket: our host name, our page, a session that lives, a role that may look. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { PROBLEMS, type ProblemCode } from "@gpu-power-manager/shared/api";
import { type WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { checkHost } from "../doorkeeper.ts";
import type { Gate } from "../page/gate.ts";
import { ApiError } from "../problems.ts";
import type { LiveDesk } from "./live-desk.ts";
import { FromBrowser } from "./messages.ts";
import { Watcher } from "./watcher.ts";

/** More is no message of the page's: the longest is a text that is pasted. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** Each costs a line's worth of pictures. */
const MAX_WATCHERS = 20;
/** A connection that does not answer so often is gone; a proxy closes one that stays silent. */
const PING_MS = 15_000;

const Query = z.object({ tab: z.string().regex(/^[\w-]{8,64}$/) });

export interface LiveDoorParts {
  readonly gate: Gate;
  readonly hosts: readonly string[];
  readonly publicUrl: URL | undefined;
  readonly viewersWatch: boolean;
  /** @throws ApiError where this power does not act. */
  readonly desk: () => LiveDesk;
  readonly signal: AbortSignal;
}

export class LiveDoor {
  private readonly parts: LiveDoorParts;
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    // Pictures are packed already.
    perMessageDeflate: false,
  });

  constructor(parts: LiveDoorParts) {
    this.parts = parts;
    const pings = setInterval(() => {
      for (const socket of this.server.clients) socket.ping();
    }, PING_MS).unref();
    parts.signal.addEventListener(
      "abort",
      () => {
        clearInterval(pings);
        for (const socket of this.server.clients) socket.close(1001, "Power is stopping.");
      },
      { once: true },
    );
  }

  readonly upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    try {
      this.let(request, socket, head);
    } catch (error) {
      const [code, words]: [ProblemCode, string] =
        error instanceof ApiError
          ? [error.code, error.message]
          : ["bad_request", "That is no upgrade of the page's."];
      refuse(socket, code, words);
    }
  };

  private let(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { gate, hosts, publicUrl, viewersWatch, desk } = this.parts;
    checkHost(request, hosts);
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://here");
    const paths = ["/live/socket", `${publicUrl?.pathname ?? "/"}live/socket`];
    if (!paths.includes(pathname)) throw new ApiError("not_found", `There is no socket at ${pathname}.`);
    gate.checkOrigin(request);
    const session = gate.session(request);
    if (session === undefined) throw new ApiError("unauthorized", "Sign in to the page first.");
    if (session.role === "viewer" && !viewersWatch)
      throw new ApiError(
        "forbidden",
        "Viewers may not watch the console's page; VIEWERS_WATCH=true lets them.",
      );
    const { tab } = Query.parse(Object.fromEntries(searchParams));
    const at = desk();
    if (at.watching >= MAX_WATCHERS)
      throw new ApiError("too_many_streams", `At most ${MAX_WATCHERS} watch at a time.`);
    const watcher = (opened: WebSocket) =>
      new Watcher({
        socket: opened,
        // The CSRF token is one of each session, and never leaves it.
        person: { key: `${session.csrf}.${tab}`, name: session.name === "" ? session.role : session.name },
        mayControl: session.role === "operator",
        mayStay: () => gate.session(request) !== undefined,
        address: request.socket.remoteAddress ?? "unknown",
      });
    this.server.handleUpgrade(request, socket, head, (opened) => this.welcome(opened, watcher(opened), at));
  }

  private welcome(socket: WebSocket, watcher: Watcher, desk: LiveDesk): void {
    socket.on("message", (data, binary) => {
      const message = binary ? undefined : understood(String(data));
      // Its content is a person's typing: of what is no message only that it came is told.
      if (message === undefined) socket.close(1008, "That is no message of the page's.");
      else if (watcher.parts.mayStay()) desk.hear(watcher, message);
      else socket.close(4401, "The session is over.");
    });
    let answered = true;
    socket.on("pong", () => {
      answered = true;
    });
    const alive = setInterval(() => {
      if (!answered) socket.terminate();
      answered = false;
    }, PING_MS * 2).unref();
    socket.on("error", () => socket.terminate());
    socket.on("close", () => {
      clearInterval(alive);
      desk.leave(watcher);
    });
    desk.enter(watcher);
  }
}

function understood(text: string): FromBrowser | undefined {
  try {
    return FromBrowser.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function refuse(socket: Duplex, code: ProblemCode, words: string): void {
  const { status, title } = PROBLEMS[code];
  const body = JSON.stringify({
    type: `urn:gpu-power-manager:problem:${code}`,
    title,
    status,
    code,
    detail: words,
  });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
