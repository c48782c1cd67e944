/**
 * A start or stop walked through on the page up to, and never including, its last click, with a picture of each step.
 * Meanwhile nothing that could act leaves the page: of its requests only those for the list, and those that fetch, pass.
 */
import type { DryRun } from "@gpu-power-manager/shared/profile-doctor";
import type { Page, Route } from "playwright";
import type { ApiLane } from "../api-lane.ts";
import { firstLine } from "../first-line.ts";
import type { PageLane } from "../page-lane.ts";
import type { Profile } from "../profile.ts";

/** After a click the page may ask its API at once; so long a request is waited for before the next step is judged. */
const SETTLE_MS = 500;

export interface DryRunParts {
  readonly profile: Profile;
  readonly api: ApiLane;
  readonly lane: PageLane;
  /** Keeps a picture of the page. @returns its name. */
  readonly picture: (label: string) => Promise<string | undefined>;
}

type Step = DryRun["steps"][number];

/** To be called by whoever has the page's turn. @throws when the page does not answer. */
export async function dryRun(
  page: Page,
  action: "start" | "stop",
  providerId: string,
  allIds: readonly string[],
  { profile, api, lane, picture }: DryRunParts,
): Promise<Pick<DryRun, "steps" | "stopped" | "words">> {
  const steps: Step[] = [];
  const stopped: string[] = [];
  const guard = async (route: Route) => {
    const request = route.request();
    if (
      ["GET", "HEAD", "OPTIONS"].includes(request.method()) ||
      api.asked(request)?.action === profile.api.list.action
    )
      return await route.continue();
    stopped.push(api.asked(request)?.action ?? new URL(request.url()).pathname);
    await route.abort();
  };
  const done = (words: string) => ({ steps, stopped, words });
  await page.route("**/*", guard);
  try {
    const row = await lane.find(page, providerId, profile[action]);
    if (typeof row === "string") return done(row);
    const others = allIds.filter((id) => id !== providerId);
    const asks = lane.confirmation(page, providerId, others);
    const all = profile[action].steps;
    for (const [index, step] of all.entries()) {
      const told = { name: `${action}.steps.${index}`, selector: step.click };
      const target = lane.target(page, row, asks, step);
      const seen = await target
        .first()
        .waitFor({ state: "visible", timeout: profile.timeouts.step })
        .then(
          () => true,
          () => false,
        );
      const count = await target.count();
      const label = `dry-run-${action}-${index}`;
      if (!seen || count !== 1) {
        const words = seen ? `${count} elements fit, and one is right.` : "Nothing that can be clicked fits.";
        const verdict = seen ? ("ambiguous" as const) : ("missing" as const);
        steps.push({
          ...told,
          verdict,
          words,
          text: null,
          clicked: false,
          picture: (await picture(label)) ?? null,
        });
        return done(
          step.optional && !seen
            ? "The console left the last steps out, which the profile allows."
            : "A step does not fit the page; mend its line.",
        );
      }
      const text = ((await target.textContent()) ?? "").trim();
      const last = index === all.length - 1;
      const words = last ? "It would be clicked now; a dry run ends here." : "Clicked.";
      steps.push({
        ...told,
        verdict: "found",
        words,
        text,
        clicked: !last,
        picture: (await picture(label)) ?? null,
      });
      if (last) return done("Every step fits the page.");
      await target.click({ timeout: profile.timeouts.step });
      await page.waitForTimeout(SETTLE_MS);
      if (stopped.length > 0)
        return done(
          "This click acts already; what the page wanted to send was stopped, and the rest is not needed.",
        );
    }
    return done("The profile names no step.");
  } catch (error) {
    return done(`A step could not be walked: ${firstLine(error)}`);
  } finally {
    // Boxes that stand open, and whatever the page still means to send, go with its document.
    await page.goto("about:blank").catch(() => undefined);
    await page.unroute("**/*", guard);
  }
}
