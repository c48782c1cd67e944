/** `make demo-fault`: lists the faults, injects one into the running demo, or mends all. */
import { describeError } from "@gpu-power-manager/shared/errors";
import { type Controls, DEMO_TIMES_QUICKER, FAULTS, type Fault, faultNamed, mendAll } from "./faults.ts";

const CONTROLS: Controls = {
  console: process.env.CONSOLE_CONTROL ?? "http://127.0.0.1:18082",
  gateway: process.env.GATEWAY_CONTROL ?? "http://127.0.0.1:18072",
};

const seconds = (fault: Fault, quicker: number) =>
  `${Math.ceil(fault.ruleSeconds / quicker + fault.noticedSeconds)} s`;

function list(): void {
  const rows = FAULTS.map((fault) => [
    fault.name,
    fault.alert,
    seconds(fault, DEMO_TIMES_QUICKER),
    seconds(fault, 1),
    fault.does,
  ]);
  const table = [
    ["FAULT", "alert", "make demo", "make up", "what it does"],
    ...rows,
    ["none", "", "", "", "mends all"],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
  for (const row of table)
    console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  console.log(
    `\nInject one with: make demo-fault FAULT=sold-out\nThe times are about how long until its alert fires: in \`make demo\`, whose rules are ${DEMO_TIMES_QUICKER} times quicker, and in the demo of \`make up\`.`,
  );
}

async function main(name: string): Promise<number> {
  if (name === "") {
    list();
    return 0;
  }
  const fault = faultNamed(name);
  if (fault === undefined && name !== "none") {
    list();
    console.error(`\nThere is no fault "${name}"; the list is above.`);
    return 1;
  }
  try {
    if (fault === undefined) {
      await mendAll(CONTROLS);
      console.log("Everything is well again; alerts end when their rules see it.");
    } else {
      console.log(`Injecting: ${fault.does}.`);
      await fault.inject(CONTROLS);
      console.log(`Done. ${fault.alert} fires ${seconds(fault, DEMO_TIMES_QUICKER)} after the fault or sooner in \`make demo\` (${seconds(fault, 1)} in that of \`make up\`). The demo tells
of it, Prometheus lists it under /alerts, and docs/runbooks/${fault.alert}.md says what a person would do. Mend it with: make demo-fault FAULT=none`);
    }
    return 0;
  } catch (error) {
    console.error(
      `The demo's stand-ins do not answer at ${CONTROLS.gateway} and ${CONTROLS.console}: start it with \`make demo\` (or \`make up\`), and wait until the first story is told. (${describeError(error)})`,
    );
    return 1;
  }
}

process.exitCode = await main(process.env.FAULT ?? "");
