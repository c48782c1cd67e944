/** What a profile says of its provider's signed API. The entries of its list are read as `api.list` and `api.facts` say. */
import { z } from "zod";
import { SCHEMES } from "./signature.ts";

const Field = z.string().min(1);
const Codes = z
  .array(z.int().refine((code) => code !== 0, { error: "0 is the code of an accepted request" }))
  .default([]);

const SignedAction = z.strictObject({
  action: z.string().min(1),
  /** Fields besides the id, taken from the machine's own entry in the list. */
  fields: z.array(Field).default([]),
});

export const SignedSection = z
  .strictObject({
    url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
    /** How a request is signed. */
    scheme: z.enum(SCHEMES, { error: `must be one of ${SCHEMES.join(", ")}` }),
    /** The form fields of the public key, the signature and the action. */
    keyField: Field.default("PublicKey"),
    signatureField: Field.default("Signature"),
    actionField: Field.default("Action"),
    /** Form fields that every request carries, such as the project of a sub-account. */
    constants: z.record(Field, z.string()).default({}),
    /** Fields of an answer: its code, 0 where it is accepted, and the provider's words. */
    codeField: Field.default("RetCode"),
    messageField: Field.default("Message"),
    /** Codes that say: these keys may not ask. */
    keyCodes: Codes,
    /** Codes, and parts of a refusal's message, that say: too many requests. */
    limitCodes: Codes,
    limitWords: z.array(z.string().min(1)).default([]),
    list: z.strictObject({ action: z.string().min(1) }),
    /**
     * Where a planned stop names the account's project, and `constants` do not: how it is asked, once, and which field marks
     * the one that is taken.
     */
    project: z
      .strictObject({ action: z.string().min(1), entries: Field, field: Field, chosen: Field })
      .optional(),
    start: SignedAction,
    stop: SignedAction,
    /**
     * Fields of an entry that change only when the machine is started or stopped: two answers that differ in one do not
     * agree, whatever their states say.
     */
    times: z.array(Field).default([]),
  })
  .superRefine((signed, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    const own = [signed.keyField, signed.signatureField, signed.actionField];
    if (new Set(own).size < own.length)
      refuse("signatureField", "keyField, signatureField and actionField must be three different fields");
    for (const name of own.filter((each) => Object.hasOwn(signed.constants, each)))
      refuse("constants", `"${name}" is filled in by the request itself`);
    for (const code of signed.keyCodes.filter((each) => signed.limitCodes.includes(each)))
      refuse("limitCodes", `${code} is among keyCodes, too: it can mean only one of the two`);
  });
export type SignedSection = z.output<typeof SignedSection>;
