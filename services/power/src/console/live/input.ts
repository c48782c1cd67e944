/** What a person does with the console's page, as it comes from that person's browser. */
import { z } from "zod";

/** Larger than any page that is shown. */
const MAX_PIXELS = 10_000;
/** What is pasted at once; a password or a code is a hundredth of it. */
const MAX_TEXT = 10_000;

/** In the page's own pixels. */
const Place = z.number().min(-MAX_PIXELS).max(MAX_PIXELS);
/** Alt 1, Ctrl 2, Meta 4, Shift 8, as the browser's debugger counts them. */
const modifiers = z.int().min(0).max(15);
/** Milliseconds on the sender's own clock, whose zero is nobody's business: only the time between two counts. */
const at = z.number().nonnegative();

export const PageInput = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("mouse"),
    kind: z.enum(["move", "down", "up"]),
    x: Place,
    y: Place,
    button: z.enum(["none", "left", "middle", "right"]),
    /** Those that are down: left 1, right 2, middle 4. */
    buttons: z.int().min(0).max(7),
    /** The second click of a double click is 2. */
    clicks: z.int().min(0).max(3),
    modifiers,
    at,
  }),
  z.strictObject({ type: z.literal("wheel"), x: Place, y: Place, dx: Place, dy: Place, modifiers, at }),
  z.strictObject({
    type: z.literal("key"),
    kind: z.enum(["down", "up"]),
    key: z.string().min(1).max(32),
    code: z.string().max(32),
    keyCode: z.int().min(0).max(255),
    location: z.int().min(0).max(3),
    repeat: z.boolean(),
    modifiers,
    at,
  }),
  /** Pasted, or finished by an input method. */
  z.strictObject({ type: z.literal("text"), text: z.string().min(1).max(MAX_TEXT), at }),
]);
export type PageInput = z.output<typeof PageInput>;
