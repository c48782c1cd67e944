import { z } from "zod";

/**
 * Every state the stand-in can show; the first five are the ones seen at the provider, the others exist there. The
 * empty one says that the provider could not tell.
 */
export const machineState = z.enum([
  "Initializing",
  "Starting",
  "Running",
  "Stopping",
  "Stopped",
  "Install Fail",
  "Rebooting",
  "Resizing",
  "Pending",
  "Reinstalling",
  "",
]);
export type MachineState = z.infer<typeof machineState>;

/** What never changes about a rented machine, in the field names of the provider's own answers. */
export const machineSpec = z.strictObject({
  UHostId: z.string().min(1),
  Name: z.string().min(1).default("gpu"),
  Zone: z.string().min(1).default("cn-wlcb-01"),
  Region: z.string().min(1).default("cn-wlcb"),
  BasicImageId: z.string().min(1).default("compshareImage-ubuntu2204"),
  GpuType: z.string().min(1).default("4090"),
  GPU: z.int().min(1).default(1),
  MachineType: z.string().min(1).default("G"),
  ChargeType: z.string().min(1).default("Postpay"),
  /** The state the machine is in when the stand-in starts. */
  State: machineState.default("Stopped"),
});
export type MachineSpec = z.infer<typeof machineSpec>;
export type MachineSpecInput = z.input<typeof machineSpec>;

export const machineSpecs = z
  .array(machineSpec)
  .min(1)
  .refine((specs) => new Set(specs.map((spec) => spec.UHostId)).size === specs.length, {
    error: "two machines have the same UHostId; give each its own",
  });

/** Three machines in three zones, so that one zone being sold out leaves somewhere to go. */
export const DEFAULT_MACHINES: readonly MachineSpecInput[] = [
  { UHostId: "uhost-1qr8k2vt0a7m", Name: "推理-主机-01", Zone: "cn-wlcb-01", Region: "cn-wlcb" },
  {
    UHostId: "uhost-1qr8k5xw3d9p",
    Name: "推理-备机-02",
    Zone: "cn-sh2-02",
    Region: "cn-sh2",
    BasicImageId: "compshareImage-pytorch25",
  },
  {
    UHostId: "uhost-1qr8k9zc6f4s",
    Name: "训练-备机-03",
    Zone: "cn-bj2-05",
    Region: "cn-bj2",
    GpuType: "A100",
    GPU: 2,
  },
];

/** Belongs to somebody else in the same account; listed (first) only under the fault `otherMachineFirst`. */
export const STRANGER: MachineSpecInput = {
  UHostId: "uhost-0stranger000",
  Name: "同事的机器-请勿操作",
  Zone: "cn-wlcb-01",
  Region: "cn-wlcb",
};
