/** What the gateway does with a frame. Speaks through `Outlet` only; who is registered is what Redis says. */
import { z } from "zod";
import { envelope, seconds, uniqid } from "./envelope.ts";
import { asPhp } from "./php-json.ts";
import type { Store } from "./store.ts";

const OFFLINE = "GPU服务器未上线，任务已排队，服务器启动后自动执行（约2分钟）";
const ONLINE = "GPU服务器已上线，可以开始处理任务";

/** A frame for monitors. */
export type Notice = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface Outlet {
  /** Sends to a connection; a number that is nobody's any more is forgotten, as the gateway does. */
  send(fd: number, frame: object | string): Promise<void>;
  /** Sends to every monitor that Redis knows, unless the type is muted. */
  notify(frame: Notice): Promise<void>;
  count(what: string): void;
  /** Whether a registration is taken that this connection says once more; the real gateway takes it. */
  registersAgain(fd: number): boolean;
  /** Newer gateways answer `gpu.task.query`. */
  readonly newer: boolean;
  /** How many tasks such an answer names. */
  readonly activeTasks: number;
}

const text = z.string().min(1);
const Frame = z.looseObject({ type: z.string() });
type Frame = z.infer<typeof Frame>;

function str(frame: Frame, name: string): string | undefined {
  const value = text.safeParse(frame[name]);
  return value.success ? value.data : undefined;
}

export class Protocol {
  private readonly store: Store;
  private readonly out: Outlet;

  constructor(store: Store, out: Outlet) {
    this.store = store;
    this.out = out;
  }

  async receive(fd: number, raw: string): Promise<void> {
    if (/^https?:\/\//.test(raw)) {
      await this.urlJob(fd, raw.trim());
      return;
    }
    let json: unknown;
    try {
      json = JSON.parse(raw);
    } catch {
      return;
    }
    const frame = Frame.safeParse(json);
    if (frame.success) await this.handle(fd, frame.data);
    // Every frame of anybody does what the timer does.
    await this.deliverNotifyList();
  }

  private async handle(fd: number, frame: Frame): Promise<void> {
    switch (frame.type) {
      case "ping":
        return await this.out.send(fd, { type: "pong" });
      case "register":
        return await this.register(fd, frame);
      case "url": {
        const url = str(frame, "url");
        return url === undefined ? undefined : await this.urlJob(fd, url);
      }
      case "chatglm_video":
        return await this.videoJob(fd, frame);
      case "gpu.job.submit":
      case "gpu_task":
        return await this.gpuJob(fd, frame);
      case "gpu.power.boot":
        this.out.count("boot");
        return await this.out.notify({
          type: "gpu.power.boot",
          source: "client",
          fd,
          request_id: str(frame, "request_id") ?? `boot_${uniqid()}`,
          msg: str(frame, "msg") ?? "请求启动GPU",
        });
      case "gpu.status.query":
        return await this.out.notify({
          type: "gpu.status.query",
          source: "client",
          sender_fd: fd,
          request_id: str(frame, "request_id") ?? `query_${uniqid()}`,
        });
      case "gpu.status.response":
        return await this.statusResponse(fd, frame);
      case "gpu.power.online":
        return await this.monitorSaysOnline(fd, frame);
      case "gpu.task.query":
        if (!this.out.newer || !(await this.store.isMonitor(fd))) return;
        return await this.out.send(fd, {
          type: "gpu.task.query.response",
          request_id: str(frame, "request_id"),
          active_count: this.out.activeTasks,
          has_recent_active: this.out.activeTasks > 0,
        });
      case "gpu.task.active":
        if (!(await this.store.isWorker(fd))) return;
        return await this.out.notify({
          type: "gpu.task.active",
          task_id: str(frame, "task_id") ?? "",
          task_type: str(frame, "task_type") ?? "",
          ts: seconds(),
        });
      case "gpu.job.result":
        return await this.result(fd, frame);
    }
  }

  private async register(fd: number, frame: Frame): Promise<void> {
    if (!this.out.registersAgain(fd)) return;
    if (frame.role === "gpu_monitor") {
      await this.store.registerMonitor(fd);
      await this.out.send(fd, { type: "registered", role: "gpu_monitor" });
    } else if (frame.role === "worker") {
      await this.store.registerWorker(fd);
      await this.out.send(fd, { type: "registered", role: "worker" });
      for (const key of await this.store.pendingKeys()) {
        for (const job of await this.store.popPending(key)) await this.out.send(fd, JSON.parse(job));
      }
      await this.announce({ source: "worker", worker_fd: fd }, ONLINE);
    } else {
      const key = str(frame, "key");
      if (key === undefined) return;
      const deviceType = str(frame, "device_type") ?? "pc";
      await this.store.registerClient(fd, key, deviceType);
      await this.out.send(fd, { type: "registered", key, device_type: deviceType });
    }
  }

  /** "The GPU is online" to every client, in the older words and in the newer. */
  private async announce(who: object, msg: string): Promise<void> {
    for (const fd of await this.store.clients()) {
      await this.out.send(fd, { type: "gpu_online", msg });
      await this.out.send(fd, {
        ...envelope("gpu.power.online", "gpu", `gpu_power_online_${uniqid()}`),
        data: { status: "online", msg, ...who },
      });
    }
  }

  private async offline(fd: number, requestId: string, taskType?: string): Promise<void> {
    const task = taskType === undefined ? {} : { task_type: taskType };
    await this.out.send(fd, {
      ...envelope("gpu.power.offline", "api", requestId),
      ...task,
      msg: OFFLINE,
      data: { status: "offline", ...task },
    });
  }

  private async urlJob(fd: number, url: string): Promise<void> {
    const key = await this.store.keyOf(fd);
    if (key === null) return;
    this.out.count("url");
    const job = { type: "url", url, key };
    const workers = await this.store.workers();
    if (workers.length === 0) {
      await this.store.queue(key, job);
      await this.offline(fd, `gpu_offline_${uniqid()}`);
    } else {
      for (const worker of workers) await this.out.send(worker, job);
      await this.out.send(fd, { type: "ack", msg: "已提交" });
    }
    await this.out.notify({ type: "url", key });
  }

  private async videoJob(fd: number, frame: Frame): Promise<void> {
    const key = await this.store.keyOf(fd);
    if (key === null) return;
    this.out.count("chatglm_video");
    const requestId = str(frame, "request_id") ?? `gpu_offline_${uniqid()}`;
    const job = {
      type: "chatglm_video",
      content: frame.content ?? "",
      key,
      request_id: requestId,
      sender_fd: fd,
    };
    const workers = await this.store.workers();
    if (workers.length === 0) {
      await this.store.queue(key, job);
      await this.offline(fd, requestId);
    } else {
      for (const worker of workers) await this.out.send(worker, job);
      await this.out.send(fd, { type: "ack", request_id: requestId, msg: "已提交" });
    }
    await this.out.notify({ type: "chatglm_video", key });
  }

  private async gpuJob(fd: number, frame: Frame): Promise<void> {
    const key = await this.store.keyOf(fd);
    const taskType = str(frame, "task_type");
    if (key === null || taskType === undefined) return;
    const requestId = str(frame, "request_id") ?? `gt_${uniqid()}`;
    const now = seconds();
    const old = await this.store.task(key, taskType, now);
    if (old?.status === "processing") {
      await this.out.send(fd, {
        type: "error",
        request_id: requestId,
        task_type: taskType,
        msg: `任务处理中，请等待完成（已用时 ${now - old.start_time}秒）`,
        old_request_id: old.request_id,
      });
      return;
    }
    this.out.count(frame.type);
    if (old !== undefined) await this.store.unqueue(key, old.request_id);
    const job = {
      type: "gpu.job.submit",
      task_type: taskType,
      request_id: requestId,
      key,
      sender_fd: fd,
      payload: asPhp(frame.payload ?? {}),
    };
    const status = { task_type: taskType, request_id: requestId, start_time: now };
    const workers = await this.store.workers();
    if (workers.length === 0) {
      await this.store.queue(key, job);
      await this.store.setTask(key, { ...status, status: "queued" });
      await this.offline(fd, requestId, taskType);
    } else {
      await this.store.setTask(key, { ...status, status: "processing" });
      for (const worker of workers) await this.out.send(worker, job);
      await this.out.send(fd, {
        type: "ack",
        request_id: requestId,
        task_type: taskType,
        msg: "已提交到GPU服务器",
      });
    }
    await this.out.notify({ type: "gpu.job.submit", task_type: taskType, key });
  }

  private async result(fd: number, frame: Frame): Promise<void> {
    const key = str(frame, "key");
    const taskType = str(frame, "task_type");
    if (key === undefined || taskType === undefined || !(await this.store.isWorker(fd))) return;
    await this.store.endTask(key, taskType);
    const told = { task_type: taskType, request_id: frame.request_id, result: frame.result };
    for (const client of await this.store.clientsOf(key)) {
      await this.out.send(client, { type: "gpu.job.result", ...told });
      await this.out.send(client, { type: "gpu_task_result", ...told });
    }
  }

  private async statusResponse(fd: number, frame: Frame): Promise<void> {
    if (!(await this.store.isMonitor(fd))) return;
    for (const client of await this.store.clients()) {
      await this.out.send(client, {
        type: "gpu.status.response",
        status: frame.status ?? "unknown",
        State: str(frame, "State") ?? "",
        request_id: frame.request_id ?? "",
        fresh: frame.fresh === true,
      });
    }
  }

  private async monitorSaysOnline(fd: number, frame: Frame): Promise<void> {
    if (!(await this.store.isMonitor(fd))) return;
    const requestId = str(frame, "request_id");
    const who = { from: "gpu_monitor", ...(requestId === undefined ? {} : { request_id: requestId }) };
    await this.announce(who, str(frame, "msg") ?? ONLINE);
  }

  /** The 2 s timer: what HTTP controllers queued for the monitors. */
  async deliverNotifyList(): Promise<void> {
    for (const item of await this.store.popNotify()) {
      const frame = Frame.safeParse(JSON.parse(item));
      if (frame.success) await this.out.notify(frame.data);
    }
  }
}
