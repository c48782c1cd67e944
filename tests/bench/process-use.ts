/** What a tree of processes costs, read from Linux's /proc. */
import { readdir, readFile } from "node:fs/promises";

/** Linux counts CPU time in ticks; every architecture that Node runs on has a hundred a second. */
const TICKS_PER_SECOND = 100;

/** One process at one moment. */
interface Sighting {
  readonly kind: string;
  readonly pssBytes: number;
  readonly rssBytes: number;
  readonly cpuSeconds: number;
}

/** Every process of a tree at one moment, by pid. */
export type TreeUse = ReadonlyMap<number, Sighting>;

export interface ProcessUse {
  readonly pssBytes: number;
  /** Share of one core. */
  readonly cpu: number;
}

/** The process and everything below it. A process that ends meanwhile is left out. */
export async function treeUse(root: number): Promise<TreeUse> {
  const children = await childrenByParent();
  const use = new Map<number, Sighting>();
  const left = [root];
  for (let pid = left.pop(); pid !== undefined; pid = left.pop()) {
    left.push(...(children.get(pid) ?? []));
    const sighting = await look(pid, pid === root);
    if (sighting !== undefined) use.set(pid, sighting);
  }
  return use;
}

/** Mean memory over the samples; CPU between the first and the last. The first process is the service itself. */
export function useBetween(samples: readonly TreeUse[], seconds: number) {
  const cpuOf = new Map<number, { kind: string; seconds: number }>();
  const pssOf = new Map<string, number>();
  let rssBytes = 0;
  const [first] = samples;
  for (const sample of samples) {
    for (const [pid, { kind, pssBytes, rssBytes: rss, cpuSeconds }] of sample) {
      pssOf.set(kind, (pssOf.get(kind) ?? 0) + pssBytes / samples.length);
      if (kind === SERVICE) rssBytes += rss / samples.length;
      cpuOf.set(pid, { kind, seconds: cpuSeconds - (first?.get(pid)?.cpuSeconds ?? 0) });
    }
  }
  const processes: Record<string, ProcessUse> = {};
  for (const [kind, pssBytes] of pssOf) {
    const spent = [...cpuOf.values()].filter((each) => each.kind === kind);
    processes[kind] = { pssBytes, cpu: spent.reduce((sum, each) => sum + each.seconds, 0) / seconds };
  }
  const all = Object.values(processes);
  return {
    pssBytes: all.reduce((sum, each) => sum + each.pssBytes, 0),
    rssBytes,
    cpu: all.reduce((sum, each) => sum + each.cpu, 0),
    processes,
  };
}

const SERVICE = "node";

async function childrenByParent(): Promise<Map<number, number[]>> {
  const children = new Map<number, number[]>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    const parent = Number(fieldsOf(stat)[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  return children;
}

/** The fields of /proc/<pid>/stat from the third on: the second, the name, may hold anything. */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

async function look(pid: number, isRoot: boolean): Promise<Sighting | undefined> {
  try {
    const [stat, rollup, commandLine] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/smaps_rollup`, "utf8"),
      readFile(`/proc/${pid}/cmdline`, "utf8"),
    ]);
    const fields = fieldsOf(stat);
    return {
      kind: isRoot ? SERVICE : kindOf(commandLine),
      pssBytes: kilobytes(rollup, "Pss"),
      rssBytes: kilobytes(rollup, "Rss"),
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    };
  } catch {
    return undefined;
  }
}

/** Chromium names its processes: `--type=renderer`, `--utility-sub-type=network.mojom.NetworkService`. */
function kindOf(commandLine: string): string {
  const text = commandLine.replaceAll("\0", " ");
  const utility = /--utility-sub-type=([\w-]+)/.exec(text)?.[1];
  const named = utility ?? /--type=([\w-]+)/.exec(text)?.[1];
  // The distribution's Chromium is a shell script that waits for the program.
  return named ?? (/chrom/i.test(text) && !text.startsWith("/bin/sh") ? "browser" : "other");
}

function kilobytes(rollup: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1] ?? 0) * 1024;
}
