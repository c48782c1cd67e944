/**
 * RetCodes of the API's answers. Only 0 (accepted) is a fact; the provider's other numbers are unknown, so
 * these are the stand-in's own choice and nothing may depend on them. That a refusal carries a Message is a fact.
 */
export const RET = {
  accepted: 0,
  unknownAction: 161,
  noSession: 171,
  noCsrfToken: 172,
  missingField: 220,
  badField: 230,
  noSuchMachine: 8039,
  wrongState: 8040,
  rateLimited: 8050,
  soldOut: 8357,
} as const;
