/** What is asked of the provider's API, and what it answers. */

/** Form fields of a request, flat, as they were posted. */
export type Fields = Readonly<Record<string, string>>;

/** The body of an answer: RetCode 0 is accepted; anything else carries a Message. */
export interface Answer {
  readonly RetCode: number;
  readonly Message?: string;
  readonly [field: string]: unknown;
}

export function refusal(code: number, message: string): Answer {
  return { RetCode: code, Message: message };
}
