/** When the console's session began, and when its cookies say that it ends. */
import { z } from "zod";

export interface Beginning {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Power has logged in, and nobody else had to. */
  readonly byItself: boolean;
}

/** Milliseconds since 1970; null where nobody knows. */
export interface SessionTimes {
  readonly begunAt: number | null;
  /** Null, too, where power has logged in by itself: it does so again, and the end is nobody's concern. */
  readonly endsAt: number | null;
}

/** Of Playwright's storage state. `expires` is in Unix seconds; -1 for a cookie that tells no end. */
const State = z.object({ cookies: z.array(z.object({ name: z.string(), expires: z.number() })) });

/** @param names the profile's `login.cookies`. @returns the first end among them; null where none tells one. */
export function endOf(storageState: unknown, names: readonly string[]): number | null {
  const state = State.safeParse(storageState);
  if (!state.success) return null;
  const ends = state.data.cookies.flatMap(({ name, expires }) =>
    names.includes(name) && expires > 0 ? expires * 1_000 : [],
  );
  return ends.length === 0 ? null : Math.min(...ends);
}
