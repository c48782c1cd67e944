/** What a check is, and how checks hang together. Pure. */

/** `not_asked`: a check that it hangs on failed, so its answer would say nothing. */
export const CHECK_STATUSES = ["ok", "warn", "fail", "not_asked"] as const;
export type CheckStatus = (typeof CHECK_STATUSES)[number];

/** What was seen; where something is wrong also its cause in words, and what to do next. */
export type Verdict =
  | { readonly status: "ok"; readonly seen: string }
  | { readonly status: "warn" | "fail"; readonly seen: string; readonly next: string }
  | { readonly status: "not_asked"; readonly seen: string };

export interface Check {
  readonly id: string;
  readonly group: string;
  readonly name: string;
  /** Ids of checks above that must not have failed. */
  readonly needs: readonly string[];
  readonly judge: () => Verdict;
}

export interface Result {
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly status: CheckStatus;
  readonly seen: string;
  readonly next: string | null;
}

/** Judges in order; what hangs on a failed check, or on one that was not asked, is not asked. */
export function judgeAll(checks: readonly Check[]): Result[] {
  const results: Result[] = [];
  for (const { id, group, name, needs, judge } of checks) {
    const blocker = results.find(
      (each) => needs.includes(each.id) && (each.status === "fail" || each.status === "not_asked"),
    );
    const verdict: Verdict =
      blocker === undefined ? judge() : { status: "not_asked", seen: `↑ ${blocker.name}` };
    const next = "next" in verdict ? verdict.next : null;
    results.push({ id, group, name, status: verdict.status, seen: verdict.seen, next });
  }
  return results;
}

/** The first thing that is wrong: what stands below it may follow from it. */
export function firstFailure(results: readonly Result[]): Result | undefined {
  return results.find(({ status }) => status === "fail");
}
