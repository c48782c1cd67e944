/** Holds what the provider's API answers against the profile: fields that are not there, words that it does not list. Pure. */
import type { ProfileCheck } from "@gpu-power-manager/shared/profile-doctor";
import type { Entry } from "../interpret.ts";
import { readList, stateOf, wordOf } from "../interpret.ts";
import { valuesAt } from "../path-values.ts";
import type { Profile } from "../profile.ts";

export type AnswerCheck = NonNullable<ProfileCheck["api"]>;
export type FieldFound = AnswerCheck["fields"][number];

/** Lines that name a field of an entry, in the order of the file. */
function fieldLines({
  api,
  start,
  stop,
}: Profile): Array<{ name: string; field: string; optional: boolean }> {
  const { list, facts } = api;
  const needed = (name: string, field: string) => ({ name, field, optional: false });
  const may = (name: string, field: string | undefined) =>
    field === undefined ? [] : [{ name, field, optional: true }];
  return [
    needed("api.list.id", list.id),
    ...list.state.map((field, index) =>
      needed(list.state.length === 1 ? "api.list.state" : `api.list.state.${index}`, field),
    ),
    // What a provider tells of a machine may depend on its state.
    ...may("api.facts.gpuUsage", facts.gpuUsage),
    ...may("api.facts.cpuUsage", facts.cpuUsage),
    ...may("api.facts.gpus", facts.gpus),
    ...may("api.facts.withoutGpu.field", facts.withoutGpu?.field),
    ...may("api.facts.capacity.free", facts.capacity?.free),
    ...may("api.facts.capacity.needed", facts.capacity?.needed),
    ...facts.prices.flatMap((field, index) => may(`api.facts.prices.${index}`, field)),
    ...may("api.facts.offPrice", facts.offPrice),
    ...may("api.facts.hourly.field", facts.hourly?.field),
    ...may("api.facts.releaseTime", facts.releaseTime),
    ...may("api.facts.releaseAfter.since", facts.releaseAfter?.since),
    ...may("api.facts.expireTime", facts.expireTime),
    ...may("api.facts.renews.field", facts.renews?.field),
    ...facts.plannedStop.flatMap((field, index) => may(`api.facts.plannedStop.${index}`, field)),
    ...(["start", "stop"] as const).flatMap((action) =>
      ({ start, stop })[action].fields.map((field, index) => needed(`${action}.fields.${index}`, field)),
    ),
  ];
}

/**
 * @param body one answer to the list request, as it came.
 * @param unseen headers and fields that the page's own request did not carry, by their lines in the profile.
 */
export function checkAnswer(
  body: unknown,
  unseen: ReadonlyArray<{ readonly name: string; readonly field: string }>,
  profile: Profile,
): AnswerCheck {
  const notSent = unseen.map(
    ({ name, field }): FieldFound => ({
      name,
      field,
      verdict: "missing",
      count: 0,
      words: "The page's own request does not carry it.",
    }),
  );
  const list = readList(body, profile.api);
  if (!list.ok) return { machines: null, words: list.message, fields: notSent, unlisted: [] };
  const { entries } = list;
  if (entries.length === 0)
    return { machines: 0, words: "The list holds no machine.", fields: notSent, unlisted: [] };
  return {
    machines: entries.length,
    words: null,
    fields: [...notSent, ...fieldLines(profile).map((line) => judgeField(line, entries))],
    unlisted: unlistedWords(entries, profile),
  };
}

function judgeField(
  { name, field, optional }: { name: string; field: string; optional: boolean },
  entries: readonly Entry[],
): FieldFound {
  const count = entries.filter((entry) => valuesAt(entry, field).length > 0).length;
  const machines = `${entries.length} ${entries.length === 1 ? "machine" : "machines"}`;
  const words = `In ${count} of ${machines}.`;
  if (count === entries.length) return { name, field, verdict: "found", count, words };
  if (optional && count > 0) return { name, field, verdict: "found", count, words };
  return {
    name,
    field,
    verdict: optional ? "not_told" : "missing",
    count,
    words: optional ? `${words} It may depend on their state; until then it is not known.` : words,
  };
}

/** Words for a state that the profile does not list. */
function unlistedWords(entries: readonly Entry[], { api }: Profile): string[] {
  const words = entries.flatMap((entry) => wordOf(entry, api) ?? []);
  return [...new Set(words.filter((word) => stateOf(word, api) === undefined))];
}
