/** The request that the page itself sends when it was clicked through, and what the provider answered. */
import type { Page, Request, Response } from "playwright";

export interface PageRequest {
  /** Resolves when the page has sent it. */
  readonly seen: Promise<void>;
  /** The answer's JSON; rejects where it failed, stayed away, or the page sent nothing. */
  readonly body: Promise<unknown>;
  end(): void;
}

/**
 * Waits for the page to send a request.
 * @param answerMs how long the provider may take to answer it.
 * @param clicksMs how long the clicks that lead to it may take.
 */
export function followRequest(
  page: Page,
  isOurs: (request: Request) => boolean,
  { answerMs, clicksMs }: { readonly answerMs: number; readonly clicksMs: number },
): PageRequest {
  const seen = Promise.withResolvers<void>();
  const body = Promise.withResolvers<unknown>();
  body.promise.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const onRequest = (request: Request) => {
    if (!isOurs(request)) return;
    seen.resolve();
    timer = setTimeout(
      () => body.reject(new Error("The provider did not answer the page's request.")),
      answerMs,
    );
  };
  const onResponse = (response: Response) => {
    if (isOurs(response.request())) response.json().then(body.resolve, body.reject);
  };
  const onFailed = (request: Request) => {
    if (isOurs(request))
      body.reject(new Error(`The page's request failed: ${request.failure()?.errorText ?? ""}`));
  };
  page.on("request", onRequest);
  page.on("response", onResponse);
  page.on("requestfailed", onFailed);
  const never = setTimeout(
    () => body.reject(new Error("After the clicks the page sent no request.")),
    clicksMs,
  );
  return {
    seen: seen.promise,
    body: body.promise,
    end: () => {
      clearTimeout(timer);
      clearTimeout(never);
      page.off("request", onRequest);
      page.off("response", onResponse);
      page.off("requestfailed", onFailed);
    },
  };
}
