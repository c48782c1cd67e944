/**
 * RetCodes of the API's answers. Facts are 0 (accepted) and, for signed requests, 171 and 172; the provider's other
 * numbers are unknown, so they are the stand-in's own choice and nothing may depend on them. That a refusal carries a
 * Message is a fact.
 */
export const RET = {
  accepted: 0,
  unknownAction: 161,
  wrongSignature: 171,
  noSuchUser: 172,
  noSession: 271,
  noCsrfToken: 272,
  missingField: 220,
  badField: 230,
  noSuchMachine: 8039,
  wrongState: 8040,
  rateLimited: 8050,
  soldOut: 8357,
} as const;
