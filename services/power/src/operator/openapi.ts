/** The API as OpenAPI 3.1, made from the schemas that requests and answers pass. docs/openapi.json is this document. */
import * as base from "@gpu-power-manager/shared/api";
import { API_PATH, PROBLEMS, Problem, type ProblemCode } from "@gpu-power-manager/shared/api";
import * as diagnosis from "@gpu-power-manager/shared/diagnosis";
import * as alerts from "@gpu-power-manager/shared/firing-alerts";
import * as history from "@gpu-power-manager/shared/history-page";
import * as holds from "@gpu-power-manager/shared/holds-and-needs";
import * as policies from "@gpu-power-manager/shared/policy-views";
import * as doctor from "@gpu-power-manager/shared/profile-doctor";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import * as why from "@gpu-power-manager/shared/why";
import { z } from "zod";
import { ANY_PROBLEM, ENDPOINTS, type Endpoint } from "./endpoints.ts";

type Json = Readonly<Record<string, unknown>>;

const DOCUMENTS = {
  ...base,
  ...alerts,
  ...diagnosis,
  ...doctor,
  ...history,
  ...holds,
  ...policies,
  ...why,
  PowerStatus,
};

/** What a request or an answer is called: by its name in the sources, so that generated clients have the same words. */
const NAMES: ReadonlyMap<unknown, string> = new Map<unknown, string>(
  Object.entries(DOCUMENTS).map(([name, value]) => [value, name]),
);

/** A schema as OpenAPI 3.1 takes it, which is JSON Schema of 2020-12. */
function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      // A newer power may tell more; whoever reads its answers is not to stumble over that.
      if (io === "output" && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties;
      // The format says it, in fewer letters than the calendar's rules.
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    },
  });
  return json;
}

const content = (type: string, schema: unknown) => ({ [type]: { schema } });

/** The parts of the document that several operations share, as they are met. */
class Components {
  readonly schemas: Record<string, Json> = { Problem: schemaOf(Problem, "output") };
  readonly responses: Record<string, Json> = {};

  /** A reference to a document that has a name. */
  document(schema: z.ZodType, io: "input" | "output"): Json {
    const name = NAMES.get(schema);
    if (name === undefined) return schemaOf(schema, io);
    this.schemas[name] ??= schemaOf(schema, io);
    return { $ref: `#/components/schemas/${name}` };
  }

  /** The refusals by status; several codes may share one. */
  problems(codes: readonly ProblemCode[]): Json {
    const byStatus = new Map<number, ProblemCode[]>();
    for (const code of codes) {
      const { status } = PROBLEMS[code];
      byStatus.set(status, [...(byStatus.get(status) ?? []), code].sort());
    }
    const answers = [...byStatus].sort(([a], [b]) => a - b);
    return Object.fromEntries(answers.map(([status, each]) => [status, this.refusal(each)]));
  }

  private refusal(codes: readonly ProblemCode[]): Json {
    const name = codes.join("_or_");
    const code = { type: "object", properties: { code: { enum: codes } } };
    this.responses[name] ??= {
      description: codes.map((each) => PROBLEMS[each].title).join("; "),
      content: content("application/problem+json", {
        allOf: [{ $ref: "#/components/schemas/Problem" }, code],
      }),
    };
    return { $ref: `#/components/responses/${name}` };
  }
}

function answerOf({ answer, status = 200, summary }: Endpoint, components: Components): Json {
  if (answer instanceof z.ZodType) {
    const schema = components.document(answer, "output");
    return { [status]: { description: summary, content: content("application/json", schema) } };
  }
  const contents = answer.types.map((type) =>
    content(type, { type: type === "application/json" ? "object" : "string" }),
  );
  return { [status]: { description: answer.description, content: Object.assign({}, ...contents) } };
}

function parametersOf({ parameters = {}, query }: Endpoint): Json[] {
  const named = Object.entries(parameters).map(([name, schema]) => ({
    name,
    in: "path",
    required: true,
    schema: schemaOf(schema, "input"),
  }));
  const asked = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    schema: schemaOf(schema, "input"),
  }));
  return [...named, ...asked];
}

/** `putNeedsId` for `PUT /needs/{id}`. */
function nameOf(method: string, path: string): string {
  const words = path.split(/[^a-z]+/).filter((word) => word !== "");
  return [method, ...words.map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)].join("");
}

function operationOf(endpoint: Endpoint, components: Components): Json {
  const { method, path, summary, body, problems } = endpoint;
  const parameters = parametersOf(endpoint);
  return {
    operationId: nameOf(method, path),
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: content("application/json", components.document(body, "input")),
          },
        }),
    responses: {
      ...answerOf(endpoint, components),
      ...components.problems([...problems, ...ANY_PROBLEM]),
    },
  };
}

export function openApiDocument(): Json {
  const components = new Components();
  const paths: Record<string, Record<string, Json>> = {};
  for (const endpoint of ENDPOINTS) {
    paths[endpoint.path] = { ...paths[endpoint.path], [endpoint.method]: operationOf(endpoint, components) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "GPU Power Manager, the operator's API",
      version: "1",
      description:
        "Reading needs the viewer's or the operator's token, changing the operator's. docs/api.md says more.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: API_PATH }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: components.schemas,
      responses: components.responses,
    },
  };
}
