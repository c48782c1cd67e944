/** What the API and the page showed → what is known of each instance. Pure. */
import type { InstanceState, Lane } from "@gpu-power-manager/shared/events";
import { z } from "zod";
import type { ActionResult, Sighting, UnknownReason } from "./driver.ts";
import { valueAt } from "./path-values.ts";
import type { Profile } from "./profile.ts";

/** One machine in the provider's list, as the API tells it. */
export type Entry = Readonly<Record<string, unknown>>;

const Answer = z.record(z.string(), z.unknown());
const Entries = z.array(z.record(z.string(), z.unknown()));

export type ListAnswer =
  | { readonly ok: true; readonly entries: readonly Entry[]; readonly total: number }
  | { readonly ok: false; readonly message: string };

/** Reads one answer to the list request. */
export function readList(body: unknown, api: Profile["api"]): ListAnswer {
  const { said, message } = readCode(body, api);
  if (said !== "yes") return { ok: false, message };
  const entries = Entries.safeParse(valueAt(body, api.list.entries));
  const total = z.number().int().nonnegative().safeParse(valueAt(body, api.list.total));
  if (!entries.success || !total.success)
    return { ok: false, message: `The answer holds no list "${api.list.entries}" with its total.` };
  return { ok: true, entries: entries.data, total: total.data };
}

/** The provider's own verdict on a request; `unclear` where its answer holds no code of the kind that the profile names. */
export function readCode(
  body: unknown,
  { codeField, messageField, success }: Profile["api"],
): { said: "yes" | "no" | "unclear"; message: string } {
  const answer = Answer.safeParse(body);
  if (!answer.success) return { said: "unclear", message: "The answer is not an object." };
  const kind = typeof success === "number" ? z.number().int() : z.string().min(1);
  const code = kind.safeParse(answer.data[codeField]);
  const message = answer.data[messageField];
  return {
    said: !code.success ? "unclear" : code.data === success ? "yes" : "no",
    message:
      typeof message === "string" && message !== ""
        ? message.slice(0, 300)
        : `${codeField} ${String(answer.data[codeField])}`,
  };
}

export function isSoldOut(message: string, api: Profile["api"]): boolean {
  const lower = message.toLowerCase();
  return api.soldOut.some((part) => lower.includes(part.toLowerCase()));
}

/** The provider's answer to a start or stop, by whichever lane it was sent. */
export function verdict(body: unknown, lane: Lane, api: Profile["api"]): ActionResult {
  const { said, message } = readCode(body, api);
  if (said === "yes") return { outcome: "accepted", lane };
  if (said === "unclear") return { outcome: "uncertain", lane, message };
  return { outcome: "refused", lane, soldOut: isSoldOut(message, api), message };
}

export function unknown(reason: UnknownReason, words: string, api?: Sighting): Sighting {
  return {
    state: "unknown",
    reason,
    words,
    ...(api !== undefined && api.state !== "unknown" ? { api: api.state } : {}),
  };
}

/** The list's entry of a machine, found by its id, wherever it stands. */
export function entryOf(entries: readonly Entry[], providerId: string, profile: Profile): Entry | undefined {
  return entries.find((entry) => entry[profile.api.list.id] === providerId);
}

/** What the profile calls a provider's word for a state; not what an object happens to inherit. */
function stateNamed<S extends string>(states: Readonly<Record<string, S>>, word: string): S | undefined {
  return Object.hasOwn(states, word) ? states[word] : undefined;
}

/**
 * What the provider calls the state of a machine: of several fields their texts, joined with a `+`; undefined where one
 * of them is no text.
 */
export function wordOf(entry: Entry, { list }: Profile["api"]): string | undefined {
  const words = list.state.map((field) => valueAt(entry, field));
  return words.every((word) => typeof word === "string") ? words.join("+") : undefined;
}

/** What the profile calls that word: a state that names each of its parts goes before one that says `*`. */
export function stateOf(word: string, { list }: Profile["api"]): InstanceState | undefined {
  const named = stateNamed(list.states, word);
  if (named !== undefined || list.state.length === 1) return named;
  const parts = word.split("+");
  // A word that holds the sign itself says nothing for sure.
  if (parts.length !== list.state.length) return undefined;
  const fitting = Object.entries(list.states).filter(([pattern]) =>
    pattern.split("+").every((part, index) => part === "*" || part === parts[index]),
  );
  const states = new Set(fitting.map(([, state]) => state));
  return states.size === 1 ? fitting[0]?.[1] : undefined;
}

/** The API's word on one machine. */
export function fromApi(entries: readonly Entry[], providerId: string, profile: Profile): Sighting {
  const entry = entryOf(entries, providerId, profile);
  if (entry === undefined) {
    return unknown(
      "not_in_list",
      "The provider's list does not hold this machine; check providerId and the account.",
    );
  }
  const said = wordOf(entry, profile.api);
  const state = said === undefined ? undefined : stateOf(said, profile.api);
  if (state === undefined) {
    const words =
      said === undefined
        ? `The provider's entry holds no ${profile.api.list.state.join(" and ")}.`
        : `The provider says "${said}", which the profile does not list.`;
    return unknown("unlisted_state", words);
  }
  if (state === "unknown") {
    const words = said === "" ? "The provider could not tell the state." : `The provider says "${said}".`;
    return unknown("unlisted_state", `${words} That is neither on nor off; it is looked at again.`);
  }
  return { state };
}

/** A row of the page's list; a part that is not drawn is null. */
export const Row = z.object({ id: z.string().nullable(), state: z.string().nullable() });
export type Row = z.infer<typeof Row>;

/** What the page shows of one machine; `missing`: no row, `half`: a row whose state cannot be read. */
export function fromPage(
  rows: readonly Row[],
  providerId: string,
  profile: Profile,
): Sighting | "missing" | "half" {
  const row = rows.find((each) => each.id === providerId);
  if (row === undefined) return "missing";
  const state = row.state === null ? undefined : stateNamed(profile.page.states, row.state);
  return state === undefined ? "half" : { state };
}

/** Both witnesses on a whole pool. */
export interface Comparison {
  readonly instances: ReadonlyMap<string, Sighting>;
  /** Something is known of the API alone. */
  readonly doubtful: boolean;
  /** Both were read, and say different things. */
  readonly disagree: boolean;
}

/** Joins what the API said before and after with what the page showed in between. */
export function comparePool(
  providerIds: readonly string[],
  before: ReadonlyMap<string, Sighting>,
  page: { readonly ok: true; readonly rows: readonly Row[] } | { readonly ok: false; readonly words: string },
  after: ReadonlyMap<string, Sighting>,
  profile: Profile,
): Comparison {
  let disagree = false;
  let doubtful = false;
  const instances = new Map<string, Sighting>();
  for (const id of providerIds) {
    const said = after.get(id) ?? unknown("not_in_list", "The machine was not asked for.");
    if (!page.ok) {
      doubtful = true;
      instances.set(id, said.state === "unknown" ? said : unknown("page_half_loaded", page.words, said));
      continue;
    }
    const joined = joinWitnesses(before.get(id) ?? said, fromPage(page.rows, id, profile), said);
    disagree ||= joined.disagree;
    doubtful ||= joined.sighting.state === "unknown" && said.state !== "unknown";
    instances.set(id, joined.sighting);
  }
  return { instances, doubtful, disagree };
}

/**
 * Joins the witnesses: the API was asked before and after the page was loaded, so a change in between is a
 * transition and not a disagreement.
 */
export function joinWitnesses(
  before: Sighting,
  page: Sighting | "missing" | "half",
  after: Sighting,
): { sighting: Sighting; disagree: boolean } {
  if (after.state === "unknown") return { sighting: after, disagree: false };
  if (page === "half") {
    const words = "The page does not show a state that the profile lists; its selectors may have changed.";
    return { sighting: unknown("page_half_loaded", words, after), disagree: false };
  }
  if (page === "missing") {
    const words = "The API lists the machine, the page does not; the page's selectors may have changed.";
    return { sighting: unknown("page_half_loaded", words, after), disagree: false };
  }
  if (page.state === after.state || page.state === before.state) return { sighting: after, disagree: false };
  const words = `The API says ${after.state}, the freshly loaded page shows ${page.state}.`;
  return { sighting: unknown("witnesses_disagree", words, after), disagree: true };
}
