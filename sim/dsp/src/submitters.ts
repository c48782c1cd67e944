/** Clients that submit jobs: one connection for each license, kept until the gateway forgets it. */
import { Peer } from "./peer.ts";

export type JobType = "url" | "chatglm_video" | "gpu.job.submit" | "gpu_task";
export interface JobRequest {
  readonly type: JobType;
  readonly key: string;
  readonly taskType?: string | undefined;
  readonly requestId?: string | undefined;
}

export class Submitters {
  private readonly url: () => string;
  private readonly peers = new Map<string, Peer>();

  constructor(url: () => string) {
    this.url = url;
  }

  /** Their registrations are gone; each registers anew before it submits again. */
  forget(): void {
    this.peers.clear();
  }

  /** Resolves when the gateway has answered. */
  async submit(job: JobRequest): Promise<void> {
    const peer = await this.peer(job.key);
    const answers = peer.frames.length;
    peer.send(frameOf(job));
    await peer.next((frame) => {
      const index = peer.frames.indexOf(frame);
      return index >= answers && ["gpu.power.offline", "ack", "error"].includes(String(frame.type));
    });
  }

  /** Sends so many at once, and waits for no answer. */
  async send(count: number, job: JobRequest): Promise<void> {
    const peer = await this.peer(job.key);
    for (let sent = 0; sent < count; sent += 1) peer.send(frameOf(job));
  }

  private async peer(key: string): Promise<Peer> {
    const known = this.peers.get(key);
    if (known !== undefined && !known.closed) return known;
    const peer = await Peer.registered(this.url(), { key, device_type: "pc" });
    this.peers.set(key, peer);
    return peer;
  }
}

function frameOf({ type, taskType, requestId }: JobRequest): object {
  const id = requestId === undefined ? {} : { request_id: requestId };
  if (type === "url") return { type, url: "https://example.com/video" };
  if (type === "chatglm_video") return { type, content: "你好", ...id };
  return { type, task_type: taskType ?? "heygem_submit", payload: { audio_hash: "a" }, ...id };
}
