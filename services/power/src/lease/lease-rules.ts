/**
 * PURE: who of several powers may act. One key in KV holds the lease; it is written with the expected revision, so
 * that of two writers one fails. The holder renews it, and may act for VALID_MS from the moment at which it *sent* its
 * last good write. A standby takes over when it has *seen* no write for LEASE_MS. Since nothing is seen before it was
 * sent, the holder's time has ended before a standby's can begin, whatever their wall clocks say: each measures
 * durations on its own clock, which nobody sets and which goes on while the machine sleeps, and clocks that run as
 * differently as LEASE_MS to VALID_MS do not exist.
 *
 * A read may be stale (a follower, or a leader that does not know yet that it is none): an older revision changes
 * nothing, a first read of an old one only makes the standby wait and its write be refused. So a stale read can delay a
 * takeover and cause none.
 *
 * The same idea as Kubernetes' leader election (client-go, tools/leaderelection: lease duration, renew deadline).
 */

/** A standby takes over after so long without a sign of the holder, in milliseconds. */
export const LEASE_MS = 10_000;
/** The holder stops acting so long after its last good renewal was sent. */
export const VALID_MS = 8_000;
/** The holder renews, and a standby looks, this often; a renewal that failed is tried again as soon as a look. */
export const RENEW_MS = 2_500;
export const LOOK_MS = 500;
/**
 * While NATS is away, or its cluster chooses a leader, nobody can renew: that silence is not the holder's. So after a
 * break between its looks of more than BREAK_MS a standby looks for STEADY_MS before it takes over.
 */
export const BREAK_MS = 2_000;
export const STEADY_MS = 2_500;

/** What the key holds; `null` once the holder has left by itself. */
export interface Holder {
  /** Of the process: new at each start. */
  readonly id: string;
  /** For people: host and process. */
  readonly name: string;
  /** ISO time of its wall clock at which it took the lease. */
  readonly since: string;
}

export type Lease =
  | {
      readonly role: "standby";
      /** The newest write that was seen, and when on this process's clock; null when nothing was read yet. */
      readonly seen: {
        readonly revision: number;
        readonly at: number;
        readonly holder: Holder | null;
        /** When the key was last read, and since when that was possible without a break. */
        readonly readAt: number;
        readonly steadySince: number;
      } | null;
    }
  | { readonly role: "holder"; readonly revision: number; readonly until: number; readonly renewAt: number }
  /** Somebody else has written: never to act again. */
  | { readonly role: "lost" };

export const STANDBY: Lease = { role: "standby", seen: null };

/** The key was read: revision 0 and no holder where it does not exist. An old revision is no sign of anybody. */
export function read(lease: Lease, revision: number, holder: Holder | null, now: number): Lease {
  if (lease.role !== "standby") return lease;
  const { seen } = lease;
  const steadySince = seen === null || now - seen.readAt > BREAK_MS ? now : seen.steadySince;
  const looks = { readAt: now, steadySince };
  if (seen !== null && revision <= seen.revision) return { role: "standby", seen: { ...seen, ...looks } };
  return { role: "standby", seen: { revision, at: now, holder, ...looks } };
}

/** The revision on which a write of our own is to be made now, or undefined when it is not the time. */
export function writeOn(lease: Lease, now: number): number | undefined {
  switch (lease.role) {
    case "lost":
      return undefined;
    case "holder":
      return now >= lease.renewAt ? lease.revision : undefined;
    case "standby": {
      const { seen } = lease;
      if (seen === null) return undefined;
      const silent = now - seen.at > LEASE_MS && seen.readAt - seen.steadySince >= STEADY_MS;
      return seen.holder === null || silent ? seen.revision : undefined;
    }
  }
}

/** Our write was taken. @param sentAt when it left, not when the answer came. */
export function written(lease: Lease, revision: number, sentAt: number): Lease {
  if (lease.role === "lost") return lease;
  return { role: "holder", revision, until: sentAt + VALID_MS, renewAt: sentAt + RENEW_MS };
}

/** Our write was refused, because the key has changed since the revision it was made on. */
export function refused(lease: Lease): Lease {
  return lease.role === "standby" ? STANDBY : { role: "lost" };
}

/**
 * The key is not there any more, and nobody deleted it: its bucket was, and made again. The holder still holds, for as
 * long as it did, and writes anew. Whoever does not hold has to look anew, because the other bucket's revisions say
 * nothing about this one's; a holder whose time is over as well, because another may have followed it in the old one.
 */
export function vanished(lease: Lease, now: number): Lease {
  if (lease.role === "lost") return lease;
  if (!mayAct(lease, now)) return STANDBY;
  return { ...lease, revision: 0, renewAt: now };
}

export function mayAct(lease: Lease, now: number): lease is Lease & { readonly role: "holder" } {
  return lease.role === "holder" && now < lease.until;
}
