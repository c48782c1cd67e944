import { Duration } from "@gpu-power-manager/shared/duration";
import { InstanceState, LANES } from "@gpu-power-manager/shared/events";
import { z } from "zod";
import { loadYaml, parseYaml } from "../config/yaml-file.ts";
import { SignedSection } from "../provider/signed-section.ts";

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

/** Fields of a request that are the same each time; lists and objects only where the body is JSON. */
const Constants = z.record(z.string(), z.json()).default({});

const Action = z.strictObject({
  action: z.string().min(1),
  /** The field that names the machine, where it is another one than in the list. */
  id: z.string().min(1).optional(),
  /** Fields besides the id, taken from the machine's own entry in the list. */
  fields: z.array(z.string()).default([]),
  constants: Constants,
  steps: z.array(Step).min(1),
});
export type Action = z.output<typeof Action>;

/** A path of fields, such as `A.B[].C`: through each element of the list `B`. */
const Path = z.string().min(1);
const Paths = z
  .union([Path, z.array(Path).min(1)])
  .transform((paths) => (Array.isArray(paths) ? paths : [paths]));

/** Where an entry of the list tells what; what is left out is not known. Times are Unix seconds, or texts as RFC 3339 writes them. */
const FactPaths = z.strictObject({
  /** In percent, with or without the sign. */
  gpuUsage: Path.optional(),
  cpuUsage: Path.optional(),
  /** How many GPUs it has at present. */
  gpus: Path.optional(),
  /** While it runs it has no GPU where this field has one of these values. */
  withoutGpu: z.strictObject({ field: Path, values: z.array(z.string()).min(1) }).optional(),
  /** How many GPUs its host has free, and how many a start of it takes: fewer are free, and a start would be refused. */
  capacity: z.strictObject({ free: Path, needed: Path }).optional(),
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
  /** Of a machine that is off: it is deleted so long after this time. */
  releaseAfter: z.strictObject({ since: Path, period: z.string().pipe(Duration) }).optional(),
  expireTime: Path.optional(),
  renews: z.strictObject({ field: Path, yes: z.string() }).optional(),
  /** When the provider itself will stop it; the first that is there counts. */
  plannedStop: Paths.default([]),
});

const PlanCall = z.strictObject({
  action: z.string().min(1),
  /** Fields besides the id, taken from the machine's own entry in the list. */
  fields: z.array(z.string()).default([]),
});

const Api = z
  .strictObject({
    url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
    /** How the page writes the fields of a request. */
    body: z.enum(["form", "json"]).default("form"),
    /** Where a request names its action: in a field, or as the end of the address's path. */
    actionIn: z.enum(["field", "path"]).default("field"),
    /** The field of the body, and the query parameter, that name the action. */
    actionField: z.string().default("Action"),
    /** Headers that are learnt from the page's own request. */
    headers: z.array(z.string()).default([]),
    /** Fields that are learnt from the page's own request. */
    commonFields: z.array(z.string()).default([]),
    /** A field that holds the time in milliseconds. */
    timestampField: z.string().optional(),
    codeField: z.string().default("RetCode"),
    /** What the code is where the provider says yes. */
    success: z.union([z.int(), z.string().min(1)]).default(0),
    messageField: z.string().default("Message"),
    /** Parts of a refusal's message that mean: there is no such machine to be had now. */
    soldOut: z.array(z.string().min(1)).default([]),
    list: z.strictObject({
      action: z.string().min(1),
      /** Where the answer holds the machines, and how many there are in all. */
      entries: Path,
      total: Path,
      id: z.string().min(1),
      /** The field of a machine's state; of several, their texts are joined with a `+`. */
      state: Paths,
      /** Filter by id: in a form numbered from 0 as `<field>.<n>`, in JSON a list. */
      filter: z.string().optional(),
      /** The field that says how many machines are left out before the page that is asked for. */
      offset: z.string().min(1).optional(),
      /** The field that numbers the page that is asked for. */
      pageIndex: z.strictObject({ field: z.string().min(1), first: z.int().min(0).default(1) }).optional(),
      limit: z.string().min(1),
      pageSize: z.int().min(1).default(100),
      constants: Constants,
      /** `unknown` for a word that is known and says nothing that could be acted on; `*` for any word of a field. */
      states: z.record(z.string(), InstanceState),
    }),
    facts: FactPaths.prefault({}),
    /** How the provider's own planned stop of a machine is made or moved, and withdrawn. */
    planStop: z
      .strictObject({
        /** `times`: the fields that say when, in Unix seconds. */
        set: PlanCall.extend({ times: z.array(z.string().min(1)).min(1) }),
        withdraw: PlanCall,
      })
      .optional(),
  })
  .superRefine(({ list }, context) => {
    if ((list.offset === undefined) === (list.pageIndex === undefined)) {
      context.addIssue({
        code: "custom",
        path: ["list"],
        message: "name either offset or pageIndex, by whichever the page asks for the rest of its list",
      });
    }
    for (const words of Object.keys(list.states)) {
      if (list.state.length > 1 && words.split("+").length !== list.state.length) {
        context.addIssue({
          code: "custom",
          path: ["list", "states", words],
          message: `must be ${list.state.length} words joined with a "+", one for each field of state`,
        });
      }
    }
  });

const Written = z.strictObject({
  console: z.strictObject({
    /** The page with the list of machines. */
    url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
    /** Other addresses of the console, such as that of its login: a person in the live view may open no others. */
    origins: z.array(z.url({ protocol: /^https?$/, error: "must be an http or https address" })).default([]),
    locale: z.string().default("zh-CN"),
    /** Pictures and fonts are loaded although no person looks: for a console whose buttons are pictures. */
    pictures: z.boolean().default(false),
  }),
  login: z.strictObject({
    /** The browser is on a login page when its address contains this. */
    urlContains: z.string().min(1),
    /** The cookies whose end is the session's, where the console's cookies tell it: the first that ends counts. */
    cookies: z.array(z.string().min(1)).default([]),
    /** Where a password alone is enough, power logs in by itself. */
    fields: z.strictObject({ user: Selector, password: Selector, submit: Selector }).optional(),
  }),
  api: Api,
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
    /** Goes to the list's next page; there is none where it has this class, or is disabled. */
    next: z.strictObject({ click: Selector, disabledClass: z.string().optional() }).optional(),
    menu: Selector.optional(),
    dialog: Selector,
    /** Announcements that may be closed. */
    dismiss: z
      .array(z.strictObject({ contains: z.string().min(1), click: Selector, text: Words.optional() }))
      .default([]),
  }),
  /** What is blotted out of screenshots, HTML and logs, beside fields that are called `Password` and so on. */
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
  /** The provider's signed API; used where its keys are set. */
  signed: SignedSection.optional(),
  /** The lanes that are used, in the order in which they are tried; `signed` is passed over where no keys are set. */
  lanes: z.array(z.enum(LANES)).min(1).optional(),
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

/** Everything that differs from console to console. Selectors live here and nowhere else. */
export const Profile = Written.superRefine(({ lanes = [], signed }, context) => {
  const refuse = (message: string) => context.addIssue({ code: "custom", path: ["lanes"], message });
  if (new Set(lanes).size < lanes.length) refuse("names a lane twice");
  if (lanes.includes("signed") && signed === undefined)
    refuse("names the lane signed, of which the profile says nothing; add a section `signed`");
}).transform(({ lanes, signed, ...rest }) => ({
  ...rest,
  signed,
  lanes: lanes ?? (signed === undefined ? LANES.filter((lane) => lane !== "signed") : [...LANES]),
}));
export type Profile = z.output<typeof Profile>;

/** @throws ConfigError with file, line and path of every mistake. */
export function parseProfile(text: string, file: string): Profile {
  return parseYaml(Profile, text, file);
}

/** @throws ConfigError when the file cannot be read or used. */
export function loadProfile(file: string): Profile {
  return loadYaml(Profile, file);
}
