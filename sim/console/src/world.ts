import type { Fleet } from "./fleet.ts";
import type { Ledger } from "./ledger.ts";
import type { LoginDesk } from "./login-desk.ts";
import type { Sessions } from "./sessions.ts";

/** What the three origins share. */
export interface World {
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  readonly sessions: Sessions;
  readonly desk: LoginDesk;
  readonly credentials: { readonly username: string; readonly password: string };
  /** The key pair of signed requests. */
  readonly keys: { readonly publicKey: string; readonly privateKey: string };
  /** The account's fields that every API request of a session carries. */
  readonly account: { readonly projectId: string; readonly user: string };
  /** Addresses as a browser sees them; known once the servers listen. */
  readonly urls: { readonly console: string; readonly api: string };
  /** Ends when the stand-in closes; every held request ends with it. */
  readonly closing: AbortSignal;
}
