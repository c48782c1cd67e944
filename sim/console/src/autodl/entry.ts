/** One machine as AutoDL's list tells it; field names are facts, see the README. */
import { facts, ORDINARY } from "../facts.ts";
import type { Fleet } from "../fleet.ts";
import { loginFactsOf } from "../login-facts.ts";
import type { MachineState } from "../machine-spec.ts";
import type { Machine } from "../machines.ts";

/** GPUs of each host. */
const HOST_GPUS = 8;

/** The first four words, and that of a start that failed, are facts; the others are this stand-in's own. */
const WORDS: Readonly<Record<MachineState, string>> = {
  Stopped: "shutdown",
  Starting: "starting",
  Initializing: "starting",
  Running: "running",
  Stopping: "stopping",
  "Install Fail": "shutdown_by_starting_error",
  Rebooting: "rebooting",
  Resizing: "resizing",
  Pending: "pending",
  Reinstalling: "reinstalling",
  "": "",
};

const time = (ms: number) => new Date(ms).toISOString();

export function entryOf(machine: Machine, { faults }: Fleet) {
  const { spec, sinceMs, withoutGpu } = machine;
  const told = facts.parse({ ...ORDINARY, withoutGpu, ...faults.facts[spec.UHostId] });
  const state = faults.apiDisagrees[spec.UHostId] ?? machine.state;
  const { Password, SshLoginCommand } = loginFactsOf(spec.UHostId);
  return {
    uuid: spec.UHostId,
    name: spec.Name,
    machine_alias: `${spec.Zone}-host`,
    machine_id: `${spec.Zone}-${spec.Region}`,
    region_name: spec.Region,
    status: WORDS[state],
    // Kept from the last start also while the machine is off.
    start_mode: told.withoutGpu === null ? "gpu" : "non_gpu",
    req_gpu_amount: spec.GPU,
    gpu_idle_num: faults.soldOut.includes(spec.UHostId) ? 0 : HOST_GPUS / 2,
    gpu_all_num: HOST_GPUS,
    charge_type: "payg",
    stopped_at: { Time: time(state === "Stopped" ? sinceMs : 0), Valid: state === "Stopped" },
    ssh_command: SshLoginCommand,
    root_password: Password,
  };
}
