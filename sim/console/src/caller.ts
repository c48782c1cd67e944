import type { Request } from "express";
import { type Answer, type Fields, refusal } from "./answer.ts";
import { RET } from "./ret-codes.ts";
import { signatureOf } from "./signature.ts";
import type { World } from "./world.ts";

/** Every request of a session carries these; a missing one is refused. */
const SESSION_FIELDS = ["ProjectId", "_user", "_timestamp"] as const;

/** Whether a request is signed, or tries to be: then no session is asked for. */
export function isSigned(fields: Fields): boolean {
  return fields.PublicKey !== undefined || fields.Signature !== undefined;
}

/** Why the caller of a request is turned away; undefined where it may ask. */
export function turnedAway(world: World, request: Request, fields: Fields): Answer | undefined {
  return isSigned(fields) ? wrongKey(world, fields) : noSession(world, request, fields);
}

function wrongKey({ keys, account, fleet }: World, fields: Fields): Answer | undefined {
  if (!fields.Signature) return refusal(RET.missingField, "Missing params [Signature]");
  if (fields.PublicKey !== keys.publicKey || fleet.faults.keysRevoked)
    return refusal(RET.noSuchUser, "User Not Exists");
  if (fields.Signature !== signatureOf(fields, keys.privateKey))
    return refusal(RET.wrongSignature, "Signature VerifyAC Error");
  // Only members of a project have to name it; the account's owner may.
  if (fields.ProjectId !== undefined && fields.ProjectId !== account.projectId)
    return refusal(RET.badField, "Params [ProjectId] not available");
  return undefined;
}

function noSession({ sessions, account }: World, request: Request, fields: Fields): Answer | undefined {
  const session = sessions.of(request.headers.cookie);
  if (session === undefined) return refusal(RET.noSession, "登录已失效，请重新登录");
  if (request.get("u-csrf-token") !== session.csrfToken)
    return refusal(RET.noCsrfToken, "CSRF token 校验失败");
  const missing = SESSION_FIELDS.find((field) => !fields[field]);
  if (missing !== undefined) return refusal(RET.missingField, `Missing params [${missing}]`);
  if (fields.ProjectId !== account.projectId)
    return refusal(RET.badField, "Params [ProjectId] not available");
  return undefined;
}
