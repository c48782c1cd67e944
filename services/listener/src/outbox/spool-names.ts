/** The names of spool files, of which several listeners may have some in one folder. */

/** What a listener keeps up while it lives: whoever sees it untouched for long takes its owner for dead. */
export const ownName = (id: string) => `listener-spool-${id}.jsonl`;

/** What it has left to whoever runs. */
export const leftName = (id: string) => `listener-spool-${id}.left.jsonl`;

/** What it has taken up from others, until NATS or its own file has it. */
export const takenName = (id: string, serial: number) => `listener-spool-${id}.taken-${serial}.jsonl`;

/** Older versions' names as well: they wrote theirs at a stop and nothing in it said that it was left. */
export const isSpool = (name: string) => /^listener-spool.*\.jsonl$/.test(name);

export const isLeft = (name: string) => name.endsWith(".left.jsonl");

/** What was to take the place of a spool; nothing is in it that is not in the spool as well. */
export const isUnfinished = (name: string) => /^listener-spool.*\.jsonl\.new$/.test(name);
