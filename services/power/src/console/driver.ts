/**
 * What power needs of a provider, and nothing more. `page-console.ts` drives its web console with a browser,
 * `provider/signed-console.ts` asks its signed API first; whoever uses it does not know which lanes there are.
 */
import type { InstanceState, Lane } from "@gpu-power-manager/shared/events";
import type { LoginEvent } from "@gpu-power-manager/shared/history-entries";

/** Why a state is `unknown`; a closed list, so that it can be a metric's label. */
export const UNKNOWN_REASONS = [
  "not_observed_yet",
  "login_required",
  "console_unreachable",
  "console_error",
  "not_in_list",
  "unlisted_state",
  "witnesses_disagree",
  "page_half_loaded",
  "browser_down",
  "keys_refused",
  "operator_controls",
] as const;
export type UnknownReason = (typeof UNKNOWN_REASONS)[number];

/** What is known of one instance, by the provider's id. `unknown` says why, in a word and in a sentence. */
export type Sighting =
  | { readonly state: Exclude<InstanceState, "unknown"> }
  | {
      readonly state: "unknown";
      readonly reason: UnknownReason;
      readonly words: string;
      /** What the API alone said, where only the page could not confirm it. */
      readonly api?: Exclude<InstanceState, "unknown">;
    };

/**
 * What the provider told of a machine beside its state. What it did not tell, or not in a form that is known, is absent;
 * whoever uses a fact looks how old it is. Times are milliseconds since 1970.
 */
export interface Facts {
  /** When the question left that was answered so. */
  readonly askedAt: number;
  /** How much of its busiest GPU computes, in percent. */
  readonly gpuUsage?: number;
  readonly cpuUsage?: number;
  /** It has no GPU at present: of no use to a worker. */
  readonly withoutGpu?: boolean;
  /** Its host has as many GPUs free as a start of it takes; false: a start would be refused now. */
  readonly available?: boolean;
  /** An hour of it while it runs, and while it is off, where it is paid by use. */
  readonly pricePerHour?: number;
  readonly offPricePerHour?: number;
  /** Of its prices, in three letters; absent where the profile does not name it. */
  readonly currency?: string;
  /** When the provider will delete it with its data, because it is off for so long. */
  readonly releaseAt?: number;
  /** Until when it is paid, and whether it is renewed by itself then. */
  readonly expiresAt?: number;
  readonly renews?: boolean;
  /** When the provider itself will stop it. */
  readonly plannedStopAt?: number;
}

/** One look at the whole pool. Times are milliseconds since 1970 on this process's clock. */
export interface PoolSighting {
  /** When the question left: what happened after it is not in the answer. */
  readonly askedAt: number;
  readonly answeredAt: number;
  /** By provider id; every id that was asked for is there. */
  readonly instances: ReadonlyMap<string, Sighting>;
  /** By provider id, of those of which the provider told something. */
  readonly facts?: ReadonlyMap<string, Facts>;
  /** Set when the provider refused, limited or failed: the next look backs off. */
  readonly trouble?: UnknownReason;
}

/** How a start or stop went, as far as the console said; success is only what is observed afterwards. */
export type ActionResult =
  | { readonly outcome: "accepted"; readonly lane: Lane }
  /** The provider said no; nothing was changed. `soldOut` when it said that it has no such machine now. */
  | { readonly outcome: "refused"; readonly lane: Lane; readonly soldOut: boolean; readonly message: string }
  /** It may or may not have been received: look before anything is tried again. */
  | { readonly outcome: "uncertain"; readonly lane: Lane; readonly message: string }
  /** Nothing was sent (no login, no such row, witnesses disagree). */
  | { readonly outcome: "not_tried"; readonly message: string };

/** `not_used`: no browser is needed, because the signed API answers. */
export const SESSION_STATES = ["unknown", "logged_in", "login_required", "not_used"] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** How it stands with the provider's signed API. */
export const SIGNED_API_STATES = ["not_asked", "answering", "failing", "limited", "keys_refused"] as const;
export type SignedApiState = (typeof SIGNED_API_STATES)[number];

export interface ActionRequest {
  readonly providerId: string;
  /** Correlates log lines, history and artifacts. */
  readonly attemptId: string;
  readonly action: "start" | "stop";
  /** Asked just before anything is sent: false when another power may have taken over meanwhile. */
  readonly allowed: () => boolean;
}

/** What an action ends with that is not allowed any more. */
export const NOT_ALLOWED = {
  outcome: "not_tried" as const,
  message: "The lease could not be renewed in time, so another power may act.",
} satisfies ActionResult;

/** Steps at the console that failed or left a doubt. */
export const CONSOLE_ERRORS = [
  ...UNKNOWN_REASONS,
  "page_not_loaded",
  "start_refused",
  "start_uncertain",
  "start_not_tried",
  "stop_refused",
  "stop_uncertain",
  "stop_not_tried",
] as const;
export type ConsoleError = (typeof CONSOLE_ERRORS)[number];

/** Why Chromium was launched anew. */
export const BROWSER_RESTARTS = ["disconnected", "page_crashed", "page_closed", "memory"] as const;
export type BrowserRestart = (typeof BROWSER_RESTARTS)[number];

/** What a driver tells while it works, for metrics and history; every method may be called at any time. */
export interface ConsoleEvents {
  observed(witness: Lane, seconds: number): void;
  disagreed(): void;
  failed(kind: ConsoleError): void;
  browserRestarted(reason: BrowserRestart): void;
  login(event: LoginEvent): void;
}

/** A change of a machine's planned stop: when the provider itself is to stop it. */
export interface PlanRequest {
  readonly providerId: string;
  /** Milliseconds since 1970, whole seconds; null: it is withdrawn. */
  readonly at: number | null;
  /** Asked just before anything is sent: false when another power may have taken over meanwhile. */
  readonly allowed: () => boolean;
}

/** What the provider said to it. */
export type PlanResult =
  | { readonly outcome: "accepted" }
  /** Nothing was changed. */
  | { readonly outcome: "refused" | "not_tried"; readonly message: string }
  /** It may have been taken. */
  | { readonly outcome: "uncertain"; readonly message: string };

export interface ConsoleDriver {
  /** The provider's ids of the machines that are looked at from now on. */
  setInstances(providerIds: readonly string[]): void;
  /** Asks the provider once for all instances. Never throws: what fails is `unknown` with a reason. */
  observe(): Promise<PoolSighting>;
  /**
   * Has two witnesses tell what is so now, after anything that was told before: the page, loaded anew, beside its API;
   * or the signed API, beside the page's or itself a while later. Where the two disagree the sighting is `unknown`.
   * Never throws.
   */
  compare(): Promise<PoolSighting>;
  /** Sends a start or a stop by the first lane that can. Never throws. */
  act(request: ActionRequest): Promise<ActionResult>;
  /** Makes, moves or withdraws the provider's planned stop of a machine; absent where the driver cannot. Never throws. */
  planStop?(request: PlanRequest): Promise<PlanResult>;
  session(): SessionState;
  /** Undefined where no keys are set, or the profile's lanes leave it out. */
  signedApi(): SignedApiState | undefined;
  /** Memory of the browser's processes together in bytes (PSS); undefined when it cannot be known. */
  memoryBytes(): Promise<number | undefined>;
  close(): Promise<void>;
}
