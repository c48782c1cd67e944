import { Duration } from "@gpu-power-manager/shared/duration";
import { InstanceState, LANES } from "@gpu-power-manager/shared/events";
import { z } from "zod";
import { loadYaml, parseYaml } from "../config/yaml-file.ts";

const Selector = z.string().min(1, "must be a CSS selector");
const Words = z
  .union([z.string(), z.array(z.string()).min(1)])
  .transform((words) => (Array.isArray(words) ? words : [words]));
const KnownState = InstanceState.exclude(["unknown"]);
const duration = (fallback: string) => z.string().default(fallback).pipe(Duration);

/** One step of clicking. What is not visible, enabled and unambiguous is never clicked. */
const Step = z.strictObject({
  /** Where: in the machine's own row, in a menu that the row opened, or in the dialog that asks to confirm. */
  in: z.enum(["row", "menu", "dialog"]),
  click: Selector,
  /** The element's whole text is one of these. */
  text: Words.optional(),
  /** A class that marks the element as disabled although the browser would click it. */
  disabledClass: z.string().optional(),
  /** The console may leave this step out. */
  optional: z.boolean().default(false),
});
export type Step = z.output<typeof Step>;

const Action = z.strictObject({
  action: z.string().min(1),
  /** Fields besides the id, taken from the machine's own entry in the list. */
  fields: z.array(z.string()).default([]),
  steps: z.array(Step).min(1),
});
export type Action = z.output<typeof Action>;

const Path = z.string().min(1);
/** A path of fields in an entry of the list, such as `A.B[].C`: through each element of the list `B`. */
const Paths = z
  .union([Path, z.array(Path).min(1)])
  .transform((paths) => (Array.isArray(paths) ? paths : [paths]));

/** Where an entry of the list tells what; what is left out is not known. Times are Unix seconds. */
const FactPaths = z.strictObject({
  /** In percent, with or without the sign. */
  gpuUsage: Path.optional(),
  cpuUsage: Path.optional(),
  /** How many GPUs it has at present. */
  gpus: Path.optional(),
  /** What an hour of it costs while it runs: the first, and all others that are told. */
  prices: Paths.default([]),
  /** In which currency prices are; a machine of another, or of none that is known here, has no price by the provider. */
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .optional(),
  /** What an hour costs while it is off. */
  offPrice: Path.optional(),
  /** Prices are an hour's only where this field has one of these values. */
  hourly: z.strictObject({ field: Path, values: z.array(z.string()).min(1) }).optional(),
  releaseTime: Path.optional(),
  expireTime: Path.optional(),
  renews: z.strictObject({ field: Path, yes: z.string() }).optional(),
  /** When the provider itself will stop it; the first that is there counts. */
  plannedStop: Paths.default([]),
});

/** Everything that differs from console to console. Selectors live here and nowhere else. */
export const Profile = z.strictObject({
  console: z.strictObject({
    /** The page with the list of machines. */
    url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
    locale: z.string().default("zh-CN"),
    /** Pictures and fonts are loaded although no person looks: for a console whose buttons are pictures. */
    pictures: z.boolean().default(false),
  }),
  login: z.strictObject({
    /** The browser is on a login page when its address contains this. */
    urlContains: z.string().min(1),
    /** Where a password alone is enough, power logs in by itself. */
    fields: z.strictObject({ user: Selector, password: Selector, submit: Selector }).optional(),
  }),
  api: z.strictObject({
    url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
    /** The form field and query parameter that names the action. */
    actionField: z.string().default("Action"),
    /** Headers that are learnt from the page's own request. */
    headers: z.array(z.string()).default([]),
    /** Form fields that are learnt from the page's own request. */
    commonFields: z.array(z.string()).default([]),
    /** A form field that holds the time in milliseconds. */
    timestampField: z.string().optional(),
    codeField: z.string().default("RetCode"),
    messageField: z.string().default("Message"),
    /** Parts of a refusal's message that mean: there is no such machine to be had now. */
    soldOut: z.array(z.string().min(1)).default([]),
    list: z.strictObject({
      action: z.string().min(1),
      entries: z.string().min(1),
      total: z.string().min(1),
      id: z.string().min(1),
      state: z.string().min(1),
      /** Form field of the filter by id, numbered from 0 as `<field>.<n>`. */
      filter: z.string().optional(),
      offset: z.string().min(1),
      limit: z.string().min(1),
      pageSize: z.int().min(1).default(100),
      /** `unknown` for a word that is known and says nothing that could be acted on. */
      states: z.record(z.string(), InstanceState),
    }),
    facts: FactPaths.prefault({}),
  }),
  page: z.strictObject({
    /** Visible when the list is drawn. */
    ready: Selector,
    /** There is none of these when the list is drawn. */
    loading: Selector.optional(),
    row: Selector,
    /** In a row: the element whose whole text is the provider's id. */
    id: Selector,
    /** In a row: the element whose text is the state. */
    state: Selector,
    states: z.record(z.string(), KnownState),
    next: z.strictObject({ click: Selector, disabledClass: z.string() }).optional(),
    menu: Selector.optional(),
    dialog: Selector,
    /** Announcements that may be closed. */
    dismiss: z
      .array(z.strictObject({ contains: z.string().min(1), click: Selector, text: Words.optional() }))
      .default([]),
  }),
  /** What is blotted out of screenshots, HTML and logs, beside what CompShare's answers call `Password` and so on. */
  secrets: z
    .strictObject({
      /** Fields of the provider's answers whose values are secret, wherever they stand. */
      fields: z.array(z.string().min(1)).default([]),
      /** Elements of the page that show secrets which no answer holds, or which it cuts into pieces. */
      elements: z.array(Selector).default([]),
    })
    .prefault({}),
  start: Action,
  stop: Action,
  /** The lanes that are used, in the order in which they are tried. */
  lanes: z.array(z.enum(LANES)).min(1).default(["api", "page"]),
  timeouts: z
    .strictObject({
      /** Loading the page until its list is drawn. */
      load: duration("20s"),
      /** One step of clicking, a disabled phase included. */
      step: duration("15s"),
      /** One request to the API. */
      api: duration("10s"),
    })
    .prefault({}),
});
export type Profile = z.output<typeof Profile>;

/** @throws ConfigError with file, line and path of every mistake. */
export function parseProfile(text: string, file: string): Profile {
  return parseYaml(Profile, text, file);
}

/** @throws ConfigError when the file cannot be read or used. */
export function loadProfile(file: string): Profile {
  return loadYaml(Profile, file);
}
