/**
 * The page's own API, asked with the browser's session: headers and common fields are learnt from a request
 * of the page as it passes, cookies go along from the browser's context.
 */

import type { BrowserContext, Request } from "playwright";
import {
  type Asked,
  addressOf,
  fieldsOf,
  formOf,
  readRequest,
  type Values,
  windowOf,
} from "./api-request.ts";
import {
  type ActionResult,
  NOT_ALLOWED,
  type PlanRequest,
  type PlanResult,
  type UnknownReason,
} from "./driver.ts";
import { firstLine } from "./first-line.ts";
import { type Entry, entryOf, verdict } from "./interpret.ts";
import { planCallOf, planned } from "./planned-stop-call.ts";
import type { Action, Profile } from "./profile.ts";
import { type ListResult, wholeList } from "./whole-list.ts";

interface Template {
  readonly headers: Readonly<Record<string, string>>;
  readonly fields: Values;
}

export type Reply =
  | { readonly ok: true; readonly body: unknown }
  /** `sent`: the provider may have acted on it. */
  | { readonly ok: false; readonly reason: UnknownReason; readonly words: string };

export class ApiLane {
  private readonly profile: () => Profile;
  private readonly onAnswer: (answer: unknown) => void;
  private template: Template | undefined;
  private lastEntries: readonly Entry[] = [];

  /** @param onAnswer is given every answer before anybody else. */
  constructor(profile: () => Profile, onAnswer: (answer: unknown) => void) {
    this.profile = profile;
    this.onAnswer = onAnswer;
  }

  get learnt(): boolean {
    return this.template !== undefined;
  }

  /** Values that must not be kept or told. */
  get secrets(): string[] {
    return this.template === undefined
      ? []
      : Object.entries(this.template.headers)
          .filter(([name]) => /token|auth|cookie/i.test(name))
          .map(([, value]) => value);
  }

  forget(): void {
    this.template = undefined;
  }

  /** Looks at a request of the page; takes headers and common fields from its own list requests. */
  learn(request: Request): void {
    const { api } = this.profile();
    const asked = this.asked(request);
    if (asked?.action !== api.list.action) return;
    const seen = request.headers();
    const headers: Record<string, string> = {};
    for (const name of api.headers) {
      const value = seen[name.toLowerCase()];
      if (value !== undefined) headers[name] = value;
    }
    const common = Object.fromEntries(
      Object.entries(asked.fields).filter(([name]) => api.commonFields.includes(name)),
    );
    this.template = { headers, fields: common };
  }

  /** What a request of the page asks of the provider's API; undefined for any other request. */
  asked(request: Request): Asked | undefined {
    const { api } = this.profile();
    return readRequest({ method: request.method(), url: request.url(), body: request.postData() }, api);
  }

  /** Whether a request of the page asks for this action, on this machine where one is named. */
  asksFor(request: Request, action: Action, providerId: string): boolean {
    const asked = this.asked(request);
    const id = action.id ?? this.profile().api.list.id;
    return asked?.action === action.action && asked.fields[id] === providerId;
  }

  private async post(context: BrowserContext, action: string, fields: Values): Promise<Reply> {
    const { api, timeouts } = this.profile();
    const { template } = this;
    if (template === undefined) {
      return {
        ok: false,
        reason: "not_observed_yet",
        words: "The page has not shown how the API is asked yet.",
      };
    }
    const body = fieldsOf(action, { ...template.fields, ...fields }, api, Date.now());
    try {
      const response = await context.request.post(addressOf(action, api), {
        ...(api.body === "json" ? { data: body } : { form: formOf(body) }),
        headers: { ...template.headers },
        timeout: timeouts.api,
        maxRedirects: 0,
      });
      if (!response.ok()) {
        return {
          ok: false,
          reason: "console_error",
          words: `The API answered with HTTP ${response.status()}.`,
        };
      }
      try {
        const body: unknown = await response.json();
        this.onAnswer(body);
        return { ok: true, body };
      } catch {
        return {
          ok: false,
          reason: "console_error",
          words: "The API answered with something that is not JSON.",
        };
      }
    } catch (error) {
      return {
        ok: false,
        reason: "console_unreachable",
        words: `The API cannot be reached: ${firstLine(error)}`,
      };
    }
  }

  /** The list's first page as it comes, for whoever holds it against the profile. */
  async firstPage(context: BrowserContext): Promise<Reply> {
    const { api } = this.profile();
    return await this.post(context, api.list.action, { ...api.list.constants, ...windowOf(api, 0, 0) });
  }

  /** What the list told of a machine last. */
  entry(providerId: string): Entry | undefined {
    return entryOf(this.lastEntries, providerId, this.profile());
  }

  /** The profile's lines for headers and fields that the page's own request did not carry. */
  unseen(): Array<{ readonly name: string; readonly field: string }> {
    const { template } = this;
    if (template === undefined) return [];
    const { headers, commonFields } = this.profile().api;
    const lines = (name: string, wanted: readonly string[], seen: object) =>
      wanted.flatMap((field, index) =>
        Object.hasOwn(seen, field) ? [] : [{ name: `api.${name}.${index}`, field }],
      );
    return [
      ...lines("headers", headers, template.headers),
      ...lines("commonFields", commonFields, template.fields),
    ];
  }

  async list(context: BrowserContext, providerIds: readonly string[]): Promise<ListResult> {
    const { action } = this.profile().api.list;
    const listed = await wholeList(
      (fields) => this.post(context, action, fields),
      providerIds,
      this.profile(),
    );
    if (listed.ok) this.lastEntries = listed.entries;
    return listed;
  }

  /** Sends a start or stop; undefined when it cannot be sent this way (nothing learnt, machine not listed). */
  async act(
    context: BrowserContext,
    action: Action,
    providerId: string,
    allowed: () => boolean,
  ): Promise<ActionResult | undefined> {
    const { api } = this.profile();
    const entry = this.entry(providerId);
    if (this.template === undefined || entry === undefined) return undefined;
    const fields: Record<string, unknown> = { ...action.constants, [action.id ?? api.list.id]: providerId };
    for (const name of action.fields) {
      const value = entry[name];
      if (typeof value !== "string" && typeof value !== "number") return undefined;
      fields[name] = value;
    }
    if (!allowed()) return NOT_ALLOWED;
    const reply = await this.post(context, action.action, fields);
    // Whatever went wrong on the way back, the provider may have acted.
    if (!reply.ok) return { outcome: "uncertain", lane: "api", message: reply.words };
    return verdict(reply.body, "api", api);
  }

  /** Makes, moves or withdraws a planned stop; what cannot be sent this way is not tried. */
  async planStop(context: BrowserContext, { providerId, at, allowed }: PlanRequest): Promise<PlanResult> {
    const { api } = this.profile();
    const entry = entryOf(this.lastEntries, providerId, this.profile());
    const call = planCallOf(this.profile(), entry, providerId, at);
    if ("message" in call) return { outcome: "not_tried", message: call.message };
    if (!allowed()) return NOT_ALLOWED;
    const reply = await this.post(context, call.action, call.fields);
    if (!reply.ok) {
      const outcome = reply.reason === "not_observed_yet" ? "not_tried" : "uncertain";
      return { outcome, message: reply.words };
    }
    return planned(verdict(reply.body, "api", api));
  }
}
