/** The configuration tables of the README, from the very schemas that read the environment. */
import { describeEnv } from "@gpu-power-manager/shared/env";
import { ListenerEnv } from "../../services/listener/src/config/environment.ts";
import { PowerEnv } from "../../services/power/src/config/environment.ts";
import { CHINESE } from "./configuration-zh.ts";

const WORDS = {
  en: {
    head: "| variable | default | meaning |",
    required: "required",
    listener: "listener",
    power: "power",
  },
  zh: { head: "| 变量 | 默认值 | 含义 |", required: "必填", listener: "listener", power: "power" },
};

function table(schema: Parameters<typeof describeEnv>[0], language: "en" | "zh"): string {
  const words = WORDS[language];
  const rows = describeEnv(schema).map(({ name, fallback, description }) => {
    const variable = name.split(" ")[0] ?? name;
    const meaning = language === "en" ? description : CHINESE[variable];
    if (meaning === undefined || meaning === "") {
      throw new Error(
        `${variable} has no description in "${language}": add it (Chinese: scripts/generate/configuration-zh.ts).`,
      );
    }
    const shown = name === variable ? `\`${variable}\`` : `\`${variable}\`, \`${variable}_FILE\``;
    const value = fallback === "required" ? words.required : fallback === "" ? "" : `\`${fallback}\``;
    return `| ${shown} | ${value} | ${meaning.replaceAll("|", "\\|")} |`;
  });
  return [words.head, "| --- | --- | --- |", ...rows].join("\n");
}

export function configurationTable(language: "en" | "zh"): string {
  return `**listener**\n\n${table(ListenerEnv, language)}\n\n**power**\n\n${table(PowerEnv, language)}`;
}
