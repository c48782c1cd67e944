/** What goes over the live view's socket, beside the pictures. */
import { z } from "zod";
import type { Refusal } from "../../console/live/house-rules.ts";
import { PageInput } from "../../console/live/input.ts";

/** From the browser. */
export const FromBrowser = z.union([
  PageInput,
  z.discriminatedUnion("type", [
    /** A picture is drawn, so another may come. */
    z.strictObject({ type: z.literal("seen"), frame: z.int().nonnegative() }),
    /** The tab is looked at, or lies behind others. */
    z.strictObject({ type: z.literal("look"), on: z.boolean() }),
    /**
     * `take`: take control, or ask whoever has it. `release`: give it up. `give`: to who asks. `keep`: refuse who asks.
     */
    z.strictObject({ type: z.literal("control"), act: z.enum(["take", "release", "give", "keep"]) }),
  ]),
]);
export type FromBrowser = z.output<typeof FromBrowser>;

/** A picture's bytes follow: its number, then width and height of the page, each an unsigned 32-bit number. */
export const PICTURE_HEADER = 12;

/** To the browser. */
export type ToBrowser =
  | {
      readonly type: "floor";
      readonly you: "controls" | "gets" | "asks" | "watches";
      /** Whether this person may take control at all. */
      readonly mayControl: boolean;
      readonly holder: string | null;
      readonly asks: string | null;
      readonly watchers: number;
    }
  | { readonly type: "refused"; readonly what: Refusal; readonly detail: string }
  /** The person has passed the login; control is over and power goes on. */
  | { readonly type: "loggedIn" }
  /** Control ended by itself. */
  | { readonly type: "ended"; readonly why: "idle" };
