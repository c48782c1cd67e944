import { randomUUID } from "node:crypto";
import express, { type Express, type Request, type Response } from "express";
import { z } from "zod";
import { change, OTHER_ACTIONS, VERBS } from "./actions.ts";
import { type Answer, type Fields, refusal } from "./answer.ts";
import { isSigned, turnedAway } from "./caller.ts";
import { nowMs } from "./clock.ts";
import { heldBack } from "./delay.ts";
import { touches } from "./faults.ts";
import { isTrustworthy, laneOf } from "./lane.ts";
import type { Outcome } from "./ledger.ts";
import { RET } from "./ret-codes.ts";
import type { World } from "./world.ts";

const DESCRIBE = "DescribeCompShareInstance";
const ALLOWED_HEADERS = "content-type, u-csrf-token, x-api-lang";

const query = z.object({ Action: z.string().default("") });
const body = z.record(z.string(), z.string());

/** What to send: a JSON answer, or a fault in its place. */
type Reply = { kind: "answer"; answer: Answer } | { kind: "status500" } | { kind: "html" };

/** The provider's API origin: POST /, form-encoded, for the console's page and for whoever signs. */
export function apiApp(world: World): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use((request, response, next) => {
    response.set({
      "Access-Control-Allow-Origin": world.urls.console,
      "Access-Control-Allow-Credentials": "true",
      Vary: "Origin",
    });
    if (request.method !== "OPTIONS") return next();
    response.set({
      "Access-Control-Allow-Methods": "POST, OPTIONS",
      "Access-Control-Allow-Headers": ALLOWED_HEADERS,
      "Access-Control-Max-Age": "600",
    });
    response.status(204).end();
  });
  app.post(
    "/",
    (_request, response, next) => {
      // Taken before the body is read, so that a slow stand-in does not make the product look slow.
      response.locals.atMs = nowMs();
      next();
    },
    express.urlencoded({ extended: false }),
    async (request, response) => await answer(world, request, response),
  );
  return app;
}

async function answer(world: World, request: Request, response: Response): Promise<void> {
  const { fleet, closing } = world;
  if (!(await heldBack(fleet.faults.slowApiMs, closing))) return;
  const fields = body.catch({}).parse(request.body);
  const action = query.catch({ Action: "" }).parse(request.query).Action || fields.Action || "";
  const known = VERBS[action];
  const lane = isSigned(fields) ? "signed" : laneOf(request.rawHeaders, isTrustworthy(world.urls.api));
  if (action === DESCRIBE) world.ledger.describes[lane] += 1;

  const reply = judge(world, request, action, fields);
  if (known !== undefined) {
    world.ledger.record({
      verb: known.verb,
      uHostId: fields.UHostId ?? "",
      lane,
      atMs: z.number().parse(response.locals.atMs),
      outcome: outcomeOf(reply),
      retCode: reply.kind === "answer" ? reply.answer.RetCode : null,
      origin: request.get("origin") ?? null,
      userAgent: request.get("user-agent") ?? null,
    });
    // Held open until the client gives up or the stand-in closes.
    if (fleet.faults.actionHangs) return;
  }
  send(response, action, reply);
}

function judge(world: World, request: Request, action: string, fields: Fields): Reply {
  const { fleet } = world;
  const caller = isSigned(fields) ? "signed" : "session";
  const troubled = fleet.faults.troubled === "everybody" || fleet.faults.troubled === caller;
  const hit = (scope: Parameters<typeof touches>[0]) => troubled && touches(scope, action === DESCRIBE);
  if (hit(fleet.faults.api500)) return { kind: "status500" };
  if (hit(fleet.faults.htmlInsteadOfJson)) return { kind: "html" };
  const say = (code: number, message: string): Reply => ({ kind: "answer", answer: refusal(code, message) });

  const away = turnedAway(world, request, fields);
  if (away !== undefined) return { kind: "answer", answer: away };
  if (hit(fleet.faults.rateLimited)) return say(RET.rateLimited, "请求过于频繁，请稍后再试");
  // The two places of the action's name must agree: a client that sends another one means something else.
  if (fields.Action !== action) return say(RET.missingField, "Missing params [Action]");
  const other = OTHER_ACTIONS[action];
  if (other !== undefined) return { kind: "answer", answer: other(world, fields) };
  const known = VERBS[action];
  if (known === undefined) return say(RET.unknownAction, `Action [${action}] not found`);
  // The page names the image that a stop leaves behind; the public API does not ask for it.
  const needs = isSigned(fields) ? known.needs.filter((field) => field !== "BasicImageId") : known.needs;
  return { kind: "answer", answer: change(fleet, known.verb, needs, fields) };
}

function outcomeOf(reply: Reply): Outcome {
  if (reply.kind !== "answer") return "broken";
  return reply.answer.RetCode === RET.accepted ? "accepted" : "refused";
}

function send(response: Response, action: string, reply: Reply): void {
  response.set("X-UCLOUD-REQUEST-UUID", randomUUID());
  switch (reply.kind) {
    case "status500":
      response.status(500).type("text/plain").send("Internal Server Error");
      return;
    case "html":
      response.type("html").send("<!doctype html><html><body><h1>系统维护中</h1></body></html>");
      return;
    case "answer":
      response.json({ Action: `${action}Response`, ...reply.answer });
  }
}
