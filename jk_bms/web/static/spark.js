// Small pictures without axes of their own: the charge of two days, bars of a week, columns of cells.

import { html } from "./lib.js";
import { t } from "./words.js";
import { clock, local, percent, quantity } from "./format.js";
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
export function SocPicture({ series, ahead, begin, end, now, label }) {
  const [box, width] = useWidth(296);
  const height = 144, foot = 18, left = 28;
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
  return html`<div ref=${box}><svg class="spark" viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${label}>
    ${cuts.map(([from, to]) => html`<g><rect class="cut" x=${x(from)} width=${Math.max(1, x(to) - x(from))} y="0" height=${height - foot} /><rect class="cut-lines" x=${x(from)} width=${Math.max(1, x(to) - x(from))} y="0" height=${height - foot} /></g>`)}
    ${gaps.map(([from, to]) => html`<rect class="gap" x=${x(from)} width=${Math.max(1, x(to) - x(from))} y="0" height=${height - foot} />`)}
    ${[0, 50, 100].map((soc) => html`<g><path class="axis" d=${`M${left} ${y(soc)}H${width}`} /><text x=${left - 6} y=${y(soc) + 4} text-anchor="end">${soc}</text></g>`)}
    ${marks(begin, end).map((time) => html`<text x=${x(time)} y=${height - 3} text-anchor="middle">${clock(new Date(time))}</text>`)}
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

const TALL = 120, FOOT = 18, SIDE = 52; // px of a trace: its height, of that the times, and the numbers beside it
const AIR = 0.08; // of the reach, above and below
const WITHIN = 1; // a limit is drawn when it is not farther off than so many times what was seen

// The last hours of one value `one` (its column `key`, form and factor): mean with what it ranged over, and the limits near it.
export function Trace({ series, one, limits, begin, end }) {
  const [box, width] = useWidth(296);
  const factor = one.times || 1, scaled = (list) => (list || []).map((value) => (value === null ? null : value * factor));
  const { values = {}, step = 1 } = series || {};
  const main = values[one.key] || { mean: [], min: [], max: [] };
  const wide = values.cell_min ? [values.cell_min.min, values.cell_max.max] : values.soc_low ? [values.soc_low.mean, values.soc_high.mean] : [main.min, main.max];
  const mean = scaled(main.mean), [low, high] = wide.map(scaled);
  const seen = [...mean, ...low, ...high].filter((value) => value !== null && value !== undefined);
  if (!seen.length) return html`<div ref=${box} class="trace"><p class="quiet">${series ? t("web.nothing") : ""}</p></div>`;
  let [least, most] = one.range || [Math.min(...seen), Math.max(...seen)];
  const reach = most - least || Math.abs(most) * 0.01 || 1;
  const near = limits.filter((limit) => limit >= least - WITHIN * reach && limit <= most + WITHIN * reach);
  if (!one.range) [least, most] = [Math.min(least, ...near) - AIR * reach, Math.max(most, ...near) + AIR * reach];
  const first = Date.parse(series.begin);
  const x = (time) => SIDE + ((time - begin) / (end - begin)) * (width - SIDE), at = (n) => x(first + (n + 0.5) * step * 1000);
  const y = (value) => 6 + (1 - (value - least) / (most - least)) * (TALL - FOOT - 12);
  const both = low.map((value, n) => (value === null || high[n] === null || high[n] === undefined ? null : n));
  const upper = runs(both.map((n) => (n === null ? null : high[n])), at, y), lower = runs(both.map((n) => (n === null ? null : low[n])), at, y);
  const [bottom, top] = one.range || [Math.min(...seen), Math.max(...seen)];
  const last = new Date(first + step * 1000 * mean.length);
  const label = t("web.say.chart", { name: t("web.hours24"), from: clock(new Date(first)), to: clock(last), low: quantity(one.form, bottom), high: quantity(one.form, top) });
  return html`<div ref=${box} class="trace"><p class="small quiet">${t("web.hours24")}</p><svg class="spark trace" viewBox=${`0 0 ${width} ${TALL}`} role="img" aria-label=${label}>
    ${(bottom === top ? [top] : [bottom, top]).map((value) => html`<g key=${value}><path class="axis" d=${`M${SIDE} ${y(value)}H${width}`} /><text x=${SIDE - 6} y=${y(value) + 4} text-anchor="end">${quantity(one.form, value).split(/\u00a0(?=[^\d])/)[0]}</text></g>`)}
    ${near.map((limit) => html`<path class="limit" key=${limit} d=${`M${SIDE} ${y(limit)}H${width}`} />`)}
    ${upper.map((run, n) => html`<path class="soc-band" d=${area(run, lower[n])} />`)}
    ${runs(mean, at, y).map((run) => html`<path class="soc-line" d=${path(run)} />`)}
    ${marks(begin, end).map((time) => html`<text x=${x(time)} y=${TALL - 3} text-anchor="middle" key=${time}>${clock(new Date(time))}</text>`)}
  </svg></div>`;
}

const LITTLE = 0.5; // kWh: a day of less is no full bar, however empty the others are

// One bar a day; `values` oldest first.
export function DayBars({ values, out, label }) {
  const most = Math.max(...values.map((value) => value || 0), LITTLE);
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
