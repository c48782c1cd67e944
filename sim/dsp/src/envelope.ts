/** The newer frames begin alike: version, times and ids as the gateway makes them. */

/** Unix time. */
export const seconds = () => Math.floor(Date.now() / 1_000);
/** Thirteen hexadecimal digits, as PHP's uniqid() makes them. */
export const uniqid = () =>
  Math.floor(Date.now() * 1_000 + Math.random() * 1_000)
    .toString(16)
    .slice(-13);

export function envelope(type: string, source: string, requestId: string) {
  return {
    type,
    version: "1.0",
    source,
    target: "client",
    ts: seconds(),
    request_id: requestId,
    trace_id: `trace_${uniqid()}`,
  };
}
