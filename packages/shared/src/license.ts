/** License keys are secrets of the gateway's clients: what tells two of them apart without being one. */
import { hash } from "node:crypto";

/** SHA-256 of a license key, shortened; the same key has the same hash in events, in logs and in gpuctl's tables. */
export function hashKey(key: string): string {
  return hash("sha256", key).slice(0, 16);
}
