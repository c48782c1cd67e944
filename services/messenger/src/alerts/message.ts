/** A group of alerts as people read it: what, since when, which machine, what to do next. Pure. */
import type { Language } from "../config/robots.ts";
import type { Alert, Notification } from "./notification.ts";

export const SEVERITIES = ["critical", "warning", "none", "resolved"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** One alert's part: its lines, in the chosen languages. */
export interface Part {
  readonly summary: readonly string[];
  readonly description: readonly string[];
  /** Machine and time. */
  readonly facts: string;
}
export interface Message {
  readonly severity: Severity;
  /** One line without marks, for lists and notifications. */
  readonly title: string;
  readonly parts: readonly Part[];
  /** Alerts that are in no part. */
  readonly more: number;
  /** The runbook's own steps; empty where it is over, or where none are known. */
  readonly steps: readonly string[];
  /** Address or path, and the word before it. */
  readonly runbook: { readonly label: string; readonly at: string } | undefined;
  readonly words: Words;
}
export interface Manner {
  readonly language: Language;
  readonly timeZone: string;
  readonly runbookBase: string;
  /** The steps under "How to mend it" of an alert's runbook; undefined where it cannot be read. */
  readonly stepsOf: (alertname: string, language: "en" | "zh") => readonly string[] | undefined;
}

const WORDS = {
  en: {
    critical: "critical",
    warning: "warning",
    none: "note",
    resolved: "resolved",
    machine: "machine",
    pool: "pool",
    since: "since",
    until: "over since",
    unknown: "unknown",
    todo: "What to do",
    runbook: "Runbook",
    more: (count: number) => `… and ${count} more`,
  },
  zh: {
    critical: "严重",
    warning: "警告",
    none: "提示",
    resolved: "已恢复",
    machine: "机器",
    pool: "资源池",
    since: "开始于",
    until: "恢复于",
    unknown: "未知",
    todo: "如何处理",
    runbook: "处理手册",
    more: (count: number) => `… 另有 ${count} 条`,
  },
} as const;
type One = {
  readonly [K in keyof (typeof WORDS)["en"]]: K extends "more" ? (count: number) => string : string;
};
export type Words = One;

const both = (name: Exclude<keyof One, "more">) => `${WORDS.en[name]} ${WORDS.zh[name]}`;

export function wordsOf(language: Language): Words {
  if (language !== "both") return WORDS[language];
  const { en, zh } = WORDS;
  return {
    critical: both("critical"),
    warning: both("warning"),
    none: both("none"),
    resolved: both("resolved"),
    machine: both("machine"),
    pool: both("pool"),
    since: both("since"),
    until: both("until"),
    unknown: both("unknown"),
    todo: both("todo"),
    runbook: both("runbook"),
    more: (count) => `${en.more(count)} ${zh.more(count)}`,
  };
}

/** `2026-01-01 18:00:00 GMT+8`: readable in every language, and sortable. */
export function tellTime(at: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  }).formatToParts(at);
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")} ${of("hour")}:${of("minute")}:${of("second")} ${of("timeZoneName")}`;
}

/** In the languages that were asked for; where an annotation lacks one, the other. */
function inLanguages(annotations: Alert["annotations"], name: string, language: Language): string[] {
  const en = annotations[name];
  const zh = annotations[`${name}_zh`];
  const wanted = { both: [en, zh], en: [en ?? zh], zh: [zh ?? en] }[language];
  return wanted.filter((text) => text !== undefined && text !== "").filter((text) => text !== undefined);
}

function factsOf({ status, labels, startsAt, endsAt }: Alert, words: Words, timeZone: string): string {
  const at = (time: number | undefined) => (time === undefined ? words.unknown : tellTime(time, timeZone));
  const { instance, pool } = labels;
  return [
    ...(instance === undefined ? [] : [`${words.machine}: ${instance}`]),
    ...(pool === undefined ? [] : [`${words.pool}: ${pool}`]),
    `${words.since}: ${at(startsAt)}`,
    ...(status === "resolved" ? [`${words.until}: ${at(endsAt)}`] : []),
  ].join(" · ");
}

function severityOf({ status, alerts }: Notification): Severity {
  if (status === "resolved") return "resolved";
  const named = alerts.map(({ labels }) => labels.severity);
  return SEVERITIES.find((each) => named.includes(each)) ?? "none";
}

/** What a robot is to say about a group; its length is not looked at here. */
export function messageOf(notification: Notification, manner: Manner): Message {
  const { language, timeZone, runbookBase, stepsOf } = manner;
  const { alerts, truncatedAlerts } = notification;
  const words = wordsOf(language);
  const severity = severityOf(notification);
  const parts = alerts.map((alert) => ({
    summary: inLanguages(alert.annotations, "summary", language),
    description: inLanguages(alert.annotations, "description", language),
    facts: factsOf(alert, words, timeZone),
  }));
  const [first] = alerts;
  const name = first?.labels.alertname ?? "";
  const path = first?.annotations.runbook_url;
  const spoken = language === "en" ? "en" : "zh";
  const local = path !== undefined && spoken === "zh" ? path.replace(/\.md$/, ".zh-CN.md") : path;
  const [summary = name, ...rest] = parts[0]?.summary ?? [];
  const count = alerts.length + truncatedAlerts;
  return {
    severity,
    title: `[${words[severity]}] ${count === 1 ? summary : `${name} (${count})`}`,
    // Of one alert the title has said the first line.
    parts: count === 1 ? parts.map((part) => ({ ...part, summary: rest })) : parts,
    more: truncatedAlerts,
    // Nothing is to be done about what is over.
    steps: severity === "resolved" ? [] : (stepsOf(name, spoken) ?? []),
    runbook: local === undefined ? undefined : { label: words.runbook, at: `${runbookBase}${local}` },
    words,
  };
}

/** A message with fewer words each: without steps, then ever fewer alerts. The last is the least that says what it is. */
export function* shorter(message: Message): Generator<Message> {
  yield message;
  yield { ...message, steps: [] };
  for (let kept = message.parts.length - 1; kept > 0; kept = Math.floor(kept / 2)) {
    const parts = message.parts.slice(0, kept);
    yield { ...message, steps: [], parts, more: message.more + message.parts.length - kept };
  }
  const bare = message.parts.slice(0, 1).map((part) => ({ ...part, description: [] }));
  yield { ...message, steps: [], parts: bare, more: message.more + Math.max(0, message.parts.length - 1) };
}

/** Cuts at a letter's border, so that the text has at most so many bytes in UTF-8. */
export function cutToBytes(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  const end = "…";
  let kept = "";
  let bytes = Buffer.byteLength(end);
  for (const letter of text) {
    bytes += Buffer.byteLength(letter);
    if (bytes > most) break;
    kept += letter;
  }
  return `${kept}${end}`;
}
