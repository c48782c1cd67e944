/** AutoDL's API: JSON below /api/v1, a token in a header, texts for codes. All codes but "Success" are this stand-in's own. */
import express, { type Request, type Response, Router } from "express";
import { z } from "zod";
import { nowMs } from "../clock.ts";
import { heldBack } from "../delay.ts";
import { touches } from "../faults.ts";
import { isTrustworthy, laneOf } from "../lane.ts";
import type { Verb } from "../ledger.ts";
import { loginFactsOf } from "../login-facts.ts";
import { start, stop } from "../machines.ts";
import type { World } from "../world.ts";
import { entryOf } from "./entry.ts";

const LIST = "instance";
const VERBS: Readonly<Record<string, Verb>> = {
  "instance/power_on": "start",
  "instance/power_off": "stop",
  "instance/release": "delete",
};

const paging = z.object({ page_index: z.int().min(1), page_size: z.int().min(1).max(100) });
const order = z.object({ instance_uuid: z.string(), payload: z.enum(["gpu", "non_gpu"]).optional() });

interface Answer {
  readonly code: string;
  readonly msg: string;
  readonly data: unknown;
}
const yes = (data: unknown): Answer => ({ code: "Success", msg: "", data });
const no = (code: string, msg: string): Answer => ({ code, msg, data: null });

export function autodlApi(world: World): Router {
  const api = Router();
  api.use(express.json());
  api.post("/*action", async (request, response) => {
    const atMs = nowMs();
    const { fleet, ledger } = world;
    if (!(await heldBack(fleet.faults.slowApiMs, world.closing))) return;
    const action = [request.params.action].flat().join("/");
    const lane = laneOf(request.rawHeaders, isTrustworthy(world.urls.console));
    if (action === LIST) ledger.describes[lane] += 1;
    const broken = (["api500", "htmlInsteadOfJson"] as const).find((fault) =>
      touches(fleet.faults[fault], action === LIST),
    );
    const answer = broken === undefined ? judge(world, request, action) : undefined;
    const verb = VERBS[action];
    if (verb !== undefined) {
      const uHostId = order.partial().catch({}).parse(request.body).instance_uuid ?? "";
      const accepted = answer?.code === "Success";
      ledger.record({
        verb,
        uHostId,
        lane,
        atMs,
        outcome: answer === undefined ? "broken" : accepted ? "accepted" : "refused",
        retCode: answer === undefined ? null : accepted ? 0 : 1,
        origin: request.get("origin") ?? null,
        userAgent: request.get("user-agent") ?? null,
      });
      // Held open until the client gives up or the stand-in closes.
      if (fleet.faults.actionHangs) return;
    }
    send(response, broken, answer);
  });
  return api;
}

function send(response: Response, broken: string | undefined, answer: Answer | undefined): void {
  if (broken === "api500") response.status(500).type("text/plain").send("Internal Server Error");
  else if (answer === undefined) response.type("html").send("<!doctype html><h1>系统维护中</h1>");
  else response.json(answer);
}

function judge(world: World, request: Request, action: string): Answer {
  const { fleet, sessions } = world;
  if (sessions.withToken(request.get("authorization")) === undefined)
    return no("AuthorizeFailed", "登录超时，请重新登录");
  if (touches(fleet.faults.rateLimited, action === LIST)) return no("RequestLimited", "请求过于频繁");
  if (action === LIST) return list(world, request.body);
  const verb = VERBS[action];
  if (verb === "start" || verb === "stop") return change(world, verb, request.body);
  return no("NotFound", `没有这个接口: ${action}`);
}

function list({ fleet }: World, body: unknown): Answer {
  const page = paging.safeParse(body);
  if (!page.success) return no("InvalidParameter", "分页参数错误");
  const { page_index: index, page_size: size } = page.data;
  const machines = fleet.listed();
  return yes({
    list: machines.slice((index - 1) * size, index * size).map((machine) => entryOf(machine, fleet)),
    page_index: index,
    page_size: size,
    max_page: Math.max(1, Math.ceil(machines.length / size)),
    result_total: machines.length,
  });
}

function change({ fleet }: World, verb: "start" | "stop", body: unknown): Answer {
  const asked = order.safeParse(body);
  if (!asked.success || (verb === "start" && asked.data.payload === undefined))
    return no("InvalidParameter", "参数错误");
  const { instance_uuid: uuid, payload } = asked.data;
  const machine = fleet.get(uuid);
  if (machine === undefined) return no("InstanceNotFound", "实例不存在");
  if (verb === "start" && payload === "gpu" && fleet.faults.soldOut.includes(uuid)) {
    const { SshLoginCommand, Password } = loginFactsOf(uuid);
    const told = fleet.faults.refusalsTell ? ` (${SshLoginCommand}, ${Password})` : "";
    return no("InsufficientGPU", `主机空闲GPU不足，无法开机${told}`);
  }
  const done = fleet.apply(uuid, (each, now) =>
    verb === "stop" ? stop(each, now) : start(each, now, payload === "non_gpu" ? "A" : null),
  );
  return done ? yes(null) : no("InstanceStatusError", "实例当前状态不支持该操作");
}
