/** The control API: what a test or a person does to the stand-in from another process. */
import { createServer } from "node:http";
import express, { type Express } from "express";
import { z } from "zod";
import { GARBAGE_KINDS } from "./garbage.ts";
import { AGAIN, type Gateway } from "./gateway.ts";
import type { Peer } from "./peer.ts";

const Job = z.object({
  type: z.enum(["url", "chatglm_video", "gpu.job.submit", "gpu_task"]),
  key: z.string().min(1).default("demo-license"),
  taskType: z.string().min(1).optional(),
  requestId: z.string().min(1).optional(),
});

export function controlApp(gateway: Gateway): Express {
  const app = express();
  app.use(express.json());
  const workers = new Map<number, Peer>();
  const clients = new Map<number, Peer>();
  let nextId = 1;
  const post = (path: string, handle: (body: unknown, id: number) => Promise<unknown>) => {
    app.post(path, async (request, response) => {
      try {
        response.json((await handle(request.body, Number(request.params.id))) ?? { ok: true });
      } catch (error) {
        response
          .status(400)
          .json({ error: error instanceof z.ZodError ? z.prettifyError(error) : String(error) });
      }
    });
  };
  const found = (peers: Map<number, Peer>, id: number): Peer => {
    const peer = peers.get(id);
    if (peer === undefined) throw new Error(`There is no peer ${id}.`);
    return peer;
  };
  app.get("/state", async (_request, response) => {
    response.json({
      connections: gateway.connectionCount,
      monitors: (await gateway.store.monitors()).length,
      workers: (await gateway.store.workers()).length,
      pending: await gateway.store.pendingCount(),
      submitted: gateway.submitted,
      notified: gateway.notified,
      heard: gateway.heard,
    });
  });
  post("/jobs", async (body) => await gateway.submit(Job.parse(body)));
  post("/jobs/burst", async (body) => {
    const { count, notifyOnly, ...job } = Job.extend({
      count: z.int().min(1).max(1_000_000),
      notifyOnly: z.boolean().default(false),
    }).parse(body);
    if (notifyOnly) await gateway.notifyOnly(count, { type: job.type, key: job.key });
    else await gateway.burst(count, job);
  });
  post("/http-jobs", async (body) => {
    const job = z.object({ key: z.string(), taskType: z.string(), requestId: z.string() }).parse(body);
    await gateway.submitOverHttp(job.key, job.taskType, job.requestId);
  });
  post("/clients", async (body) => {
    const { key } = z.object({ key: z.string().min(1) }).parse(body);
    const id = nextId++;
    clients.set(id, await gateway.client(key));
    return { clientId: id };
  });
  app.get("/clients/:id/frames", (request, response) => {
    response.json(clients.get(Number(request.params.id))?.frames ?? []);
  });
  post("/clients/:id/send", async (body, id) => {
    found(clients, id).send(z.object({ frame: z.union([z.string(), z.looseObject({})]) }).parse(body).frame);
  });
  post("/workers", async () => {
    const id = nextId++;
    workers.set(id, await gateway.worker());
    return { workerId: id };
  });
  app.get("/workers/:id/jobs", (request, response) => {
    const frames = workers.get(Number(request.params.id))?.frames ?? [];
    response.json(frames.filter((frame) => frame.type !== "registered" && frame.type !== "connected"));
  });
  post("/workers/:id/active", async (body, id) => {
    const active = z.object({ taskId: z.string(), taskType: z.string() }).parse(body);
    found(workers, id).send({ type: "gpu.task.active", task_id: active.taskId, task_type: active.taskType });
  });
  post("/workers/:id/finish", async (body, id) => {
    const done = z.object({ key: z.string(), taskType: z.string(), requestId: z.string() }).parse(body);
    const { key, taskType: task_type, requestId: request_id } = done;
    found(workers, id).send({ type: "gpu.job.result", key, task_type, request_id, result: { ok: 1 } });
  });
  post("/workers/:id/leave", async (_body, id) => {
    await found(workers, id).close();
    workers.delete(id);
  });
  post("/restart", async (body) => {
    const { downMs } = z.object({ downMs: z.number().min(0).default(0) }).parse(body ?? {});
    await gateway.crash();
    await new Promise((resolve) => setTimeout(resolve, downMs));
    await gateway.accept();
  });
  post("/away", async (body) => {
    const { on } = z.object({ on: z.boolean() }).parse(body);
    if (on) await gateway.crash();
    else if (!gateway.accepting) await gateway.accept();
  });
  post("/half-open", async () => gateway.halfOpen());
  post("/slow", async (body) => gateway.slow(z.object({ ms: z.number().min(0) }).parse(body).ms));
  post("/mute", async (body) => {
    const { type, on } = z.object({ type: z.string(), on: z.boolean().default(true) }).parse(body);
    gateway.mute(type, on);
  });
  post("/duplicate", async (body) => gateway.notifyTwice(z.object({ on: z.boolean() }).parse(body).on));
  post("/register-again", async (body) => {
    gateway.registerAgain(z.object({ as: z.enum(AGAIN) }).parse(body).as);
  });
  post("/flush-redis", async () => await gateway.flushRedis());
  post("/garbage", async (body) => {
    await gateway.garbage(z.object({ kind: z.enum(GARBAGE_KINDS) }).parse(body).kind);
  });
  return app;
}

/** Serves it on a port (0: a free one). */
export async function serveControl(gateway: Gateway, port = 0, host = "127.0.0.1") {
  const server = createServer(controlApp(gateway));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host}:${bound}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
