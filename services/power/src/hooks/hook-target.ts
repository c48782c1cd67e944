/** Who is told of events: `hooks` of the pool file. */
import { Token } from "@gpu-power-manager/shared/events";
import { z } from "zod";
import { HOOK_EVENTS } from "./hook-event.ts";

/** Each is a label's value. */
export const MOST_HOOKS = 10;

export const HookTarget = z
  .strictObject({
    name: Token,
    /** A webhook's address, and the file of its secret, beside the pool file. */
    url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }).optional(),
    secretFile: z.string().min(1).optional(),
    /** Or a program with its arguments; the event comes on its standard input. */
    command: z.array(z.string()).min(1).optional(),
    /** All of them without this. */
    events: z.array(z.enum(HOOK_EVENTS)).min(1).optional(),
  })
  .superRefine(({ url, secretFile, command }, context) => {
    if ((url === undefined) === (command === undefined)) context.addIssue("needs either url or command");
    if ((url === undefined) !== (secretFile === undefined))
      context.addIssue("needs secretFile with url, and only there: what is not signed, anybody can invent");
  });
export type HookTarget = z.output<typeof HookTarget>;
