/** Every key of the gateway in Redis, and nothing else. */
import type { Redis } from "ioredis";
import { z } from "zod";
import { phpJson } from "./php-json.ts";

/** Jobs kept a license; the oldest is dropped. */
const PENDING_LIMIT = 100;
/** Jobs handed over a license when a worker registers. */
const FLUSH_LIMIT = 50;
/** A task counts as given up after this. */
const TASK_SECONDS = 600;
const STATUS_EXPIRES_SECONDS = 3_600;
const NOTIFY_EXPIRES_SECONDS = 60;
const NOTIFY_A_TICK = 10;

const TaskStatus = z.object({
  task_type: z.string(),
  request_id: z.string(),
  status: z.enum(["queued", "processing"]),
  start_time: z.number(),
});
export type TaskStatus = z.infer<typeof TaskStatus>;

const MONITORS = "dsp:gpu_monitors";
const WORKERS = "dsp:workers";
const FD_TO_KEY = "dsp:fdToKey";
const FD_TO_ROLE = "dsp:fdToRole";
const NOTIFY = "dsp:gpu_monitor_notify";
const pendingKey = (key: string) => `dsp:pending_tasks:${key}`;
const statusKey = (key: string) => `dsp:task_status:${key}`;

export class Store {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  async registerMonitor(fd: number): Promise<void> {
    await Promise.all([this.redis.sadd(MONITORS, fd), this.redis.hset(FD_TO_ROLE, fd, "gpu_monitor")]);
  }

  async registerWorker(fd: number): Promise<void> {
    await Promise.all([this.redis.sadd(WORKERS, fd), this.redis.hset(FD_TO_ROLE, fd, "worker")]);
  }

  async registerClient(fd: number, key: string, deviceType: string): Promise<void> {
    await Promise.all([
      this.redis.hset(FD_TO_KEY, fd, key),
      this.redis.hset(FD_TO_ROLE, fd, "client"),
      this.redis.sadd(`dsp:client_fds:${key}`, fd),
      this.redis.hset(`dsp:device_fd:${key}`, deviceType, fd),
    ]);
  }

  /** What a clean close does, and a send that failed. A crash of the gateway does it not. */
  async forget(fd: number): Promise<void> {
    const key = await this.keyOf(fd);
    await Promise.all([
      this.redis.srem(MONITORS, fd),
      this.redis.srem(WORKERS, fd),
      this.redis.hdel(FD_TO_KEY, String(fd)),
      this.redis.hdel(FD_TO_ROLE, String(fd)),
      ...(key === null ? [] : [this.redis.srem(`dsp:client_fds:${key}`, fd)]),
    ]);
  }

  async keyOf(fd: number): Promise<string | null> {
    return await this.redis.hget(FD_TO_KEY, String(fd));
  }

  async isMonitor(fd: number): Promise<boolean> {
    return (await this.redis.sismember(MONITORS, fd)) === 1;
  }

  async isWorker(fd: number): Promise<boolean> {
    return (await this.redis.sismember(WORKERS, fd)) === 1;
  }

  async monitors(): Promise<number[]> {
    return (await this.redis.smembers(MONITORS)).map(Number);
  }

  async workers(): Promise<number[]> {
    return (await this.redis.smembers(WORKERS)).map(Number).sort((a, b) => a - b);
  }

  /** Every connection that a license was registered on. */
  async clients(): Promise<number[]> {
    return Object.keys(await this.redis.hgetall(FD_TO_KEY)).map(Number);
  }

  async clientsOf(key: string): Promise<number[]> {
    return (await this.redis.smembers(`dsp:client_fds:${key}`)).map(Number);
  }

  async queue(key: string, job: object): Promise<void> {
    await Promise.all([
      this.redis.rpush(pendingKey(key), phpJson(job)),
      this.redis.ltrim(pendingKey(key), -PENDING_LIMIT, -1),
    ]);
  }

  /** Takes a queued job back out, because a newer one of its type replaces it. */
  async unqueue(key: string, requestId: string): Promise<void> {
    for (const item of await this.redis.lrange(pendingKey(key), 0, -1)) {
      const job = z.object({ request_id: z.string().optional() }).safeParse(JSON.parse(item));
      if (job.success && job.data.request_id === requestId) await this.redis.lrem(pendingKey(key), 1, item);
    }
  }

  async pendingKeys(): Promise<string[]> {
    const keys: string[] = [];
    let cursor = "0";
    do {
      const [next, found] = await this.redis.scan(cursor, "MATCH", pendingKey("*"), "COUNT", 500);
      cursor = next;
      keys.push(...found);
    } while (cursor !== "0");
    return keys.map((key) => key.slice(pendingKey("").length));
  }

  async pendingCount(): Promise<number> {
    const keys = await this.pendingKeys();
    const lengths = await Promise.all(keys.map((key) => this.redis.llen(pendingKey(key))));
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  /** Pops what a worker gets when it registers, at most 50 a license. */
  async popPending(key: string): Promise<string[]> {
    return (await this.redis.lpop(pendingKey(key), FLUSH_LIMIT)) ?? [];
  }

  /** The task of this type that is not given up yet. */
  async task(key: string, taskType: string, nowSeconds: number): Promise<TaskStatus | undefined> {
    const text = await this.redis.hget(statusKey(key), taskType);
    if (text === null) return undefined;
    const task = TaskStatus.safeParse(JSON.parse(text));
    return task.success && nowSeconds - task.data.start_time < TASK_SECONDS ? task.data : undefined;
  }

  async setTask(key: string, { task_type, request_id, status, start_time }: TaskStatus): Promise<void> {
    // In the order in which the gateway writes the fields.
    const text = phpJson({ task_type, request_id, status, start_time });
    await Promise.all([
      this.redis.hset(statusKey(key), task_type, text),
      this.redis.expire(statusKey(key), STATUS_EXPIRES_SECONDS),
    ]);
  }

  async endTask(key: string, taskType: string): Promise<void> {
    await this.redis.hdel(statusKey(key), taskType);
  }

  /** What an HTTP controller does; the 2 s timer delivers it. */
  async pushNotify(frame: object): Promise<void> {
    await Promise.all([
      this.redis.rpush(NOTIFY, phpJson(frame)),
      this.redis.expire(NOTIFY, NOTIFY_EXPIRES_SECONDS),
    ]);
  }

  async popNotify(): Promise<string[]> {
    return (await this.redis.lpop(NOTIFY, NOTIFY_A_TICK)) ?? [];
  }

  async flushAll(): Promise<void> {
    await this.redis.flushall();
  }

  /** What an HTTP controller leaves in Redis: the job, and its notification for the gateway's timer. */
  async submitOverHttp(key: string, taskType: string, requestId: string): Promise<void> {
    const job = { type: "gpu.job.submit", task_type: taskType, request_id: requestId, key };
    await this.queue(key, { ...job, payload: [] });
    const status = { task_type: taskType, request_id: requestId, start_time: Math.floor(Date.now() / 1_000) };
    await this.setTask(key, { ...status, status: "queued" });
    await this.pushNotify(job);
  }
}
