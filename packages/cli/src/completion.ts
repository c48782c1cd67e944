/** Shell completion, made from the commands themselves. */
import type { Command } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

interface Word {
  readonly name: string;
  readonly help: string;
}

const wordsOf = (command: Command): Word[] => [
  ...command.commands.map((each) => ({ name: each.name(), help: each.summary() || each.description() })),
  ...command.options.flatMap(({ long, description }) =>
    long === undefined || long === null ? [] : [{ name: long, help: description }],
  ),
];

/** The script that a shell reads; `source <(gpuctl completion bash)`. */
export function completionScript(program: Command, shell: Shell): string {
  const top = wordsOf(program);
  const below = program.commands.map((command) => ({ name: command.name(), words: wordsOf(command) }));
  if (shell === "fish") {
    const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
    return [
      "complete -c gpuctl -f",
      ...top.map(({ name, help }) =>
        name.startsWith("--")
          ? `complete -c gpuctl -l ${name.slice(2)} -d ${quote(help)}`
          : `complete -c gpuctl -n __fish_use_subcommand -a ${name} -d ${quote(help)}`,
      ),
      ...below.flatMap(({ name, words }) =>
        words.map((word) =>
          word.name.startsWith("--")
            ? `complete -c gpuctl -n '__fish_seen_subcommand_from ${name}' -l ${word.name.slice(2)} -d ${quote(word.help)}`
            : `complete -c gpuctl -n '__fish_seen_subcommand_from ${name}' -a ${word.name} -d ${quote(word.help)}`,
        ),
      ),
    ].join("\n");
  }
  const cases = below.map(
    ({ name, words }) => `    ${name}) words="${words.map((word) => word.name).join(" ")}" ;;`,
  );
  const body = [
    "_gpuctl() {",
    `  local words="${top.map(({ name }) => name).join(" ")}"`,
    "  local each",
    `  for each in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do case "$each" in`,
    ...cases,
    "  esac; done",
    `  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))`,
    "}",
    "complete -o default -F _gpuctl gpuctl",
  ];
  // zsh runs bash's completions.
  const before = shell === "zsh" ? ["autoload -U +X bashcompinit && bashcompinit"] : [];
  return [...before, ...body].join("\n");
}
