import { z } from "zod";

const percent = z.number().min(0).max(100);
const price = z.number().nonnegative();

/** What the provider tells of a machine beside its state. */
export const facts = z.strictObject({
  /** How much of each GPU computes, in percent; null: the provider has no figures. */
  gpuUsage: z.array(percent).nullable(),
  cpuUsage: percent,
  memoryUsage: percent,
  /** Per hour: while it runs, of its image, and of its disk, which costs on while it is off. */
  instancePrice: price,
  imagePrice: price,
  diskPrice: price,
  /** A stopped machine is deleted so long after it stopped; null: never. */
  releaseAfterMs: z.number().positive().nullable(),
  /** Of a prepaid machine, in Unix seconds; null where it is paid by use. */
  expireTime: z.int().positive().nullable(),
  autoRenew: z.boolean(),
  /** It runs on this small specification without a GPU, whatever it was started with. */
  withoutGpu: z.enum(["A", "B"]).nullable(),
});
export type Facts = z.infer<typeof facts>;

const DAY_MS = 24 * 3_600_000;

/** An idle machine that is paid by use. */
export const ORDINARY: Facts = {
  gpuUsage: [0],
  cpuUsage: 1.5,
  memoryUsage: 4,
  instancePrice: 1.98,
  imagePrice: 0,
  diskPrice: 0.02,
  releaseAfterMs: 15 * DAY_MS,
  expireTime: null,
  autoRenew: false,
  withoutGpu: null,
};
