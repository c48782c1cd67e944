/**
 * The provider's signed API: asked over one connection that is kept, as its profile says. What is only read is asked
 * once more where the answer was lost; what acts never is, because the provider may have acted on it already.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { describeError } from "@gpu-power-manager/shared/errors";
import { z } from "zod";
import { type Fields, type Keys, type Signing, sign } from "./signature.ts";

/** One request at a time is the rule; a start must not wait for a look. */
const MAX_CONNECTIONS = 4;
/** A list of a hundred machines is a few hundred kilobytes; more than this is no answer. */
const MAX_BYTES = 8 * 1024 * 1024;
/** Before something that is only read is asked again: a connection that died idle needs none, a busy server some. */
const AGAIN_MS = 250;
const MAX_WORDS = 300;

/** The part of a profile that says how its provider is asked. */
export interface SignedProfile extends Signing {
  readonly url: string;
  readonly actionField: string;
  /** Form fields that every request carries. */
  readonly constants: Fields;
  readonly codeField: string;
  readonly messageField: string;
  /** Codes of a refusal that say: these keys may not ask. */
  readonly keyCodes: readonly number[];
  /** Codes of a refusal, and parts of its words, that say: too many requests. */
  readonly limitCodes: readonly number[];
  readonly limitWords: readonly string[];
}

/** Why there is no good answer; told apart because another thing is done about each. */
export type Failure =
  /** Nobody was there: nothing was sent. */
  | "unreachable"
  /** It was sent, and what came back is lost, late or no answer: the provider may have acted. */
  | "lost"
  /** The keys are wrong, withdrawn, or may not do this: a person has to look. */
  | "keys_refused"
  /** Too many requests: ask less often. */
  | "limited"
  /** The provider said no. */
  | "refused";

export type Reply =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly failure: Failure; readonly code: number | null; readonly words: string };

export interface SignedApiOptions {
  readonly profile: () => SignedProfile;
  readonly keys: Keys;
  /** Of a whole request, in milliseconds. */
  readonly timeoutMs: () => number;
  /** Is given every answer before anybody else. */
  readonly onAnswer: (answer: unknown) => void;
}

const Body = z.record(z.string(), z.unknown());

export class SignedApi {
  private readonly options: SignedApiOptions;
  private readonly agents = {
    "http:": new HttpAgent({ keepAlive: true, maxSockets: MAX_CONNECTIONS }),
    // Verified against the authorities that Node and CA_DIR trust, whatever the environment says.
    "https:": new HttpsAgent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, rejectUnauthorized: true }),
  };

  constructor(options: SignedApiOptions) {
    this.options = options;
  }

  /** Asks something that changes nothing. Never throws. */
  async read(action: string, fields: Fields): Promise<Reply> {
    const first = await this.send(action, fields);
    if (first.ok || (first.failure !== "unreachable" && first.failure !== "lost")) return first;
    await pause(AGAIN_MS);
    return await this.send(action, fields);
  }

  /** Asks for something to be done, once. Never throws. */
  async act(action: string, fields: Fields): Promise<Reply> {
    return await this.send(action, fields);
  }

  /** Ends the connections that are kept. */
  close(): void {
    for (const agent of Object.values(this.agents)) agent.destroy();
  }

  private async send(action: string, fields: Fields): Promise<Reply> {
    const profile = this.options.profile();
    const signed = sign(
      { ...profile.constants, ...fields, [profile.actionField]: action },
      profile,
      this.options.keys,
    );
    const sent = await this.post(profile.url, new URLSearchParams(signed).toString());
    if (!sent.ok) return sent;
    const { status, text } = sent;
    if (status === 429) return failed("limited", null, "The provider's API answered with HTTP 429.");
    if (status !== 200) {
      // A redirect is not followed: signed fields go to the address in the profile, and to no other.
      return failed("lost", null, `The provider's API answered with HTTP ${status}.`);
    }
    const body = Body.safeParse(parsed(text));
    if (!body.success)
      return failed("lost", null, "The provider's API answered with something that is no JSON object.");
    this.options.onAnswer(body.data);
    return judge(body.data, profile);
  }

  private post(
    url: string,
    form: string,
  ): Promise<{ ok: true; status: number; text: string } | Extract<Reply, { ok: false }>> {
    const address = new URL(url);
    const secure = address.protocol === "https:";
    return new Promise((resolve) => {
      let sent = false;
      const fail = (error: unknown) => {
        const words = describeError(error).split("\n")[0] ?? "";
        resolve(
          sent
            ? failed("lost", null, `The provider's API took the request, and its answer was lost: ${words}`)
            : failed("unreachable", null, `The provider's API cannot be reached: ${words}`),
        );
      };
      const request = (secure ? httpsRequest : httpRequest)(address, {
        method: "POST",
        agent: this.agents[secure ? "https:" : "http:"],
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          "content-length": Buffer.byteLength(form),
          accept: "application/json",
        },
        signal: AbortSignal.timeout(this.options.timeoutMs()),
      });
      request.once("socket", (socket) => {
        // On a connection that is kept it goes out at once; on a new one when that stands.
        if (!socket.connecting) sent = true;
        else socket.once(secure ? "secureConnect" : "connect", () => (sent = true));
      });
      request.once("error", fail);
      request.once("response", (response) => {
        textOf(response).then((text) => resolve({ ok: true, status: response.statusCode ?? 0, text }), fail);
      });
      request.end(form);
    });
  }
}

function failed(failure: Failure, code: number | null, words: string): Extract<Reply, { ok: false }> {
  return { ok: false, failure, code, words };
}

/** What the provider itself says of a request. */
function judge(body: z.output<typeof Body>, profile: SignedProfile): Reply {
  const { codeField, messageField, keyCodes, limitCodes, limitWords } = profile;
  const code = z.int().safeParse(body[codeField]).data;
  if (code === undefined) return failed("lost", null, `The provider's answer holds no ${codeField}.`);
  if (code === 0) return { ok: true, body };
  const said = z.string().catch("").parse(body[messageField]).slice(0, MAX_WORDS);
  const words = said === "" ? `${codeField} ${code}` : said;
  if (keyCodes.includes(code)) return failed("keys_refused", code, words);
  const limited = limitCodes.includes(code) || limitWords.some((part) => words.includes(part));
  return failed(limited ? "limited" : "refused", code, words);
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response) {
    const piece = z.instanceof(Buffer).parse(part);
    bytes += piece.length;
    if (bytes > MAX_BYTES) throw new Error(`it is longer than ${MAX_BYTES} bytes`);
    parts.push(piece);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
