/** How the page's own API is asked, as the profile says: what a request says is read, and one is put together. Pure. */
import { z } from "zod";
import type { Profile } from "./profile.ts";

export type Values = Readonly<Record<string, unknown>>;

/** A request to the provider's API: which action of its, with which fields. */
export interface Asked {
  readonly action: string;
  readonly fields: Values;
}

/** A request as it left. */
export interface RawRequest {
  readonly method: string;
  readonly url: string;
  readonly body: string | null;
}

const Json = z.record(z.string(), z.unknown());

/** What a request of the page asks of the provider's API; undefined for any other request. */
export function readRequest({ method, url, body }: RawRequest, api: Profile["api"]): Asked | undefined {
  if (method !== "POST") return undefined;
  const address = new URL(url);
  const base = new URL(api.url);
  // The whole origin must match: a template is learnt from, and secrets are sent to, this API alone.
  if (address.origin !== base.origin) return undefined;
  const fields =
    api.body === "json" ? jsonOf(body ?? "") : Object.fromEntries(new URLSearchParams(body ?? ""));
  if (fields === undefined) return undefined;
  if (api.actionIn === "path") {
    const folder = base.pathname.replace(/\/*$/, "/");
    if (!address.pathname.startsWith(folder)) return undefined;
    return { action: address.pathname.slice(folder.length), fields };
  }
  const action = fields[api.actionField];
  return typeof action === "string" ? { action, fields } : undefined;
}

function jsonOf(text: string): Values | undefined {
  try {
    return Json.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The address of an action. */
export function addressOf(action: string, api: Profile["api"]): string {
  const url = new URL(api.url);
  if (api.actionIn === "path") url.pathname = `${url.pathname.replace(/\/*$/, "/")}${action}`;
  else url.searchParams.set(api.actionField, action);
  return url.href;
}

/** The whole body's fields. @param now milliseconds since 1970. */
export function fieldsOf(action: string, fields: Values, api: Profile["api"], now: number): Values {
  return {
    ...(api.actionIn === "field" ? { [api.actionField]: action } : {}),
    ...fields,
    ...(api.timestampField === undefined ? {} : { [api.timestampField]: now }),
  };
}

/** As a form has them: texts. */
export function formOf(fields: Values): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/**
 * What asks for a page of the list.
 * @param seen how many machines were listed before.
 * @param page which page it is, counted from 0.
 */
export function windowOf(api: Profile["api"], page: number, seen: number): Values {
  const { offset, pageIndex, limit, pageSize } = api.list;
  return {
    ...(pageIndex === undefined ? {} : { [pageIndex.field]: pageIndex.first + page }),
    ...(offset === undefined ? {} : { [offset]: seen }),
    [limit]: pageSize,
  };
}

/** What asks for these machines alone; nothing where the provider has no such filter, or they are too many for a page. */
export function filterOf(api: Profile["api"], providerIds: readonly string[]): Values {
  const { filter, pageSize } = api.list;
  if (filter === undefined || providerIds.length > pageSize) return {};
  if (api.body === "json") return { [filter]: providerIds };
  return Object.fromEntries(providerIds.map((id, index) => [`${filter}.${index}`, id]));
}
