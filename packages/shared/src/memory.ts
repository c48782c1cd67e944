/** How much memory the container around this process uses, and how much it may: past its limit it is killed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** In bytes; the limit is null where none is set. */
export const Memory = z.object({ usedBytes: z.int(), limitBytes: z.int().nullable() });
export type Memory = z.infer<typeof Memory>;

/** Where a container sees its own control group (cgroup v2); a host's own root group has no such files. */
const GROUP = "/sys/fs/cgroup";

/**
 * What the kernel counts towards the limit and cannot give back at once: all but the cached files that nobody uses.
 * Undefined where the process is not in a control group of its own.
 */
export function readMemory(group = GROUP): Memory | undefined {
  try {
    const read = (name: string) => readFileSync(join(group, name), "utf8");
    const limit = read("memory.max").trim();
    const idle = /^inactive_file (\d+)$/m.exec(read("memory.stat"))?.[1] ?? "0";
    return Memory.parse({
      usedBytes: Math.max(0, Number(read("memory.current")) - Number(idle)),
      limitBytes: limit === "max" ? null : Number(limit),
    });
  } catch {
    return undefined;
  }
}
