/** Draws the time line: a lane for each machine, gaps across them, marks for starts, stops and people. */
import uPlot from "./uplot.js";


const LANE_PX = 52;
const AXIS_PX = 30;
const colour = (name        ) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const COLOURS = {
  running: "on",
  starting: "busy",
  stopping: "busy",
  stopped: "off",
  unknown: "doubt",
}         ;
const MARKS = { start: "▲", stop: "▼", failed: "✕", person: "●", login: "◆" }         ;

let chart                   ;
let hours = 24;

function paint(drawn       ) {
  return (plot       )       => {
    const { ctx, bbox } = plot;
    const scale = devicePixelRatio;
    const x = (at        ) => plot.valToPos(at / 1_000, "x", true);
    const lane = bbox.height / Math.max(1, drawn.machines.length);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const [index, { id, spans }] of drawn.machines.entries()) {
      const top = bbox.top + index * lane + 5 * scale;
      const height = lane - 10 * scale;
      // Before history begins nothing is known, and nothing is drawn but the lane.
      ctx.fillStyle = colour("lane");
      ctx.fillRect(bbox.left, top, bbox.width, height);
      for (const { state, from, to } of spans) {
        ctx.fillStyle = colour(COLOURS[state]);
        ctx.fillRect(x(from), top, Math.max(scale, x(to) - x(from)), height);
      }
      ctx.font = `${11 * scale}px ${colour("mono")}`;
      ctx.textBaseline = "middle";
      for (const mark of drawn.marks) {
        if (mark.instance !== null && mark.instance !== id) continue;
        ctx.fillStyle = mark.kind === "failed" ? colour("bad") : colour("ink");
        ctx.textAlign = "center";
        ctx.fillText(MARKS[mark.kind], x(mark.at), top + height / 2);
      }
    }
    ctx.fillStyle = colour("gap");
    for (const gap of drawn.gaps)
      ctx.fillRect(x(gap.from), bbox.top, Math.max(2 * scale, x(gap.to) - x(gap.from)), 4 * scale);
    ctx.fillStyle = colour("busy");
    for (const { from, to } of drawn.waits)
      ctx.fillRect(x(from), bbox.top + 4 * scale, Math.max(2 * scale, x(to) - x(from)), 3 * scale);
    for (const { from, to, keepsOn } of drawn.windows) {
      ctx.fillStyle = colour(keepsOn ? "on" : "quiet");
      ctx.fillRect(x(from), bbox.top + bbox.height - 3 * scale, x(to) - x(from), 3 * scale);
    }
    ctx.restore();
  };
}

/** What lies under the pointer, in words. */
function words(drawn       , at        , slack        )         {
  const state = drawn.machines.map(({ id, spans }) => {
    const span = spans.find(({ from, to }) => at >= from && at <= to);
    const key = document.querySelector(
      `.key.is-${span?.state === "stopping" ? "starting" : (span?.state ?? "unknown")}`,
    );
    return `${id}: ${key?.textContent ?? ""}`;
  });
  const marks = drawn.marks.filter((mark) => Math.abs(mark.at - at) < slack).map((mark) => mark.words);
  const under = [...drawn.waits, ...drawn.windows]
    .filter(({ from, to }) => at >= from - slack && at < to + slack)
    .map((each) => each.words);
  return [...state, ...under, ...marks].join(" · ");
}

function draw(drawn       , into             )       {
  const said = document.createElement("p");
  said.className = "chart-words";
  said.textContent = "\u00a0";
  const time = new Intl.DateTimeFormat(document.documentElement.lang, {
    timeZone: drawn.zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const days = drawn.to - drawn.from > 86_400_000;
  chart?.destroy();
  chart = new uPlot(
    {
      width: into.clientWidth,
      height: Math.max(1, drawn.machines.length) * LANE_PX + AXIS_PX + 4,
      padding: [4, 12, 0, 12],
      legend: { show: false },
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1_000), drawn.zone),
      scales: { x: { time: true, range: [drawn.from / 1_000, drawn.to / 1_000] }, y: { range: [0, 1] } },
      axes: [
        {
          size: AXIS_PX,
          incrs: days ? [86_400] : [3_600, 2 * 3_600, 4 * 3_600, 6 * 3_600],
          stroke: colour("quiet"),
          grid: { stroke: colour("rule"), width: 1 },
          ticks: { show: false },
          font: `11px ${colour("sans")}`,
          values: axisWords,
        },
        { show: false },
      ],
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      series: [{}, { show: false }],
      hooks: {
        draw: [paint(drawn)],
        setCursor: [
          (plot) => {
            const { left } = plot.cursor;
            if (left === undefined || left < 0) {
              said.textContent = "\u00a0";
              return;
            }
            const at = plot.posToVal(left, "x") * 1_000;
            said.textContent = `${time.format(at)} · ${words(drawn, at, (drawn.to - drawn.from) / 150)}`;
          },
        ],
      },
    },
    [
      [drawn.from / 1_000, drawn.to / 1_000],
      [0, 0],
    ],
    into,
  );
  into.append(said);
  function axisWords(plot       , splits          )           {
    const form = new Intl.DateTimeFormat(document.documentElement.lang, {
      timeZone: drawn.zone,
      ...(days
        ? { weekday: "short", day: "numeric" }
        : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    });
    return splits.map((split) => (plot.width > 0 ? form.format(split * 1_000) : ""));
  }
}

async function load()                {
  const into = document.querySelector             ("#chart");
  const table = document.querySelector("#timeline-table");
  const response = await fetch(`page/timeline?hours=${hours}`).catch(() => undefined);
  if (into === null || table === null || response?.ok !== true) return;
  // Of our own server, of this very version.
  const drawn                            = await response.json();
  const open = table.querySelector("details")?.open === true;
  table.replaceChildren(...new DOMParser().parseFromString(drawn.table, "text/html").body.childNodes);
  const details = table.querySelector("details");
  if (details) details.open = open;
  into.replaceChildren();
  draw(drawn, into);
}

export async function drawTimeline()                {
  for (const tab of document.querySelectorAll             ("[data-hours]"))
    tab.addEventListener("click", () => {
      hours = Number(tab.dataset.hours);
      for (const each of document.querySelectorAll("[data-hours]"))
        each.setAttribute("aria-pressed", String(each === tab));
      void load();
    });
  document.addEventListener("history", () => void load());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => void load());
  addEventListener("resize", () => {
    const into = document.querySelector             ("#chart");
    if (into !== null) chart?.setSize({ width: into.clientWidth, height: chart.height });
  });
  await load();
}
