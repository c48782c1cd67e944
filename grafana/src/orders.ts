/** What people, and programs in their name, want of the pool: holds and needs. */
import { HOLD_MODES } from "@gpu-power-manager/shared/holds-and-needs";
import * as units from "@grafana/grafana-foundation-sdk/units";
import type { Row } from "./dashboard.ts";
import { lines, stripes } from "./panels.ts";
import { over, POOL } from "./queries.ts";
import { COLOUR, type Word, words } from "./states.ts";

const MODE_WORDS: Readonly<Record<(typeof HOLD_MODES)[number], Word>> = {
  as_is: { text: "left as it is", colour: COLOUR.warn },
  on: { text: "kept on", colour: COLOUR.good },
  off: { text: "kept off", colour: COLOUR.off },
};
/** 0 where no order is in force; nothing where power says nothing. */
const HOLD = `sum by (pool) (${HOLD_MODES.map((mode, index) => `${index + 1} * gpu_power_hold{${POOL},mode="${mode}"}`).join(" or ")})`;

export const orders: Row = {
  title: "Orders",
  panels: [
    stripes({
      title: "Operator's hold",
      zh: "运维指令随时间的变化：没有指令时由 power 自行决定；保持现状时既不启动也不停止。空白表示当时没有数据。",
      span: 8,
      height: 7,
      mappings: words([
        { text: "power decides", colour: COLOUR.busy },
        ...HOLD_MODES.map((mode) => MODE_WORDS[mode]),
      ]),
      targets: [over(HOLD, "{{pool}}")],
    }),
    stripes({
      title: "Schedules",
      zh: "policy.schedules 中各条规则的生效时间：keep_on 保持开机，quiet 为安静时段。",
      span: 8,
      height: 7,
      mappings: words([
        { text: "not in force", colour: COLOUR.off },
        { text: "in force", colour: COLOUR.good },
      ]),
      targets: [over(`max by (rule, effect) (gpu_power_schedule{${POOL}})`, "{{rule}} ({{effect}})")],
    }),
    lines({
      title: "Needs",
      zh: "当前有效的需求数（gpuctl need、gpuctl run 或经 API 声明）；大于 0 时 GPU 会启动并保持运行。",
      span: 8,
      unit: units.NoUnit,
      targets: [over(`max by (pool) (gpu_power_needs{${POOL}})`, "{{pool}}")],
    }),
  ],
};
