// Small pictures without axes of their own: the charge of two days, bars of a week, columns of cells.

import { html } from "./lib.js";
import { t } from "./words.js";
import { clock, local, percent } from "./format.js";
import { useWidth } from "./parts.js";

const HOUR = 36e5;

// Runs of points that are known, as [[x, y], ...]: a gap stays a gap.
export function runs(values, x, y) {
  const found = [];
  let run = [];
  values.forEach((value, n) => {
    if (value === null || value === undefined) {
      if (run.length) found.push(run);
      run = [];
    } else run.push([x(n), y(value)]);
  });
  if (run.length) found.push(run);
  return found;
}

export const path = (points) => points.map(([x, y], n) => (n ? "L" : "M") + x.toFixed(1) + " " + y.toFixed(1)).join("");
export const area = (upper, lower) => path(upper) + path([...lower].reverse()).replace("M", "L") + "Z";

// Charge with its band, power cuts, and what is expected, from `begin` to `end` (ms).
export function SocPicture({ series, ahead, begin, end, now, low, label }) {
  const [box, width] = useWidth(296);
  const height = low ? 64 : 144, foot = low ? 0 : 18, left = low ? 0 : 28;
  const x = (time) => left + ((time - begin) / (end - begin)) * (width - left);
  const y = (soc) => 4 + (1 - soc / 100) * (height - foot - 8);
  const lines = [];
  for (const one of series || []) {
    const first = Date.parse(one.begin), step = one.step * 1000;
    const at = (n) => x(first + (n + 0.5) * step);
    const { battery_soc: soc, soc_low, soc_high } = one.values;
    if (soc_low && soc_high && series.length === 1) {
      const both = soc_low.mean.map((value, n) => (value === null || soc_high.mean[n] === null ? null : n));
      const upper = runs(both.map((n) => (n === null ? null : soc_high.mean[n])), at, y), lower = runs(both.map((n) => (n === null ? null : soc_low.mean[n])), at, y);
      upper.forEach((run, n) => lines.push(html`<path class="soc-band" d=${area(run, lower[n])} />`));
    }
    for (const run of runs(soc ? soc.mean : [], at, y)) lines.push(html`<path class="soc-line" d=${path(run)} />`);
  }
  const cuts = ((series && series[0] && series[0].blackouts) || []).map((cut) => [Math.max(begin, Date.parse(cut.from)), cut.to ? Date.parse(cut.to) : now]);
  const gaps = ((series && series[0] && series[0].outages) || []).map((gap) => [Math.max(begin, Date.parse(gap.from)), gap.to ? Date.parse(gap.to) : now]);
  return html`<div ref=${box}><svg class=${low ? "spark low" : "spark"} viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${label}>
    ${cuts.map(([from, to]) => html`<g><rect class="cut" x=${x(from)} width=${Math.max(1, x(to) - x(from))} y="0" height=${height - foot} /><rect class="cut-lines" x=${x(from)} width=${Math.max(1, x(to) - x(from))} y="0" height=${height - foot} /></g>`)}
    ${gaps.map(([from, to]) => html`<rect class="gap" x=${x(from)} width=${Math.max(1, x(to) - x(from))} y="0" height=${height - foot} />`)}
    ${!low && [0, 50, 100].map((soc) => html`<g><path class="axis" d=${`M${left} ${y(soc)}H${width}`} /><text x=${left - 6} y=${y(soc) + 4} text-anchor="end">${soc}</text></g>`)}
    ${!low && marks(begin, end).map((time) => html`<text x=${x(time)} y=${height - 3} text-anchor="middle">${clock(new Date(time))}</text>`)}
    ${ahead && html`<path class="ahead" d=${area([[x(now), y(ahead.from[1])], [x(ahead.time), y(ahead.to[1])]], [[x(now), y(ahead.from[0])], [x(ahead.time), y(ahead.to[0])]])} />`}
    ${lines}
    ${now < end && html`<path class="now" d=${`M${x(now)} 0V${height - foot}`} />`}
  </svg></div>`;
}

// Full hours of the house to write below, about six.
function marks(begin, end) {
  const every = (end - begin) / HOUR > 30 ? 12 : (end - begin) / HOUR > 14 ? 6 : 3;
  const found = [];
  for (let time = Math.ceil(begin / HOUR) * HOUR; time < end - HOUR; time += HOUR) {
    if (Number(local(new Date(time)).hour) % every === 0 && time - begin > HOUR) found.push(time);
  }
  return found;
}

// One bar a day; `values` oldest first.
export function DayBars({ values, out, label }) {
  const most = Math.max(...values.map((value) => value || 0), 0.001);
  return html`<svg class=${out ? "columns bars out" : "columns bars"} viewBox="0 0 140 56" preserveAspectRatio="none" role="img" aria-label=${label}>
    ${values.map((value, n) => html`<rect x=${n * (140 / values.length) + 2} width=${140 / values.length - 4} y=${56 - (54 * (value || 0)) / most} height=${(54 * (value || 0)) / most} rx="1" />`)}
  </svg>`;
}

const CALM = 0.004; // V: below it differences are noise, and the picture stays calm

// One column a cell, between the lowest and the highest.
export function CellColumns({ cells, label }) {
  const least = Math.min(...cells), most = Math.max(...cells), reach = Math.max(most - least, CALM);
  const w = 200 / cells.length;
  return html`<svg class="columns" viewBox="0 0 200 56" preserveAspectRatio="none" role="img" aria-label=${label}>
    ${cells.map((value, n) => {
      const high = 10 + (44 * (value - least)) / reach;
      return html`<rect class=${value === most ? "high" : value === least ? "low" : ""} x=${n * w + w * 0.12} width=${w * 0.76} y=${56 - high} height=${high} rx="1" />`;
    })}
  </svg>`;
}

export const chargeSentence = (name, series) => {
  const known = ((series && series.values.battery_soc && series.values.battery_soc.mean) || []).filter((value) => value !== null);
  if (!known.length) return t("web.nothing");
  const first = new Date(Date.parse(series.begin)), last = new Date(+first + series.step * 1000 * series.values.battery_soc.mean.length);
  return t("web.say.chart", { name, from: clock(first), to: clock(last), low: percent(Math.min(...known)), high: percent(Math.max(...known)) });
};
