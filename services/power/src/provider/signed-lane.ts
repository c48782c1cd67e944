/**
 * Observes and acts by the provider's signed API, as the profile's section `signed` says. The provider's entry of a
 * machine is the same whichever lane brought it, so it is read by the same code.
 */
import type { Logger } from "@gpu-power-manager/shared/logger";
import { z } from "zod";
import { formOf, type Values } from "../console/api-request.ts";
import {
  type ActionResult,
  NOT_ALLOWED,
  type PlanRequest,
  type PlanResult,
  type SignedApiState,
  type UnknownReason,
} from "../console/driver.ts";
import { type Entry, entryOf, isSoldOut } from "../console/interpret.ts";
import { planCallOf } from "../console/planned-stop-call.ts";
import type { Profile } from "../console/profile.ts";
import { type ListResult, wholeList } from "../console/whole-list.ts";
import type { Keys } from "./signature.ts";
import { type Failure, type Reply, SignedApi } from "./signed-api.ts";
import type { SignedSection } from "./signed-section.ts";

/** An API that fails is let be for this long where another lane answers; doubles with each failure in a row. */
const FIRST_REST_MS = 2_000;
/** It is asked at least this often, so that it is used again soon after it has recovered. */
const LONGEST_REST_MS = 60_000;

const Projects = z.array(z.record(z.string(), z.unknown())).catch([]);

/** A profile of a provider that has a signed API. */
export type SigningProfile = Profile & { readonly signed: SignedSection };

export function isSigning(profile: Profile): profile is SigningProfile {
  return profile.signed !== undefined;
}

export interface SignedLaneParts {
  readonly profile: () => SigningProfile;
  readonly keys: Keys;
  /** Is given every answer before anybody else. */
  readonly onAnswer: (answer: unknown) => void;
  readonly blot: (text: string) => string;
  readonly logger: Logger;
  readonly now: () => number;
}

export class SignedLane {
  private readonly parts: SignedLaneParts;
  private readonly api: SignedApi;
  private current: SignedApiState = "not_asked";
  /** Of the last look, where it was answered: what this lane has not just seen itself it does not act on. */
  private lastEntries: readonly Entry[] = [];
  private failures = 0;
  /** The account's project, once it was asked. */
  private project: Readonly<Record<string, string>> | undefined;
  private restUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: SignedLaneParts) {
    this.parts = parts;
    this.api = new SignedApi({
      profile: () => parts.profile().signed,
      keys: parts.keys,
      timeoutMs: () => parts.profile().timeouts.api,
      onAnswer: parts.onAnswer,
    });
  }

  get state(): SignedApiState {
    return this.current;
  }

  /** It failed a moment ago: ask another lane, where there is one. */
  get resting(): boolean {
    return this.parts.now() < this.restUntil;
  }

  close(): void {
    this.api.close();
  }

  async list(providerIds: readonly string[]): Promise<ListResult> {
    const profile = this.parts.profile();
    let state: SignedApiState = "failing";
    const ask = async (fields: Values) => {
      const reply = await this.api.read(profile.signed.list.action, formOf(fields));
      if (reply.ok) return reply;
      state = stateOf(reply.failure);
      return { ok: false as const, reason: reasonOf(reply.failure), words: this.words(reply) };
    };
    const listed = await wholeList(ask, providerIds, asSigned(profile));
    this.lastEntries = listed.ok ? listed.entries : [];
    this.took(listed.ok ? "answering" : state, listed);
    return listed;
  }

  /** Sends a start or a stop; undefined when it cannot be sent this way (the last look failed, machine not listed). */
  async act(
    action: "start" | "stop",
    providerId: string,
    allowed: () => boolean,
  ): Promise<ActionResult | undefined> {
    const profile = this.parts.profile();
    const entry = entryOf(this.lastEntries, providerId, profile);
    if (entry === undefined) return undefined;
    const section = profile.signed;
    const fields: Record<string, string> = { [profile.api.list.id]: providerId };
    for (const name of section[action].fields) {
      const value = entry[name];
      if (typeof value !== "string" && typeof value !== "number") return undefined;
      fields[name] = String(value);
    }
    if (!allowed()) return NOT_ALLOWED;
    const reply = await this.api.act(section[action].action, fields);
    if (reply.ok) return { outcome: "accepted", lane: "signed" };
    const message = this.words(reply);
    if (reply.failure === "unreachable") return { outcome: "not_tried", message };
    // Whatever went wrong on the way back, the provider may have acted.
    if (reply.failure === "lost") return { outcome: "uncertain", lane: "signed", message };
    return { outcome: "refused", lane: "signed", soldOut: isSoldOut(reply.words, profile.api), message };
  }

  /** Makes, moves or withdraws a planned stop; what cannot be sent this way is not tried. */
  async planStop({ providerId, at, allowed }: PlanRequest): Promise<PlanResult> {
    const profile = this.parts.profile();
    const call = planCallOf(profile, entryOf(this.lastEntries, providerId, profile), providerId, at);
    if ("message" in call) return { outcome: "not_tried", message: call.message };
    const project = await this.askProject();
    if (!project.ok) return { outcome: "not_tried", message: this.words(project) };
    if (!allowed()) return NOT_ALLOWED;
    const reply = await this.api.act(call.action, { ...project.fields, ...formOf(call.fields) });
    if (reply.ok) return { outcome: "accepted" };
    const message = this.words(reply);
    if (reply.failure === "unreachable") return { outcome: "not_tried", message };
    return { outcome: reply.failure === "lost" ? "uncertain" : "refused", message };
  }

  /** The form field that names the account's project; none where the profile asks for none, or names it itself. */
  private async askProject(): Promise<
    { readonly ok: true; readonly fields: Readonly<Record<string, string>> } | Extract<Reply, { ok: false }>
  > {
    const { project, constants } = this.parts.profile().signed;
    if (project === undefined || Object.hasOwn(constants, project.field)) return { ok: true, fields: {} };
    if (this.project === undefined) {
      const reply = await this.api.read(project.action, {});
      if (!reply.ok) return reply;
      const entries = Projects.parse(reply.body[project.entries]);
      const chosen = entries.find((entry) => entry[project.chosen] === true)?.[project.field];
      if (typeof chosen !== "string") {
        const words = `It marks no ${project.field} as ${project.chosen}; name it in the profile's signed.constants.`;
        return { ok: false, failure: "refused", code: null, words };
      }
      this.project = { [project.field]: chosen };
    }
    return { ok: true, fields: this.project };
  }

  private words({ failure, words }: Extract<Reply, { ok: false }>): string {
    const blotted = this.parts.blot(words);
    if (failure === "keys_refused")
      return `The provider refuses the keys of its signed API (${blotted}); check PROVIDER_PUBLIC_KEY and secrets/provider-private-key.`;
    if (failure === "limited") return `The signed API limits us: ${blotted}`;
    return failure === "refused" ? `The signed API refused: ${blotted}` : blotted;
  }

  /** How the last look went. */
  private took(state: SignedApiState, listed: ListResult): void {
    const { logger, now } = this.parts;
    const was = this.current;
    this.current = state;
    if (listed.ok) {
      this.failures = 0;
      this.restUntil = Number.NEGATIVE_INFINITY;
      if (was !== "answering") logger.info("the provider's signed API answers");
      return;
    }
    this.failures += 1;
    const rest = FIRST_REST_MS * 2 ** Math.min(this.failures - 1, 10);
    this.restUntil = now() + Math.min(rest, LONGEST_REST_MS);
    if (was === state) return;
    const cause = listed.words;
    if (state === "keys_refused")
      logger.error({ cause }, "The provider refuses the keys of its signed API; a person has to look");
    else logger.warn({ cause }, "The provider's signed API does not answer; other lanes are used meanwhile");
  }
}

/** The profile as it is for the signed API's answers: their codes have been judged, and 0 is yes. */
export function asSigned(profile: SigningProfile): Profile {
  const { codeField, messageField } = profile.signed;
  const list = { ...profile.api.list, constants: {} };
  return { ...profile, api: { ...profile.api, list, body: "form", codeField, messageField, success: 0 } };
}

function reasonOf(failure: Failure): UnknownReason {
  if (failure === "keys_refused") return "keys_refused";
  return failure === "unreachable" ? "console_unreachable" : "console_error";
}

function stateOf(failure: Failure): SignedApiState {
  return failure === "keys_refused" || failure === "limited" ? failure : "failing";
}
