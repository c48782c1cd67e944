/** Every error of the API as a problem document (RFC 9457). */

import { PROBLEMS, type Problem, type ProblemCode } from "@gpu-power-manager/shared/api";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import { ZodError } from "zod";

/** What a route throws to refuse; its message is the document's `detail`, so it must hold no secret. */
export class ApiError extends Error {
  readonly code: ProblemCode;

  constructor(code: ProblemCode, detail: string) {
    super(detail);
    this.code = code;
  }
}

export function sendProblem(response: Response, code: ProblemCode, detail: string): void {
  const { status, title } = PROBLEMS[code];
  const problem: Problem = { type: `urn:gpu-power-manager:problem:${code}`, title, status, code, detail };
  if (status === 401) response.set("WWW-Authenticate", 'Bearer realm="gpu-power-manager"');
  response.status(status).type("application/problem+json").send(JSON.stringify(problem));
}

/** What no route answered. */
export const unknownPath: RequestHandler = (request) => {
  throw new ApiError(
    "not_found",
    `There is no ${request.method} ${request.baseUrl}${request.path}; docs/api.md lists what there is.`,
  );
};

/** The parser of bodies marks its errors with a status and a type. */
function ofBodyParser(error: unknown): ApiError | undefined {
  if (!(error instanceof Error) || !("type" in error)) return undefined;
  if (error.type === "entity.too.large")
    return new ApiError("too_large", "A body may have 64 KiB at most; send less.");
  if (typeof error.type === "string" && "status" in error && error.status !== 500)
    return new ApiError("bad_request", "The body is not JSON in UTF-8; mend it and send it again.");
  return undefined;
}

function ofSchema(error: unknown): ApiError | undefined {
  if (!(error instanceof ZodError)) return undefined;
  const lines = error.issues.map((issue) => {
    const where = issue.path.map(String).join(".");
    return where === "" ? issue.message : `${where}: ${issue.message}`;
  });
  return new ApiError("bad_request", `${lines.join("; ")}.`);
}

/** The last middleware: whatever was thrown becomes a document; only our own faults are logged with their stack. */
export function problemDocuments(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = error instanceof ApiError ? error : (ofSchema(error) ?? ofBodyParser(error));
    if (known === undefined) {
      logger.error(
        { err: error, method: request.method, path: request.path },
        "The operator's API failed to answer",
      );
      sendProblem(response, "internal", `${describeError(error)} Power's log says more.`);
      return;
    }
    sendProblem(response, known.code, known.message);
  };
}
