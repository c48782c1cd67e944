/**
 * Who is who after the pool file has changed: which machines it lists, and which it forgets although they are on. Pure.
 * A machine is the one with its provider's id; its name may change, and may be given to another.
 */
import type { Instance } from "./pool.ts";

/** A machine of which something is known. */
export interface Known {
  readonly id: string;
  readonly providerId: string;
  /** It is on, or on its way, or something is under way on it. */
  readonly on: boolean;
}

export interface Roster<K> {
  /** As in the pool file; `known` is undefined for a machine of which nothing is known. */
  readonly listed: ReadonlyArray<{ readonly instance: Instance; readonly known: K | undefined }>;
  /** On, and not in the pool file any more; `id` is its name from now on. */
  readonly forgotten: ReadonlyArray<{ readonly known: K; readonly id: string }>;
}

const MAX_NAME = 64;

export function rosterOf<K extends Known>(instances: readonly Instance[], known: readonly K[]): Roster<K> {
  const listed = instances.map((instance) => {
    const same = known.filter(({ providerId }) => providerId === instance.providerId);
    // After a change of names there may be an older record of it under the name before.
    return { instance, known: same.find(({ id }) => id === instance.id) ?? same[0] };
  });
  const names = new Set(instances.map(({ id }) => id));
  const machines = new Set(instances.map(({ providerId }) => providerId));
  const forgotten = known
    .filter(({ providerId, on }) => on && !machines.has(providerId))
    .map((each) => ({ known: each, id: names.has(each.id) ? nameBeside(each, names) : each.id }));
  return { listed, forgotten };
}

/** A name for a machine whose own was given to another: a token of subjects and keys, too. */
function nameBeside({ id, providerId }: Known, taken: ReadonlySet<string>): string {
  let name = `${id}_${providerId.replaceAll(/[^\w-]/g, "-")}`.slice(0, MAX_NAME);
  while (taken.has(name)) name = `${name.slice(0, MAX_NAME - 1)}_`;
  return name;
}
