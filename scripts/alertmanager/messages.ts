/** What a person reads: Alertmanager's templates, in English and Chinese, with the runbook. */

/** WeCom takes 2,048 bytes, and a Chinese character has three. */
const MOST_IN_A_CHAT = 3;

const TITLE =
  '{{ if eq .Status "firing" }}[{{ .CommonLabels.severity }}] {{ else }}[resolved 已恢复] {{ end }}' +
  "{{ with .CommonAnnotations.summary }}{{ . }}{{ else }}{{ .GroupLabels.alertname }} ({{ len .Alerts }}){{ end }}";

const WHEN =
  '{{ if eq .Status "firing" }}since 开始于 {{ .StartsAt.Format "2006-01-02 15:04:05 MST" }}' +
  '{{ else }}resolved 已恢复 {{ .EndsAt.Format "2006-01-02 15:04:05 MST" }}{{ end }}';

const runbook = (base: string) => `${base}{{ .Annotations.runbook_url }}`;
const runbookZh = (base: string) => `${base}{{ reReplaceAll "[.]md$" ".zh-CN.md" .Annotations.runbook_url }}`;

/** One alert in plain text. */
const text = (base: string) =>
  [
    '{{ if eq .Status "firing" }}[{{ .Labels.severity }}] {{ else }}[resolved 已恢复] {{ end }}{{ .Annotations.summary }}',
    "{{ .Annotations.description }}",
    "{{ .Annotations.summary_zh }}",
    "{{ .Annotations.description_zh }}",
    WHEN,
    runbook(base),
  ].join("\n");

/** A message to a chat: the first alerts of a group, and how many more there are. */
export function chatMessage(base: string): string {
  return (
    `{{ range $i, $alert := .Alerts }}{{ if lt $i ${MOST_IN_A_CHAT} }}{{ with $alert }}${text(base)}\n\n{{ end }}{{ end }}{{ end }}` +
    `{{ if gt (len .Alerts) ${MOST_IN_A_CHAT} }}… {{ len .Alerts }} alerts together 共 {{ len .Alerts }} 条\n{{ end }}`
  );
}

export function emailOf(base: string) {
  const link = (url: string, words: string) =>
    base === "" ? `${words}: <code>${url}</code>` : `<a href="${url}">${words}</a>`;
  const html = [
    "{{ range .Alerts }}<h3>{{ .Annotations.summary }}</h3><p>{{ .Annotations.description }}</p>",
    "<h3>{{ .Annotations.summary_zh }}</h3><p>{{ .Annotations.description_zh }}</p>",
    `<p>{{ .Labels.severity }}, {{ .Labels.alertname }}, ${WHEN}</p>`,
    `<p>${link(runbook(base), "What to do")} · ${link(runbookZh(base), "如何处理")}</p><hr>{{ end }}`,
  ].join("\n");
  return { headers: { Subject: TITLE }, text: `{{ range .Alerts }}${text(base)}\n\n{{ end }}`, html };
}
