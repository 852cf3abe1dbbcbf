// History: any span, any zoom, against the span before; every row as a file.

import { html, useEffect, useMemo, useRef, useState } from "../lib.js";
import { address, ask } from "../api.js";
import { facts, language, t } from "../words.js";
import { clock, dateOf, dayKey, local, midnight, number, quantity, unit } from "../format.js";
import { now, reached, state, told } from "../store.js";
import { Card, Chips, Icon, Name, Num, failure, labelOf } from "../parts.js";
import { Chart } from "../chart.js";
import { choice, choose } from "../keep.js";
import { go, route, url } from "../router.js";

const MOST = 2000; // points of one answer
const CALM = 150; // ms after the last movement until finer data is asked for
const SPARE = 0.25; // of the span, that is loaded to each side
const COARSE = 0.6; // points a pixel, below which finer data is asked for
const NARROWEST = 120; // s
const KEPT = 24; // answers that are kept

const SPANS = ["day", "week", "month", "year"];

// The panels, in their order; the first two are open at first. Colours are names of the look.
const PANELS = [
  { key: "charge", keys: ["battery_soc", "soc_low", "soc_high"], word: "charge", form: "soc", of: "battery_soc" },
  { key: "power", keys: ["power"], more: ["ac_output_power", "pv_input_power"], word: "power", form: "battery_power", of: "power" },
  { key: "cells", keys: ["cell_min", "cell_max"], word: "cells", form: "cell", of: "cell_min" },
  { key: "delta", keys: ["cell_delta"], word: "delta", form: "delta", of: "cell_delta", times: 1000 },
  { key: "temperature", keys: ["temperature", "mosfet_temperature"], word: "temperature", form: "temperature", of: "temperature" },
  { key: "current", keys: ["current"], word: "current", form: "current", of: "current" },
  { key: "voltage", keys: ["voltage"], word: "voltage", form: "voltage", of: "voltage" },
];
const FIRST = ["charge", "power"];

// From and to (s) of the span `name` that holds `date`; a day is one of the house, with 23 or 25 hours where the clock turns.
export function bounds(name, date) {
  const seconds = (moment) => Math.round(+moment / 1000);
  if (name === "day") return [seconds(midnight(date)), seconds(midnight(date, 1))];
  const { weekday, day, month } = local(date);
  if (name === "week") {
    const past = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(weekday);
    return [seconds(midnight(date, -past)), seconds(midnight(date, 7 - past))];
  }
  const first = midnight(date, 1 - Number(day));
  if (name === "month") return [seconds(first), seconds(midnight(new Date(+first + 32 * 864e5), 1 - Number(local(new Date(+first + 32 * 864e5)).day)))];
  let begin = first;
  for (let n = 1; n < Number(month); n++) begin = midnight(new Date(begin - 864e5), 1 - Number(local(new Date(begin - 864e5)).day));
  let end = begin;
  for (let n = 0; n < 12; n++) end = midnight(new Date(+end + 32 * 864e5), 1 - Number(local(new Date(+end + 32 * 864e5)).day));
  return [seconds(begin), seconds(end)];
}

const answers = new Map(); // what was loaded, by question

async function load(device, keys, from, to, points, signal) {
  const path = address("api/history", { device, keys: keys.join(), from: new Date(from * 1000).toISOString(), to: new Date(to * 1000).toISOString(), points });
  if (answers.has(path)) return answers.get(path);
  const answer = await ask(path, { signal });
  if (to * 1000 < +now()) {
    answers.set(path, answer);
    if (answers.size > KEPT) answers.delete(answers.keys().next().value);
  }
  return answer;
}

export function History() {
  const { batteries, inverter } = state.value;
  const asked = route.value.query;
  const battery = batteries.find((each) => String(each.number) === asked.get("device")) || batteries[0];
  const [shown, compared] = (asked.get("show") || "").split(","); // "week", or "week,compare"
  const span = SPANS.includes(shown) ? shown : "day";
  const day = asked.get("from") || "";
  const at = /^\d{4}-\d\d-\d\d$/.test(day) && !Number.isNaN(Date.parse(day)) ? new Date(day + "T12:00:00Z") : now();
  const compare = compared === "compare";
  const [open, setOpen] = useState((choice("panels") || FIRST.join()).split(",").filter((key) => PANELS.some((panel) => panel.key === key)));
  const whole = useMemo(() => bounds(span, at), [span, dayKey(at)]);
  const [zoomedTo, setZoomedTo] = useState({});
  const [point, setPoint] = useState(null);
  // Of another span the zoom says nothing, from its first drawing on: what is drawn in between would jump.
  const view = zoomedTo.of === whole ? zoomedTo.view : whole;
  const setView = (wanted) => setZoomedTo({ of: whole, view: wanted });
  if (!battery) return html`<${Card} also="wide empty"><p>${t("web.no_battery")}</p><//>`;
  const set = (changed) => {
    const next = { device: String(battery.number), span, compare, from: day, ...changed };
    go(address(url("history"), { device: next.device, from: next.from, show: next.span + (next.compare ? ",compare" : "") }), true);
  };
  const step = (direction) => {
    const [from, to] = whole;
    const other = new Date((direction < 0 ? from - 3600 : to + 3600) * 1000);
    set({ from: dayKey(other > now() ? now() : other) });
  };
  const zoom = (from, to) => {
    const long = Math.max(NARROWEST, to - from);
    setView([from, from + long]);
  };
  const toggle = (key) => {
    const next = open.includes(key) ? open.filter((each) => each !== key) : PANELS.map((panel) => panel.key).filter((each) => each === key || open.includes(each));
    choose("panels", next.join());
    setOpen(next);
  };
  const decimal = language() === "uk" ? { sep: ";", decimal: "," } : { sep: ",", decimal: "." };
  const keys = PANELS.filter((panel) => open.includes(panel.key)).flatMap((panel) => panel.keys).join();
  const csv = url(address("api/export", { device: battery.address, keys, from: new Date(view[0] * 1000).toISOString(), to: new Date(view[1] * 1000).toISOString(), format: "csv", ...decimal }));
  const zoomed = view[0] !== whole[0] || view[1] !== whole[1];
  return html`
    <div class="wide history-head">
      ${batteries.length > 1 && html`<${Chips} label=${t("web.nav.battery")} value=${String(battery.number)} pick=${(key) => set({ device: key })} options=${batteries.map((each) => [String(each.number), html`<${Name}>${labelOf(each)}<//>`])} />`}
      <${Chips} label=${t("web.hours48")} value=${span} pick=${(key) => set({ span: key })} options=${SPANS.map((key) => [key, t("web.span." + key)])} />
      <div class="stepper"><button class="icon-only" aria-label=${t("web.earlier")} title=${t("web.earlier")} onClick=${() => step(-1)}><${Icon} name="back" /></button>
        <label class="date"><span class="value">${spanWords(span, whole)}</span><input type="date" aria-label=${t("web.date")} value=${dayKey(at)} max=${dayKey(now())} onChange=${(event) => event.target.value && set({ from: event.target.value })} /></label>
        <button class="icon-only" aria-label=${t("web.later")} title=${t("web.later")} disabled=${whole[1] * 1000 > +now()} onClick=${() => step(1)}><${Icon} name="next" /></button></div>
      <div class="tools"><button aria-pressed=${String(compare)} class=${compare ? "primary" : ""} onClick=${() => set({ compare: !compare })}>${t("web.compare")}</button>
        ${zoomed && html`<button onClick=${() => setView(whole)}>${t("web.zoom_out")}</button>`}
        ${told.value.csrf && html`<a class="button" href=${csv} download><${Icon} name="save" />${t("web.csv")}</a>`}</div>
    </div>
    ${PANELS.map((panel) => (open.includes(panel.key)
      ? html`<${Panel} key=${panel.key} panel=${panel} battery=${battery} inverter=${Boolean(inverter)} whole=${whole} view=${view} zoom=${zoom} span=${span} compare=${compare} point=${point} setPoint=${setPoint} fold=${() => toggle(panel.key)} />`
      : null))}
    <div class="wide chips">${PANELS.filter((panel) => !open.includes(panel.key)).map((panel) => html`<button key=${panel.key} onClick=${() => toggle(panel.key)}>+ ${t("web." + panel.word)}</button>`)}</div>
    <p class="wide legend"><span><svg><rect fill="url(#cut)" width="16" height="10" /></svg>${t("web.cut")}</span><span><svg><rect class="gap-legend" width="16" height="10" /></svg>${t("web.no_data")}</span></p>
    <${Days} battery=${battery} whole=${whole} span=${span} />`;
}

function spanWords(span, [from, to]) {
  const first = new Date(from * 1000), last = new Date(to * 1000 - 36e5);
  const { year } = local(first);
  if (span === "day") return `${dateOf(first)} ${year}`;
  if (span === "year") return year;
  return `${dateOf(first)} – ${dateOf(last)} ${local(last).year}`;
}

// One panel: asks for its data as fine as it is seen, and draws it.
function Panel({ panel, battery, inverter, whole, view, zoom, span, compare, point, setPoint, fold }) {
  const [series, setSeries] = useState(null);
  const [house, setHouse] = useState(null);
  const [before, setBefore] = useState(null);
  const [busy, setBusy] = useState(true);
  const [trouble, setTrouble] = useState(null);
  const [table, setTable] = useState(false);
  const [hidden, setHidden] = useState([]); // words of lines that the owner does not want to see
  const have = useRef(null);
  const shift = compare ? whole[0] - bounds(span, new Date((whole[0] - 7200) * 1000))[0] : 0;

  useEffect(() => {
    if (!reached()) return undefined;
    const control = new AbortController();
    const width = Math.min(MOST, Math.round(innerWidth * Math.min(devicePixelRatio, 2)));
    const long = view[1] - view[0];
    const fits = have.current && have.current.key === battery.address + shift && view[0] >= have.current.from && view[1] <= have.current.to && long / have.current.step >= COARSE * Math.min(width, long / 5) * 0.5;
    if (fits) return undefined;
    const timer = setTimeout(async () => {
      const zoomed = long < whole[1] - whole[0];
      const from = zoomed ? view[0] - SPARE * long : view[0], to = zoomed ? view[1] + SPARE * long : view[1];
      const points = Math.min(MOST, Math.round(zoomed ? width * (1 + 2 * SPARE) : width));
      setBusy(true);
      try {
        const answer = await load(battery.address, panel.keys, from, to, points, control.signal);
        setSeries(answer);
        have.current = { from, to, step: answer.step, key: battery.address + shift };
        setTrouble(null);
        if (panel.more && inverter) setHouse(await load("inverter", panel.more, from, to, points, control.signal).catch(() => null));
        setBefore(shift ? await load(battery.address, [panel.of], from - shift, to - shift, points, control.signal).catch(() => null) : null);
      } catch (error) {
        if (error.name === "AbortError") return;
        setTrouble(failure(error));
      }
      setBusy(false);
    }, have.current ? CALM : 0);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [battery.address, view[0], view[1], whole[0], whole[1], shift]);

  const [shape, every] = useMemo(() => drawn(panel, series, inverter, house, before, shift), [panel, series, inverter, house, before, shift]);
  const named = shape.lines.filter((line) => line.word);
  const data = useMemo(() => every.map((values, n) => (n && hidden.includes(shape.lines[n - 1].word || shape.lines[n - 1].of) ? values.map(() => null) : values)), [every, hidden]);
  const marks = useMemo(() => marksOf(series), [series]);
  const theme = (document.documentElement.dataset.theme || "") + matchMedia("(prefers-color-scheme: dark)").matches;
  const index = point === null || !data[0].length ? null : nearest(data[0], point);
  const main = shape.lines.findIndex((line) => line.main) + 1;
  const shown = index === null ? null : data[main] && data[main][index];
  const last = shape.lines.findIndex((line) => line.past) + 1;
  const earlier = index === null || !last ? null : data[last][index];
  const empty = series && data.slice(1).every((line) => line.every((value) => value === null || value === undefined));
  const height = innerWidth < 600 ? 180 : 240;
  return html`<section class="card wide panel">${busy && series && html`<div class="busy" role="status" aria-label=${t("web.loading")}></div>`}
    <div class="card-head"><h2>${t("web." + panel.word)} <span class="small quiet">${shape.unitWord}</span></h2>
      <span class="value"><${Num}>${shown === null || shown === undefined ? "" : quantity(panel.form, shown)}<//>${earlier !== null && earlier !== undefined && html` <span class="small quiet">${t("web.compare.before")} <${Num}>${quantity(panel.form, earlier)}<//></span>`} <span class="small quiet">${index === null ? "" : clock(new Date(data[0][index] * 1000))}</span>
      <button class="plain" aria-pressed=${String(table)} onClick=${() => setTable(!table)}>${t("web.table")}</button><button class="icon-only" aria-label=${t("web.close")} title=${t("web.close")} onClick=${fold}><${Icon} name="close" /></button></span></div>
    ${trouble && html`<p class="wrong"><${Icon} name="error" />${t("web.history_away", { reason: trouble })}</p>`}
    ${empty && html`<p class="quiet nothing">${t("web.nothing")}</p>`}
    ${table ? html`<${Table} panel=${panel} data=${data} shape=${shape} view=${view} />` : html`<${Chart} panel=${shape} data=${data} view=${view} whole=${whole} zoom=${zoom} marks=${marks} point=${setPoint} height=${height} theme=${theme} table=${() => setTable(true)} />`}
    ${named.length > 0 && html`<p class="legend">${named.map((line) => {
      const off = hidden.includes(line.word), last = !off && named.length - hidden.length < 2;
      return html`<button class="plain" aria-pressed=${String(!off)} disabled=${last} key=${line.word} onClick=${() => setHidden(off ? hidden.filter((each) => each !== line.word) : [...hidden, line.word])}><svg class=${"stroke-" + line.color}><path d="M0 5H16" stroke-dasharray=${line.dash ? line.dash.join(" ") : undefined} /></svg>${line.word}</button>`;
    })}</p>`}
  </section>`;
}

// Times in s and one list of values for each line, and how the lines look. A line has its place before it has values.
function drawn(panel, series, inverter, house, before, shift) {
  const times = series ? Array.from(series.values[panel.of].mean, (_, n) => Date.parse(series.begin) / 1000 + (n + 0.5) * series.step) : [];
  const factor = panel.times || 1;
  const pick = (key, what = "mean") => (series && series.values[key] ? series.values[key][what].map((value) => (value === null ? null : value * factor)) : times.map(() => null));
  const onto = (other, key, moved) => {
    if (!other || !other.values[key]) return times.map(() => null);
    const begin = Date.parse(other.begin) / 1000 + (moved || 0);
    return times.map((time) => {
      const value = other.values[key].mean[Math.floor((time - begin) / other.step)];
      return value === undefined || value === null ? null : value * factor;
    });
  };
  const lines = [], data = [times];
  const add = (line, values) => {
    lines.push(line);
    data.push(values);
  };
  const range = (low, high, tone, share, of) => { // `of`: the word of the line that it lies around
    add({ color: tone, hidden: true, lower: share, of }, high);
    add({ color: tone, hidden: true, of }, low);
  };
  if (panel.key === "charge") {
    range(pick("soc_low"), pick("soc_high"), "soc", 0.18);
    add({ color: "soc", main: true }, pick("battery_soc"));
  } else if (panel.key === "power") {
    const power = pick("power");
    if (inverter) {
      add({ color: "house", width: 1.5, word: t("web.house") }, onto(house, "ac_output_power"));
      add({ color: "sun", width: 1.5, dash: [6, 3], word: t("web.sun") }, onto(house, "pv_input_power"));
    }
    range(pick("power", "min"), pick("power", "max"), "soc", 0.22, t("web.battery"));
    add({ color: "soc", main: true, word: t("web.battery") }, power);
  } else if (panel.key === "cells") {
    add({ color: "fair", lower: 0.2, word: t("web.highest") }, pick("cell_max"));
    add({ color: "discharge", main: true, dash: [6, 3], word: t("web.lowest") }, pick("cell_min"));
  } else if (panel.key === "temperature") {
    add({ color: "house", dash: [2, 3], word: t("web.mosfet") }, pick("mosfet_temperature"));
    add({ color: "soc", main: true, word: t("web.battery") }, pick("temperature"));
  } else {
    range(pick(panel.of, "min"), pick(panel.of, "max"), "soc", 0.22);
    add({ color: "soc", main: true }, pick(panel.of));
  }
  if (shift) add({ color: "soc", width: 1, dash: [4, 4], past: true, word: t("web.compare.before") }, onto(before, panel.of, shift));
  const form = facts().forms[panel.form];
  const kilo = panel.key === "power" && data.slice(1).some((line) => line.some((value) => Math.abs(value) > 1500));
  return [
    {
      key: panel.key, title: t("web." + panel.word), lines, digits: form[1], unit: unit(form[0]), unitWord: unit(kilo ? "kW" : form[0]), scale: kilo ? 1000 : 1,
      range: panel.key === "charge" ? [0, 100] : undefined, zero: panel.key === "power" || panel.key === "current",
    },
    data,
  ];
}

function marksOf(series) {
  if (!series) return [];
  const seconds = (time) => (time ? Date.parse(time) / 1000 : +now() / 1000);
  const cuts = (series.blackouts || []).map((each) => ({ from: seconds(each.from), to: seconds(each.to), kind: "cut" }));
  return cuts.concat((series.outages || []).map((each) => ({ from: seconds(each.from), to: seconds(each.to), kind: "gap" })));
}

function nearest(times, time) {
  let low = 0, high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle;
    else high = middle;
  }
  return time - times[low] < times[high] - time ? low : high;
}

const ROWS = 200; // of a table at most

function Table({ panel, data, shape, view }) {
  const main = shape.lines.findIndex((line) => line.main) + 1;
  const rows = data[0].map((time, n) => [time, data[main][n]]).filter(([time]) => time >= view[0] && time <= view[1]);
  const every = Math.max(1, Math.ceil(rows.length / ROWS));
  const shown = rows.filter((_, n) => n % every === 0);
  return html`<div class="scroll-x table-view"><table><thead><tr><th scope="col">${t("web.time")}</th><th scope="col">${t("web." + panel.word)}</th></tr></thead>
    <tbody>${shown.map(([time, value]) => html`<tr key=${time}><th scope="row">${dateOf(new Date(time * 1000))} ${clock(new Date(time * 1000))}</th><td>${quantity(panel.form, value)}</td></tr>`)}</tbody></table></div>`;
}

// What went in and out on each day of the span.
function Days({ battery, whole, span }) {
  const [days, setDays] = useState(null);
  const back = Math.ceil((+now() / 1000 - whole[0]) / 86400) + 1;
  useEffect(() => {
    if (span === "day" || back > 400 || !reached()) return undefined;
    const control = new AbortController();
    ask(address("api/days", { device: battery.address, days: Math.max(1, back) }), { signal: control.signal }).then(setDays, () => undefined);
    return () => control.abort();
  }, [battery.address, back, span]);
  if (span === "day" || !days) return null;
  const [first, last] = whole.map((time) => dayKey(new Date(time * 1000)));
  const shown = days.filter((day) => day.date >= first && day.date < last);
  if (!shown.length) return null;
  const most = Math.max(0.1, ...shown.map((day) => Math.max(day.charged_kwh || 0, day.discharged_kwh || 0)));
  const total = (key) => shown.reduce((sum, day) => sum + (day[key] || 0), 0);
  const w = 600 / shown.length;
  return html`<${Card} also="wide" title=${t("web.per_day")} age=${html`<span class="age"><${Num}>+${quantity("energy", total("charged_kwh"))}<//> <${Num}>−${quantity("energy", total("discharged_kwh"))}<//></span>`}>
    <svg class="days" viewBox="0 0 600 160" preserveAspectRatio="none" role="img" aria-label=${`${t("web.per_day")}: ${quantity("energy", total("charged_kwh"))}, ${quantity("energy", total("discharged_kwh"))}`}>
      ${shown.map((day, n) => html`<g key=${day.date}><rect class="in" x=${n * w + w * 0.15} width=${w * 0.7} y=${80 - (76 * (day.charged_kwh || 0)) / most} height=${(76 * (day.charged_kwh || 0)) / most} /><rect class="out" x=${n * w + w * 0.15} width=${w * 0.7} y="80" height=${(76 * (day.discharged_kwh || 0)) / most} /></g>`)}
      <path class="axis" d="M0 80H600" /></svg>
    <p class="scale"><span>${dateOf(new Date(shown[0].date + "T12:00:00Z"))}</span><span>${t("web.most")} ${number(most, 1)}${"\u00a0"}${unit("kWh")}</span><span>${dateOf(new Date(shown[shown.length - 1].date + "T12:00:00Z"))}</span></p>
  <//>`;
}
