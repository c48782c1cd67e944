/** What the chart draws, and the same as a table. Pure. */
import type { HistoryPage } from "@gpu-power-manager/shared/history-page";
import { reasonWords } from "@gpu-power-manager/shared/reason-words";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import { dayStart } from "../../policy/periods.ts";
import type { Window } from "../../policy/schedule.ts";
import { type Html, html } from "./html.ts";
import { clockTime, length, type Speech } from "./language.ts";
import { type Span, spansOf, timeIn } from "./running-hours.ts";
import { LOGIN_WORDS, STATE_WORDS } from "./words.ts";

/** Times in milliseconds since 1970. */
export interface Drawn {
  readonly from: number;
  readonly to: number;
  /** Before this there is no history. */
  readonly begins: number;
  readonly zone: string;
  readonly machines: ReadonlyArray<{ readonly id: string; readonly spans: readonly Span[] }>;
  readonly gaps: ReadonlyArray<{ readonly from: number; readonly to: number }>;
  /** While jobs waited for a machine: from the oldest of them until one ran, or until now. */
  readonly waits: ReadonlyArray<{ readonly from: number; readonly to: number; readonly words: string }>;
  /** What the schedules, as the pool file has them now, ask for. */
  readonly windows: ReadonlyArray<{
    readonly from: number;
    readonly to: number;
    readonly keepsOn: boolean;
    readonly words: string;
  }>;
  readonly marks: ReadonlyArray<{
    readonly at: number;
    readonly kind: "start" | "stop" | "failed" | "person" | "login";
    readonly instance: string | null;
    readonly words: string;
  }>;
}

export function timeline(
  known: { readonly entries: HistoryPage["entries"]; readonly begins: number },
  status: Pick<PowerStatus, "instances" | "demand">,
  recent: HistoryPage["entries"],
  { from, to }: { readonly from: number; readonly to: number },
  speech: Speech,
  scheduled: readonly Window[] = [],
): Drawn {
  const { say, zone } = speech;
  const begins = Math.min(Math.max(from, known.begins), to);
  return {
    from,
    to,
    begins,
    zone,
    machines: status.instances.map((each) => ({
      id: each.id,
      spans: spansOf(since(known.entries, begins), each, begins, to),
    })),
    gaps: recent.flatMap(({ entry }) =>
      entry.kind === "gap" && !entry.covered ? [{ from: Math.max(from, entry.from), to: entry.to }] : [],
    ),
    waits: waitsOf(recent, status, { from, to }, say),
    windows: scheduled.map((window) => ({
      from: Math.max(from, window.from),
      to: Math.min(to, window.until),
      keepsOn: window.effect !== "quiet",
      words: `${window.rule} (${window.effect === "quiet" ? say("quiet", "安静时段") : say("kept on", "保持开机")})`,
    })),
    marks: recent
      .flatMap(({ entry }): Drawn["marks"] => {
        if (entry.kind === "intent") {
          const words = reasonWords(entry.reason);
          const action = entry.action === "start" ? say("start", "开机") : say("stop", "关机");
          const said = `${action}: ${say(words.en, words.zh)}`;
          return [{ at: entry.at, kind: entry.action, instance: entry.instance, words: said }];
        }
        if (entry.kind === "outcome" && entry.outcome !== "succeeded") {
          const said = `${entry.action} ${entry.outcome.replaceAll("_", " ")}${entry.message === undefined ? "" : `: ${entry.message}`}`;
          return [{ at: entry.at, kind: "failed", instance: entry.instance, words: said }];
        }
        if (entry.kind === "login") {
          const words = LOGIN_WORDS[entry.event];
          return [{ at: entry.at, kind: "login", instance: null, words: say(words.en, words.zh) }];
        }
        if (entry.kind === "operator") {
          const said = `${entry.actor ?? entry.token}: ${entry.action.replaceAll("_", " ")} (${entry.reason})`;
          return [{ at: entry.at, kind: "person", instance: entry.instance ?? null, words: said }];
        }
        return [];
      })
      .sort((a, b) => a.at - b.at),
  };
}

function waitsOf(
  recent: HistoryPage["entries"],
  { demand }: Pick<PowerStatus, "demand">,
  { from, to }: { readonly from: number; readonly to: number },
  say: Speech["say"],
): Drawn["waits"] {
  const waits = recent.flatMap(({ entry }) =>
    entry.kind === "served"
      ? {
          from: Math.max(from, entry.at - entry.oldestMs),
          to: entry.at,
          words: say(
            entry.jobs === 1 ? "1 job waited" : `${entry.jobs} jobs waited`,
            `${entry.jobs} 个任务等待过`,
          ),
        }
      : [],
  );
  const { waitingJobs: jobs, oldestWaitingAt } = demand;
  if (jobs === 0 || oldestWaitingAt === null) return waits;
  const words = say(jobs === 1 ? "1 job waits" : `${jobs} jobs wait`, `${jobs} 个任务在等待`);
  return [...waits, { from: Math.max(from, Date.parse(oldestWaitingAt)), to, words }];
}

/** The first change after `begins` tells the state before it, so older ones must not. */
function since(entries: HistoryPage["entries"], begins: number): HistoryPage["entries"] {
  return entries.filter(({ entry }) => entry.kind === "state" && entry.at >= begins);
}

/** Newest first, for whoever reads rather than sees; and the hours of each day. */
export function timelineTable(drawn: Drawn, speech: Speech): Html {
  const { say, zone } = speech;
  const at = (time: number) => clockTime(speech, time, drawn.to);
  const rows = [
    ...drawn.machines.flatMap(({ id, spans }) =>
      spans.map(({ state, from, to }) => ({
        from,
        who: id,
        what: say(STATE_WORDS[state].en, STATE_WORDS[state].zh),
        long: length(say, to - from),
      })),
    ),
    ...drawn.gaps.map(({ from, to }) => ({
      from,
      who: say("notices", "通知"),
      what: say("not heard", "听不到"),
      long: length(say, to - from),
    })),
    ...drawn.waits.map(({ from, to, words }) => ({
      from,
      who: say("jobs", "任务"),
      what: words,
      long: length(say, to - from),
    })),
    ...drawn.windows.map(({ from, to, words }) => ({
      from,
      who: say("schedule", "日程"),
      what: words,
      long: length(say, to - from),
    })),
    ...drawn.marks.map(({ at: from, instance, words }) => ({
      from,
      who: instance ?? "",
      what: words,
      long: "",
    })),
  ].sort((a, b) => b.from - a.from);
  const days: Day[] = [];
  for (let start = dayStart(zone, drawn.to); days.length < DAYS; start = dayStart(zone, start - 1)) {
    const end = Math.min(drawn.to, start + 86_400_000);
    const ms = drawn.machines.reduce((sum, { spans }) => sum + timeIn(spans, "running", start, end), 0);
    days.unshift({ start, hours: end <= drawn.begins ? null : ms / 3_600_000 });
  }
  return html`${drawn.to - drawn.from > 86_400_000 ? dayBars(days, speech) : ""}<details class="table"><summary>${say("The same as a table", "以表格显示")}</summary><div class="scroll" tabindex="0" role="region" aria-labelledby="timeline-title"><table><thead><tr><th scope="col">${say("From", "起始")}</th><th scope="col">${say("Who", "对象")}</th><th scope="col">${say("What", "内容")}</th><th scope="col">${say("How long", "时长")}</th></tr></thead><tbody>${rows.map(
    ({ from, who, what, long }) =>
      html`<tr><td>${at(from)}</td><td>${who}</td><td>${what}</td><td>${long}</td></tr>`,
  )}</tbody></table></div></details>`;
}

/** A week of days, of which the first may lie partly before what is drawn. */
const DAYS = 7;

interface Day {
  /** Milliseconds since 1970. */
  readonly start: number;
  /** Null before history begins. */
  readonly hours: number | null;
}

const BAR = { width: 44, gap: 16, height: 96 } as const;

function dayBars(days: readonly Day[], { say, zone, language }: Speech): Html {
  const most = Math.max(1, ...days.map(({ hours }) => hours ?? 0));
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  const day = new Intl.DateTimeFormat(locale, { timeZone: zone, weekday: "short" });
  const width = days.length * (BAR.width + BAR.gap);
  const said = (hours: number | null) => (hours === null ? "–" : hours.toFixed(1));
  const label = days.map(({ start, hours }) => `${day.format(start)}: ${said(hours)}`).join(", ");
  const bars = days.map(({ start, hours }, index) => {
    const x = index * (BAR.width + BAR.gap) + BAR.gap / 2;
    const middle = x + BAR.width / 2;
    const tall = Math.max(2, ((hours ?? 0) / most) * BAR.height);
    const top = (BAR.height - tall + 20).toFixed(1);
    return html`<rect class="${(hours ?? 0) > 0 ? "ran" : "none"}" x="${x}" y="${top}" width="${BAR.width}" height="${tall.toFixed(1)}" rx="4"/><text x="${middle}" y="${Number(top) - 6}">${said(hours)}</text><text class="day" x="${middle}" y="${BAR.height + 38}">${day.format(start)}</text>`;
  });
  return html`<h3>${say("Hours a day (– is unknown)", "每日时长，单位小时（– 表示未知）")}</h3><svg class="bars" width="${width}" height="${BAR.height + 44}" viewBox="0 0 ${width} ${BAR.height + 44}" role="img" aria-label="${label}">${bars}</svg>`;
}
