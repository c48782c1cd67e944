import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { Validator } from "@seriousme/openapi-schema-validator";
import express from "express";
import { z } from "zod";
import { operatorApi } from "./api.ts";
import { ArtifactShelf } from "./artifact-shelf.ts";
import { Credentials } from "./credentials.ts";
import { Feed } from "./feed.ts";
import { openApiDocument } from "./openapi.ts";
import { Invitations } from "./page/invitations.ts";
import { ApiError } from "./problems.ts";
import { WrongTries } from "./wrong-tries.ts";

const never = (): never => {
  throw new ApiError("not_ready", "This is a test.");
};

/** The whole API, behind which nothing is. */
function app() {
  const whole = express();
  const api = operatorApi({
    credentials: new Credentials({}),
    hosts: [],
    pool: "default",
    status: never,
    known: never,
    acts: never,
    hooks: never,
    why: never,
    schedule: never,
    whatIf: never,
    alerts: never,
    bus: never,
    artifacts: new ArtifactShelf("/none"),
    config: never,
    diagnosis: never,
    doctor: never,
    profile: never,
    providerIdOf: never,
    feed: new Feed(),
    logger: createLogger({ service: "test", level: "fatal", secrets: [] }),
    signal: new AbortController().signal,
    wrongTries: new WrongTries(),
    session: () => undefined,
    invitations: new Invitations(Date.now),
    publicUrl: undefined,
  });
  whole.use(api);
  return whole;
}

/** How express keeps its routes: layers with a route, or with layers of their own. */
const Layer = z.object({
  route: z.object({ path: z.string(), methods: z.record(z.string(), z.boolean()) }).optional(),
  handle: z.unknown(),
});

function routesOf(router: unknown): string[] {
  const layers = z
    .custom<{ stack: unknown[] }>((each) => typeof each === "function" && "stack" in each)
    .safeParse(router);
  if (!layers.success) return [];
  return layers.data.stack.flatMap((each) => {
    const { route, handle } = Layer.parse(each);
    if (route === undefined) return routesOf(handle);
    return Object.keys(route.methods).map(
      (method) => `${method} ${route.path.replaceAll(/:(\w+)/g, "{$1}")}`,
    );
  });
}

const Document = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ operationId: z.string() }))),
});
const operations = Object.entries(Document.parse(openApiDocument()).paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { operationId }]) => ({ name: `${method} ${path}`, operationId })),
);

test("every route that the API answers is in the document, and nothing else", () => {
  const answered = routesOf(app().router).sort();
  assert.ok(answered.length > 15, "the routes are found");
  assert.deepEqual(operations.map(({ name }) => name).sort(), answered);
});

test("the document is what OpenAPI 3.1 says, and each operation has a name of its own", async () => {
  const text = JSON.stringify(openApiDocument());
  const document = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  const { valid, errors } = await new Validator().validate(document);
  assert.ok(valid, JSON.stringify(errors, null, 2));
  const names = operations.map(({ operationId }) => operationId);
  assert.equal(new Set(names).size, names.length, names.join(", "));
  for (const name of names) assert.match(name, /^[a-z]+[A-Za-z]+$/);
});
