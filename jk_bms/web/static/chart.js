// A chart of History: one uPlot for a panel, all panels with the same time and the same pointer.

import { html, useEffect, useLayoutEffect, useRef } from "./lib.js";
import { t } from "./words.js";
import { clock, dateOf, fixed, local, number } from "./format.js";
import uPlot from "./vendor/uplot.js";

const NARROWEST = 120; // s: the deepest zoom
const STEP = 8; // part of the span that a key moves
const CLOSE = 1.25, APART = 0.8; // what a turn of the wheel or a key makes of the span
const LONG = 2 * 86400; // s: a longer span is marked by days alone
const EDGE = 0.03; // of the span, at its end, where no time is written
const AXIS = 46; // px that numbers beside a chart have

// A colour of the look, as it is now.
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const faded = (hex, share) => hex + Math.round(255 * share).toString(16).padStart(2, "0");

// Times to mark: full hours, days or months of the house.
function timeMarks(plot, axis, from, to) {
  const room = Math.max(2, Math.floor(plot.bbox.width / devicePixelRatio / 70));
  const steps = [60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 2592000];
  const least = to - from > LONG ? 86400 : 0; // a label that says only the day stands at its beginning
  const step = steps.find((each) => each >= least && (to - from) / each <= room) || 7776000;
  const found = [];
  const { hour, minute } = local(new Date(from * 1000));
  let at = from - (from % 60) - ((Number(hour) * 60 + Number(minute)) % Math.max(1, Math.min(step, 86400) / 60)) * 60;
  for (; at <= to; at += step) if (at >= from) found.push(at);
  return found;
}

const sayTime = (plot, marks) => {
  const span = plot.scales.x.max - plot.scales.x.min;
  return marks.map((at) => {
    const date = new Date(at * 1000);
    if (at > plot.scales.x.max - EDGE * span) return ""; // it would be cut off
    return span <= LONG ? (clock(date) === "00:00" ? dateOf(date) : clock(date)) : dateOf(date);
  });
};

// Draw what lies behind the lines: power cuts, and times without data.
function behind(marks) {
  return (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const { from, to, kind } of marks.current || []) {
      const x1 = plot.valToPos(from, "x", true), x2 = plot.valToPos(to, "x", true);
      if (x2 < bbox.left || x1 > bbox.left + bbox.width) continue;
      ctx.fillStyle = kind === "cut" ? faded(color("discharge"), 0.14) : faded(color("quiet"), 0.12);
      ctx.fillRect(x1, bbox.top, Math.max(1, x2 - x1), bbox.height);
      if (kind !== "cut") continue;
      ctx.strokeStyle = faded(color("discharge"), 0.45);
      ctx.lineWidth = devicePixelRatio;
      ctx.beginPath();
      ctx.rect(x1, bbox.top, Math.max(1, x2 - x1), bbox.height);
      ctx.save();
      ctx.clip();
      ctx.beginPath();
      for (let x = x1 - bbox.height; x < x2; x += 9 * devicePixelRatio) {
        ctx.moveTo(x, bbox.top + bbox.height);
        ctx.lineTo(x + bbox.height, bbox.top);
      }
      ctx.stroke();
      ctx.restore();
    }
    ctx.restore();
  };
}

// `panel`: {key, title, digits, unit, lines: [{key, color, dash, width, band}], range}; `data`: times and values.
// `view`: [from, to] in s; `zoom(from, to)` is called with what is to be seen.
// `table`: shows it as one.
export function Chart({ panel, data, view, zoom, whole, marks, point, height, theme, table }) {
  const box = useRef(null), plot = useRef(null), marked = useRef(marks), looking = useRef({ view, zoom, whole, table });
  marked.current = marks;
  looking.current = { view, zoom, whole, table };

  useLayoutEffect(() => {
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: color("quiet"), font, grid: { stroke: color("line"), width: 1 }, ticks: { show: false } };
    const width = box.current.clientWidth;
    const options = {
      width, height, padding: [8, 18, 0, 0],
      cursor: { sync: { key: "history", scales: ["x", null] }, drag: { x: true, y: false, setScale: false }, points: { size: 7 }, focus: { prox: 30 } },
      legend: { show: false },
      scales: { x: { time: true, range: () => looking.current.view }, y: { range: panel.range || ((self, low, high) => roomy(low, high, panel.zero)) } },
      axes: [
        { ...axis, splits: timeMarks, values: sayTime, size: 24 },
        { ...axis, size: AXIS, space: 38, values: (self, all) => all.map((value) => number(value / (panel.scale || 1), decimals(all, panel.scale || 1))) },
      ],
      series: [{}, ...panel.lines.map((line) => ({
        stroke: line.hidden ? undefined : color(line.color), width: line.hidden ? 0 : line.width || 2, dash: line.dash, points: { show: false }, spanGaps: false,
      }))],
      bands: panel.lines.flatMap((line, n) => (line.lower ? [{ series: [n + 1, n + 2], fill: faded(color(line.color), line.lower) }] : [])),
      hooks: {
        drawClear: [behind(marked)],
        setCursor: [(self) => point(self.cursor.idx === null || self.cursor.idx === undefined ? null : self.data[0][self.cursor.idx])],
        setSelect: [(self) => {
          if (self.select.width < 8) return;
          looking.current.zoom(self.posToVal(self.select.left, "x"), self.posToVal(self.select.left + self.select.width, "x"));
          self.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        }],
      },
    };
    plot.current = new uPlot(options, data, box.current);
    plot.current.over.addEventListener("dblclick", () => looking.current.zoom(...looking.current.whole));
    const end = gestures(plot.current, looking);
    const watcher = new ResizeObserver(() => plot.current && box.current && box.current.clientWidth && plot.current.setSize({ width: box.current.clientWidth, height }));
    watcher.observe(box.current);
    return () => {
      end();
      watcher.disconnect();
      plot.current.destroy();
      plot.current = null;
    };
  }, [panel, theme, height]);

  useEffect(() => {
    if (plot.current) plot.current.setData(data);
  }, [data, view[0], view[1], marks]);

  return html`<div class="chart" ref=${box} tabindex="0" role="img" aria-label=${spoken(panel, data)} onKeyDown=${(event) => keys(event, plot.current, looking.current)}></div>`;
}

function roomy(low, high, zero) {
  if (low === null || low === undefined) return [0, 1];
  if (zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  const room = (high - low || Math.abs(high) * 0.02 || 1) * 0.08;
  return [zero && low === 0 ? 0 : low - room, zero && high === 0 ? 0 : high + room];
}

// As many decimals as the distance of two marks needs.
function decimals(marks, scale) {
  if (marks.length < 2) return 0;
  const step = Math.abs(marks[1] - marks[0]) / scale;
  return Math.min(3, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

function keys(event, plot, { view, zoom, whole, table }) {
  const [from, to] = view, part = (to - from) / STEP, middle = (from + to) / 2, half = (to - from) / 2;
  const at = plot.cursor.idx === null || plot.cursor.idx === undefined ? plot.valToIdx(middle) : plot.cursor.idx;
  const point = (index) => plot.setCursor({ left: plot.valToPos(plot.data[0][Math.min(plot.data[0].length - 1, Math.max(0, index))], "x"), top: 20 });
  const work = {
    ArrowLeft: () => (event.shiftKey ? zoom(from - part, to - part) : point(at - 1)),
    ArrowRight: () => (event.shiftKey ? zoom(from + part, to + part) : point(at + 1)),
    "+": () => zoom(middle - half * APART, middle + half * APART),
    "-": () => zoom(middle - half * CLOSE, middle + half * CLOSE),
    0: () => zoom(...whole),
    t: table,
    Home: () => point(plot.valToIdx(from)),
    End: () => point(plot.valToIdx(to)),
  }[event.key];
  if (!work) return;
  event.preventDefault();
  work();
}

// Two fingers, and the wheel with Ctrl or after a click into the chart.
function gestures(plot, looking) {
  const { over } = plot;
  const fingers = new Map();
  let start = null;
  const apart = () => {
    const [one, other] = [...fingers.values()];
    return { middle: (one + other) / 2, wide: Math.max(20, Math.abs(one - other)) };
  };
  const place = (event) => event.clientX - over.getBoundingClientRect().left;
  const down = (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, place(event));
    if (fingers.size === 2) start = { ...apart(), view: looking.current.view };
  };
  const move = (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, place(event));
    if (fingers.size !== 2 || !start) return;
    const { middle, wide } = apart();
    const [from, to] = start.view, width = over.clientWidth;
    const long = Math.max(NARROWEST, ((to - from) * start.wide) / wide);
    const held = from + (start.middle / width) * (to - from); // what lay between the fingers stays there
    const first = held - (middle / width) * long;
    looking.current.zoom(first, first + long);
  };
  const up = (event) => {
    fingers.delete(event.pointerId);
    start = null;
  };
  const wheel = (event) => {
    if (!event.ctrlKey && document.activeElement !== over.closest(".chart")) return;
    event.preventDefault();
    const [from, to] = looking.current.view, held = from + (place(event) / over.clientWidth) * (to - from);
    const factor = event.deltaY > 0 ? CLOSE : APART;
    const long = Math.max(NARROWEST, (to - from) * factor);
    const first = held - ((held - from) / (to - from)) * long;
    looking.current.zoom(first, first + long);
  };
  over.addEventListener("pointerdown", down);
  over.addEventListener("pointermove", move);
  over.addEventListener("pointerup", up);
  over.addEventListener("pointercancel", up);
  over.addEventListener("wheel", wheel, { passive: false });
  return () => over.removeEventListener("wheel", wheel);
}

// The chart as a sentence: between what it lies, from when to when.
function spoken(panel, data) {
  const known = panel.lines.reduce((all, line, n) => (line.hidden || line.dash ? all : all.concat((data[n + 1] || []).filter((value) => value !== null && value !== undefined))), []);
  if (!known.length) return `${panel.title}: ${t("web.nothing")}`;
  let low = Infinity, high = -Infinity;
  for (const value of known) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const say = (value) => number(Number(fixed(value, panel.digits)), panel.digits) + "\u00a0" + panel.unit;
  const when = (at) => `${dateOf(new Date(at * 1000))} ${clock(new Date(at * 1000))}`;
  return t("web.say.chart", { name: panel.title, from: when(data[0][0]), to: when(data[0][data[0].length - 1]), low: say(low), high: say(high) });
}
