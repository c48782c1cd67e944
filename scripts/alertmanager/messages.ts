/** What a person reads: Alertmanager's templates, in English, Chinese or both, with the runbook. */
import type { Language } from "../../services/messenger/src/config/robots.ts";

/** WeCom's application takes 2,048 bytes, and a Chinese character has three. */
const MOST_IN_A_CHAT = 3;

export interface Manner {
  /** Put before a runbook's path. */
  readonly base: string;
  readonly language: Language;
}

/** The template in the wanted language; where an annotation lacks Chinese, as those of others do, its English. */
const WORDS = {
  both: {
    resolved: "[resolved 已恢复] ",
    since: "since 开始于",
    over: "resolved 已恢复",
    more: "alerts together 共 {{ len .Alerts }} 条",
    texts: [
      "{{ .Annotations.summary }}",
      "{{ .Annotations.description }}",
      "{{ .Annotations.summary_zh }}",
      "{{ .Annotations.description_zh }}",
    ],
  },
  en: {
    resolved: "[resolved] ",
    since: "since",
    over: "resolved",
    more: "alerts together",
    texts: ["{{ .Annotations.summary }}", "{{ .Annotations.description }}"],
  },
  zh: {
    resolved: "[已恢复] ",
    since: "开始于",
    over: "已恢复",
    more: "条告警",
    texts: [
      "{{ with .Annotations.summary_zh }}{{ . }}{{ else }}{{ .Annotations.summary }}{{ end }}",
      "{{ with .Annotations.description_zh }}{{ . }}{{ else }}{{ .Annotations.description }}{{ end }}",
    ],
  },
} as const;

export function titleOf(language: Language): string {
  const summary = language === "zh" ? "summary_zh" : "summary";
  return (
    `{{ if eq .Status "firing" }}[{{ .CommonLabels.severity }}] {{ else }}${WORDS[language].resolved}{{ end }}` +
    `{{ with .CommonAnnotations.${summary} }}{{ . }}{{ else }}{{ .GroupLabels.alertname }} ({{ len .Alerts }}){{ end }}`
  );
}

const whenOf = (language: Language) =>
  `{{ if eq .Status "firing" }}${WORDS[language].since} {{ .StartsAt.Format "2006-01-02 15:04:05 MST" }}` +
  `{{ else }}${WORDS[language].over} {{ .EndsAt.Format "2006-01-02 15:04:05 MST" }}{{ end }}`;

const runbook = (base: string) => `${base}{{ .Annotations.runbook_url }}`;
const runbookZh = (base: string) => `${base}{{ reReplaceAll "[.]md$" ".zh-CN.md" .Annotations.runbook_url }}`;

/** One alert in plain text. */
function text({ base, language }: Manner): string {
  const [first, ...rest] = WORDS[language].texts;
  return [
    `{{ if eq .Status "firing" }}[{{ .Labels.severity }}] {{ else }}${WORDS[language].resolved}{{ end }}${first}`,
    ...rest,
    whenOf(language),
    language === "zh" ? runbookZh(base) : runbook(base),
  ].join("\n");
}

/** A message to a chat: the first alerts of a group, and how many more there are. */
export function chatMessage(manner: Manner): string {
  return (
    `{{ range $i, $alert := .Alerts }}{{ if lt $i ${MOST_IN_A_CHAT} }}{{ with $alert }}${text(manner)}\n\n{{ end }}{{ end }}{{ end }}` +
    `{{ if gt (len .Alerts) ${MOST_IN_A_CHAT} }}… {{ len .Alerts }} ${WORDS[manner.language].more}\n{{ end }}`
  );
}

export function emailOf(manner: Manner) {
  const { base, language } = manner;
  const link = (url: string, words: string) =>
    base === "" ? `${words}: <code>${url}</code>` : `<a href="${url}">${words}</a>`;
  const [summary, description, summaryZh, descriptionZh] = WORDS[language].texts;
  const links = {
    both: `${link(runbook(base), "What to do")} · ${link(runbookZh(base), "如何处理")}`,
    en: link(runbook(base), "What to do"),
    zh: link(runbookZh(base), "如何处理"),
  }[language];
  const html = [
    `{{ range .Alerts }}<h3>${summary}</h3><p>${description}</p>`,
    ...(summaryZh === undefined ? [] : [`<h3>${summaryZh}</h3><p>${descriptionZh}</p>`]),
    `<p>{{ .Labels.severity }}, {{ .Labels.alertname }}, ${whenOf(language)}</p>`,
    `<p>${links}</p><hr>{{ end }}`,
  ].join("\n");
  return {
    headers: { Subject: titleOf(language) },
    text: `{{ range .Alerts }}${text(manner)}\n\n{{ end }}`,
    html,
  };
}
