/** The lines of a profile that look for something on the page, each with what is right for it. Pure. */
import type { Profile } from "../profile.ts";

/** A line with a selector, while nothing is clicked. */
export interface ProfileLine {
  /** Its place in the profile, such as `page.row` or `start.steps.0.click`. */
  readonly name: string;
  readonly selector: string;
  /** Where it is looked for: the whole page, each row of the list, or nowhere before something was clicked. */
  readonly within: "page" | "rows" | "later";
  /** In a box that asks or announces. */
  readonly inDialog?: boolean;
  /** The element's whole text is one of these. */
  readonly texts?: readonly string[];
  /** Where in rows: only in those that show one of these states. */
  readonly shown?: readonly string[];
  /**
   * How many visible elements are right, in the page or in each row: `any` says nothing, `one` is missing with none
   * and ambiguous with more.
   */
  readonly wanted: "one" | "some" | "none" | "any";
}

/** Every line of the profile that holds a selector, in the order of the file. */
export function linesOf(profile: Profile): ProfileLine[] {
  const { login, page, secrets } = profile;
  const line = (
    name: string,
    selector: string | undefined,
    within: ProfileLine["within"],
    wanted: ProfileLine["wanted"],
  ): ProfileLine[] => (selector === undefined ? [] : [{ name, selector, within, wanted }]);
  return [
    ...Object.entries(login.fields ?? {}).flatMap(([name, selector]) =>
      line(`login.fields.${name}`, selector, "later", "any"),
    ),
    ...line("page.ready", page.ready, "page", "some"),
    ...line("page.loading", page.loading, "page", "none"),
    ...line("page.row", page.row, "page", "some"),
    ...line("page.id", page.id, "rows", "one"),
    ...line("page.state", page.state, "rows", "one"),
    // A list of one page may have none.
    ...line("page.next.click", page.next?.click, "page", "any"),
    ...line("page.menu", page.menu, "later", "any"),
    ...line("page.dialog", page.dialog, "page", "none"),
    ...page.dismiss.flatMap(({ click }, index) => line(`page.dismiss.${index}.click`, click, "later", "any")),
    ...secrets.elements.flatMap((selector, index) =>
      line(`secrets.elements.${index}`, selector, "page", "any"),
    ),
    ...(["start", "stop"] as const).flatMap((action) => stepsOf(profile, action)),
  ];
}

/** What the first step of an action clicks is in the row already; everything behind it opens with a click. */
function stepsOf(profile: Profile, action: "start" | "stop"): ProfileLine[] {
  const origin = action === "start" ? "stopped" : "running";
  const shown = Object.entries(profile.page.states).flatMap(([text, state]) =>
    state === origin ? [text] : [],
  );
  return profile[action].steps.map(({ in: place, click, text }, index) => ({
    name: `${action}.steps.${index}.click`,
    selector: click,
    inDialog: place === "dialog",
    ...(text === undefined ? {} : { texts: text }),
    ...(index === 0 && place === "row"
      ? { within: "rows" as const, wanted: "one" as const, shown }
      : { within: "later" as const, wanted: "any" as const }),
  }));
}
