/** A client at the gateway, as a PC or phone is one: it registers with a license key, and submits jobs. */
import type { JobType } from "@gpu-power-manager/shared/events";
import { WebSocket } from "ws";
import { z } from "zod";

/** The gateway answers at once, or something is wrong with it. */
export const ANSWER_MS = 10_000;
/** The server may drop who stays silent for longer. */
const PING_MS = 25_000;
/** The gateway's frames for a client have a few hundred bytes; results may be long. */
const FRAME_LIMIT_BYTES = 4 * 1024 * 1024;

/** What a client is told; of anything else only the type is of interest. */
const Frame = z.looseObject({
  type: z.string(),
  msg: z.string().optional().catch(undefined),
  request_id: z.string().optional().catch(undefined),
  data: z.looseObject({ source: z.string().optional() }).optional().catch(undefined),
});
export type Frame = z.infer<typeof Frame>;

export interface Submission {
  readonly type: JobType;
  /** Of `gpu.job.submit` and `gpu_task`. */
  readonly taskType: string;
  readonly requestId: string;
  /** The link of a `url` job, the text of a video; else put into the payload. */
  readonly content: string;
}

/** The frame that submits a job. Pure. */
export function frameOf({ type, taskType, requestId, content }: Submission): object {
  switch (type) {
    case "url":
      return { type, url: content };
    case "chatglm_video":
      return { type, content, request_id: requestId };
    default:
      return { type, task_type: taskType, request_id: requestId, payload: { test: content } };
  }
}

export class GatewayClient {
  readonly frames: Frame[] = [];
  private readonly socket: WebSocket;
  private readonly ping: NodeJS.Timeout;

  /** @param onFrame called at each frame, and when the connection ends. */
  private constructor(socket: WebSocket, onFrame: () => void) {
    this.socket = socket;
    socket.on("message", (data) => {
      const frame = readFrame(String(data));
      if (frame !== undefined) this.frames.push(frame);
      onFrame();
    });
    socket.on("close", onFrame);
    // A broken connection is seen by its closing.
    socket.on("error", () => {});
    this.ping = setInterval(() => this.send({ type: "ping" }), PING_MS);
  }

  /** Connects and registers. @throws where the gateway is away, or does not confirm within 10 s. */
  static async open(url: string, key: string, onFrame: () => void): Promise<GatewayClient> {
    const socket = new WebSocket(url, {
      handshakeTimeout: ANSWER_MS,
      maxPayload: FRAME_LIMIT_BYTES,
      perMessageDeflate: false,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    let wake = () => {};
    const client = new GatewayClient(socket, () => {
      wake();
      onFrame();
    });
    const confirmed = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error("it does not confirm the registration as a client")),
        ANSWER_MS,
      );
      wake = () => {
        if (client.closed)
          reject(new Error("it closed the connection instead of confirming the registration"));
        else if (client.frames.some(({ type }) => type === "registered")) resolve();
        else return;
        clearTimeout(timer);
      };
    });
    client.send({ type: "register", key, device_type: "pc" });
    try {
      await confirmed;
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  get closed(): boolean {
    return this.socket.readyState === WebSocket.CLOSED;
  }

  submit(submission: Submission): void {
    this.send(frameOf(submission));
  }

  close(): void {
    clearInterval(this.ping);
    this.socket.close();
  }

  private send(frame: object): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }
}

function readFrame(text: string): Frame | undefined {
  try {
    return Frame.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
