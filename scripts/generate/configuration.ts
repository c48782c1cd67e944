/** The configuration tables of the README, from the very schemas that read the environment. */
import { describeEnv } from "@gpu-power-manager/shared/env";
import { ListenerEnv } from "../../services/listener/src/config/environment.ts";
import { PowerEnv } from "../../services/power/src/config/environment.ts";
import { CHINESE } from "./configuration-zh.ts";
import { composeEnvironments, passes } from "./env-example.ts";

const WORDS = {
  en: {
    head: "| variable | default | meaning |",
    required: "required",
    fixed: (names: string) =>
      `In containers each of these is a line of \`.env\`, as [.env.example](.env.example) shows; secrets are files in \`secrets/\`. The compose file itself gives ${names}.`,
  },
  zh: {
    head: "| 变量 | 默认值 | 含义 |",
    required: "必填",
    fixed: (names: string) =>
      `在容器中，每一项都可以写成 \`.env\` 中的一行，见 [.env.example](.env.example)；机密是 \`secrets/\` 中的文件。由 compose 文件自己给定的是 ${names}。`,
  },
};

function table(schema: Parameters<typeof describeEnv>[0], language: "en" | "zh"): string {
  const words = WORDS[language];
  const rows = describeEnv(schema).map(({ name, secret, fallback, description }) => {
    const meaning = language === "en" ? description : CHINESE[name];
    if (meaning === undefined || meaning === "") {
      throw new Error(
        `${name} has no description in "${language}": add it (Chinese: scripts/generate/configuration-zh.ts).`,
      );
    }
    const shown = secret ? `\`${name}\`, \`${name}_FILE\`` : `\`${name}\``;
    const value = fallback === "required" ? words.required : fallback === "" ? "" : `\`${fallback}\``;
    return `| ${shown} | ${value} | ${meaning.replaceAll("|", "\\|")} |`;
  });
  return [words.head, "| --- | --- | --- |", ...rows].join("\n");
}

/** What a line of `.env` does not change in containers, as code words. */
function fixedInContainers(language: "en" | "zh"): string {
  const given = composeEnvironments();
  const names = [
    ...describeEnv(ListenerEnv).filter(({ name, secret }) => !secret && !passes(name, given.listener[name])),
    ...describeEnv(PowerEnv).filter(({ name, secret }) => !secret && !passes(name, given.power[name])),
  ].map(({ name }) => `\`${name}\``);
  return [...new Set(names)].sort().join(language === "en" ? ", " : "、");
}

export function configurationTable(language: "en" | "zh"): string {
  return [
    `**listener**\n\n${table(ListenerEnv, language)}`,
    `**power**\n\n${table(PowerEnv, language)}`,
    WORDS[language].fixed(fixedInContainers(language)),
  ].join("\n\n");
}
