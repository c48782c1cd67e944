/** How often somebody may be wrong: one count an address, for tokens sent with requests and tokens typed into the page. */
import type { Request, Response } from "express";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { ApiError } from "./problems.ts";

/** Wrong tokens from one address in a minute, beyond which it is not listened to until the minute is over. */
const TRIES = 10;
const TRIES_WINDOW_S = 60;

export class WrongTries {
  private readonly limiter = new RateLimiterMemory({ points: TRIES, duration: TRIES_WINDOW_S });

  /** @throws ApiError when too many came from there. */
  async check(request: Request, response: Response): Promise<void> {
    const tries = await this.limiter.get(addressOf(request));
    if (tries === null || tries.consumedPoints < TRIES) return;
    const seconds = Math.ceil(tries.msBeforeNext / 1_000);
    response.set("Retry-After", String(seconds));
    throw new ApiError("too_many_tries", `Try again in ${seconds} s, with the right token.`);
  }

  async count(request: Request): Promise<void> {
    await this.limiter.penalty(addressOf(request));
  }
}

/** Of the connection, not of a header: anybody can write a header. */
export function addressOf(request: Request): string {
  return request.socket.remoteAddress ?? "unknown";
}
