import { z } from "zod";
import { facts } from "./facts.ts";
import { machineState } from "./machine-spec.ts";
import { SESSION_TTL_MS } from "./sessions.ts";

const ms = z.number().min(0).max(86_400_000);

/** Which API calls a fault touches; `true` means all of them, `false` none. */
const scope = z.union([
  z.enum(["none", "describe", "actions", "all"]),
  z.boolean().transform((on) => (on ? "all" : "none")),
]);
export type Scope = z.infer<typeof scope>;

/**
 * Every way in which the console can be made to behave, and to misbehave. Per-machine knobs are keyed by
 * UHostId. Knobs of the page take effect when it next loads its list, or opens a dialog.
 */
export const faults = z.strictObject({
  /** Boot time: from the accepted start to Running. */
  bootMs: ms,
  /** From the accepted stop to Stopped. */
  stopMs: ms,
  /** Whether a boot also passes through Initializing. */
  initializing: z.enum(["never", "always", "everySecondBoot"]),
  /** The page reads its list again this often; 0: never. */
  pageRefreshMs: ms,
  /** A start button that has just been drawn is disabled for this long. */
  buttonDisabledMs: ms,
  /** The start button never becomes enabled. */
  buttonDisabledAlways: z.boolean(),
  /** Hidden copies of the start button in a template container and in rows that are not stopped. */
  hiddenTemplateButton: z.boolean(),
  /** The login page takes only a phone code, that is: a person who leads its slider, or POST /login-by-hand of the control API, passes. */
  loginByHandOnly: z.boolean(),
  /** A session's cookies end so long after the login. */
  sessionMs: z.number().min(1_000).max(SESSION_TTL_MS),
  /** What the provider tells of these machines that is not ordinary. */
  facts: z.record(z.string(), facts.partial()),
  /** The key pair of signed requests was withdrawn. */
  keysRevoked: z.boolean(),

  /** Whose requests `api500`, `htmlInsteadOfJson` and `rateLimited` touch. */
  troubled: z.enum(["everybody", "signed", "session"]),
  slowApiMs: ms,
  slowPageMs: ms,
  api500: scope,
  htmlInsteadOfJson: scope,
  /** Refused with "请求过于频繁". */
  rateLimited: scope,
  emptyList: z.boolean(),
  /** A stranger's machine leads the list, and the others come in reverse order. */
  otherMachineFirst: z.boolean(),
  /** The UHostIds filter of DescribeCompShareInstance has no effect. */
  ignoreFilter: z.boolean(),
  /** Parts of the page whose classes were renamed by a new release of the console. */
  changedSelectors: z.array(z.enum(["row", "status", "buttons"])),
  /** An announcement that nobody expected covers the page: when it loads, or on top of a confirmation. */
  dialogMore: z.enum(["none", "onLoad", "beforeConfirm"]),
  /** Starting asks for no confirmation. */
  dialogLess: z.boolean(),
  /** Confirmations name this machine, whichever it is that they ask for. */
  confirmNames: z.string().nullable(),
  /** `rows`: drawn without state and actions. `table`: the loading state never ends. */
  halfLoaded: z.enum(["none", "rows", "table"]),
  /** The page shows this state, whatever the API says. */
  pageDisagrees: z.record(z.string(), machineState),
  /** The API says this state, while the page shows the true one. */
  apiDisagrees: z.record(z.string(), machineState),
  /** The page never refreshes by itself, not even after an action. */
  stalePage: z.boolean(),
  /** Refusals quote how one logs in to the machine. */
  refusalsTell: z.boolean(),
  /** A start is refused: the zone has no stock. */
  soldOut: z.array(z.string()),
  stuckStarting: z.array(z.string()),
  stopsByItselfAfterMs: z.record(z.string(), ms),
  /** Actions are accepted (RetCode 0) and nothing ever happens. */
  acceptButNothing: z.boolean(),
  /** Actions take effect, but their HTTP answer never comes. */
  actionHangs: z.boolean(),
});
export type Faults = z.infer<typeof faults>;
/** A change to the knobs: those named are replaced, the others stay. */
export const faultsPatch = faults.partial();
export type FaultsPatch = z.input<typeof faultsPatch>;

/** The console on a good day. */
export const GOOD_DAY: Faults = {
  bootMs: 3_000,
  stopMs: 1_500,
  initializing: "everySecondBoot",
  pageRefreshMs: 10_000,
  buttonDisabledMs: 300,
  buttonDisabledAlways: false,
  hiddenTemplateButton: true,
  loginByHandOnly: false,
  sessionMs: SESSION_TTL_MS,
  facts: {},
  keysRevoked: false,
  troubled: "everybody",
  slowApiMs: 0,
  slowPageMs: 0,
  api500: "none",
  htmlInsteadOfJson: "none",
  rateLimited: "none",
  emptyList: false,
  otherMachineFirst: false,
  ignoreFilter: false,
  changedSelectors: [],
  dialogMore: "none",
  dialogLess: false,
  confirmNames: null,
  halfLoaded: "none",
  pageDisagrees: {},
  apiDisagrees: {},
  stalePage: false,
  refusalsTell: false,
  soldOut: [],
  stuckStarting: [],
  stopsByItselfAfterMs: {},
  acceptButNothing: false,
  actionHangs: false,
};

/** Whether a fault of this scope touches a call. */
export function touches(faultScope: Scope, isDescribe: boolean): boolean {
  return faultScope === "all" || faultScope === (isDescribe ? "describe" : "actions");
}

/** The UHostIds that a change of knobs names. */
export function machinesNamed(patch: FaultsPatch): string[] {
  return [
    ...Object.keys(patch.pageDisagrees ?? {}),
    ...Object.keys(patch.apiDisagrees ?? {}),
    ...Object.keys(patch.facts ?? {}),
    ...Object.keys(patch.stopsByItselfAfterMs ?? {}),
    ...(patch.confirmNames == null ? [] : [patch.confirmNames]),
    ...(patch.soldOut ?? []),
    ...(patch.stuckStarting ?? []),
  ];
}
