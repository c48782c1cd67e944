/** From what a person did once by hand: the part of a profile that does the same. Pure. */
import { stringify } from "yaml";
import { type Asked, type RawRequest, readRequest } from "../api-request.ts";
import type { Entry } from "../interpret.ts";
import type { Profile } from "../profile.ts";

/** A request of the page as it left. Of its headers only the names. */
export interface SentRequest extends RawRequest {
  readonly headers: readonly string[];
}

/** What a person clicked, as it stood in the page that moment. */
export interface Clicked {
  readonly in: "row" | "menu" | "dialog";
  readonly text: string;
  /** Selectors that match it alone, the best first. */
  readonly selectors: readonly string[];
  /** A class by which elements of its kind are marked as disabled. */
  readonly disabledClass: string | null;
}

export interface LearntAction {
  /** The whole part, as YAML; null where the request that acted was not seen. */
  readonly yaml: string | null;
  /** What a person should look at, a sentence each. */
  readonly remarks: string[];
}

/** A text that is longer and no word may be a token or a key: it is never kept. */
const MAX_CONSTANT = 24;
/** What every browser sends by itself. */
const ORDINARY_HEADERS =
  /^(?:accept|accept-.+|cache-control|connection|content-.+|cookie|host|origin|pragma|priority|referer|sec-.+|user-agent|:.+)$/i;

/**
 * @param entry the machine as the list told it before.
 * @param isSecret whether a text is known to be secret.
 */
export function learnAction(
  action: "start" | "stop",
  providerId: string,
  sent: readonly SentRequest[],
  clicks: readonly Clicked[],
  {
    profile,
    entry,
    isSecret,
  }: { profile: Profile; entry: Entry | undefined; isSecret: (text: string) => boolean },
): LearntAction {
  const { api } = profile;
  const remarks: string[] = [];
  const acting = sent
    .filter(({ method, body }) => method === "POST" && (body ?? "").includes(providerId))
    .map((request) => ({ request, asked: readRequest(request, api) }))
    .filter(({ asked }) => asked?.action !== api.list.action)
    .at(-1);
  if (acting === undefined)
    return {
      yaml: null,
      remarks: [`The page sent no request that names ${providerId}, so nothing was learnt.`],
    };
  if (acting.asked === undefined) {
    const { origin, pathname } = new URL(acting.request.url);
    const words = `The page sent a request to ${origin}${pathname} that api.url, api.body and api.actionIn do not describe; mend those first.`;
    return { yaml: null, remarks: [words] };
  }
  const fields = sortFields(acting.asked, providerId, { profile, entry, isSecret });
  remarks.push(...fields.remarks);
  const known = new Set(api.headers.map((name) => name.toLowerCase()));
  for (const name of acting.request.headers)
    if (!ORDINARY_HEADERS.test(name) && !known.has(name.toLowerCase()))
      remarks.push(`It carried the header ${name}, which api.headers does not name.`);
  const steps = clicks.flatMap((click, index) => stepOf(click, index, remarks));
  if (steps.length === 0) remarks.push("No click was seen; the steps have to be written by hand.");
  const part = {
    action: acting.asked.action,
    ...(fields.id === api.list.id ? {} : { id: fields.id }),
    ...(fields.fields.length === 0 ? {} : { fields: fields.fields }),
    ...(Object.keys(fields.constants).length === 0 ? {} : { constants: fields.constants }),
    steps,
  };
  return { yaml: stringify({ [action]: part }, { lineWidth: 0 }), remarks };
}

/** Which field names the machine, which are taken from its entry, which are the same each time. */
function sortFields(
  { fields: asked }: Asked,
  providerId: string,
  {
    profile,
    entry,
    isSecret,
  }: { profile: Profile; entry: Entry | undefined; isSecret: (text: string) => boolean },
) {
  const { api } = profile;
  let id = api.list.id;
  const fields: string[] = [];
  const constants: Record<string, unknown> = {};
  const remarks: string[] = [];
  for (const [name, value] of Object.entries(asked)) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (name === api.timestampField || api.commonFields.includes(name)) continue;
    if (api.actionIn === "field" && name === api.actionField) continue;
    if (value === providerId) id = name;
    else if (entry !== undefined && Object.hasOwn(entry, name) && String(entry[name]) === text)
      fields.push(name);
    else if (text.length > MAX_CONSTANT || isSecret(text))
      remarks.push(`The value of ${name} may be secret and is not kept; is it one of api.commonFields?`);
    else constants[name] = value;
  }
  return { id, fields, constants, remarks };
}

function stepOf(click: Clicked, index: number, remarks: string[]) {
  const [selector] = click.selectors;
  if (selector === undefined) {
    remarks.push(
      `Click ${index + 1} ("${click.text}") has nothing that its makers named; write its selector by hand.`,
    );
    return [];
  }
  return [
    {
      in: click.in,
      click: selector,
      ...(click.text === "" ? {} : { text: click.text }),
      ...(click.disabledClass === null ? {} : { disabledClass: click.disabledClass }),
    },
  ];
}
