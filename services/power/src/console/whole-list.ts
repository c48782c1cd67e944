/** The provider's list of machines, over as many of its pages as it takes, whichever lane asks for them. */
import { filterOf, type Values, windowOf } from "./api-request.ts";
import type { UnknownReason } from "./driver.ts";
import { type Entry, entryOf, readList } from "./interpret.ts";
import type { Profile } from "./profile.ts";

/** Pages of the list beyond which the provider's total is not believed. */
const MAX_PAGES = 50;

export type ListResult =
  | { readonly ok: true; readonly entries: readonly Entry[] }
  | { readonly ok: false; readonly reason: UnknownReason; readonly words: string; readonly refused: boolean };

type Reply =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly reason: UnknownReason; readonly words: string };

/**
 * Asks once for all machines; more only where the provider says that there are more than it sent.
 * @param ask sends one request for the list with these fields.
 */
export async function wholeList(
  ask: (fields: Values) => Promise<Reply>,
  providerIds: readonly string[],
  profile: Profile,
): Promise<ListResult> {
  const { api } = profile;
  const { list } = api;
  const filter = filterOf(api, providerIds);
  const entries: Entry[] = [];
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const window = windowOf(api, page, entries.length);
    const reply = await ask({ ...list.constants, ...window, ...filter });
    if (!reply.ok) return { ...reply, refused: false };
    const answer = readList(reply.body, api);
    if (!answer.ok) {
      const words = `The API refused the list: ${answer.message}`;
      return { ok: false, reason: "console_error", words, refused: true };
    }
    entries.push(...answer.entries);
    const complete = providerIds.every((id) => entryOf(entries, id, profile) !== undefined);
    if (complete || answer.entries.length === 0 || entries.length >= answer.total) break;
  }
  return { ok: true, entries };
}
