/** What stands at a path of fields in an answer of the provider. Pure. */
import { z } from "zod";

const Fields = z.record(z.string(), z.unknown());
const List = z.array(z.unknown());

/** The values at a path of fields, through each element of a list where it says `[]`. */
export function valuesAt(answer: unknown, path: string): unknown[] {
  let values = [answer];
  for (const step of path.split(".")) {
    const name = step.replace(/\[\]$/, "");
    values = values.flatMap((value) => {
      const fields = Fields.safeParse(value).data;
      // Not what an object happens to inherit.
      if (fields === undefined || !Object.hasOwn(fields, name)) return [];
      const found = fields[name];
      if (found === undefined) return [];
      return step.endsWith("[]") ? (List.safeParse(found).data ?? []) : [found];
    });
  }
  return values;
}

/** The one value at a path; undefined where there is none, or several. */
export function valueAt(answer: unknown, path: string): unknown {
  const values = valuesAt(answer, path);
  return values.length === 1 ? values[0] : undefined;
}
