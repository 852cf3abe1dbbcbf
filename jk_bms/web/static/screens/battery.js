// One battery: status, two days, cells, health, energy, link, details.

import { html, useEffect, useRef, useState } from "../lib.js";
import { ask } from "../api.js";
import { count, language, t, told as words } from "../words.js";
import { number, quantity } from "../format.js";
import { isOld, reached, state, tick } from "../store.js";
import { Age, Card, Chips, Icon, Name, Num, Row, Rows, Sheet, labelOf, useAnswer } from "../parts.js";
import { BatteryHero, Link, Touch, TwoDays, energyOf } from "./home.js";
import { Doctor } from "./doctor.js";
import { Value, faultWords } from "./value.js";
import { choice, choose } from "../keep.js";
import { closeSheet, go, openSheet, route, url } from "../router.js";

const PLACES = ["cells", "health", "link", "details"]; // parts of the page that an address leads to
const FACTS_AGAIN = 300; // s after which what is stored of a battery is asked for anew

export function Battery() {
  tick.value;
  const { batteries } = state.value;
  const wanted = route.value.rest || choice("battery") || "";
  const battery = batteries.find((each) => String(each.number) === wanted || each.address === wanted) || batteries[0];
  const [detail, trouble] = useAnswer(battery && reached() && battery.address + language(), (signal) => ask("api/batteries/" + battery.number, { signal }), FACTS_AGAIN);
  const pick = (key) => {
    choose("battery", key);
    go(url("battery/" + key), true);
  };
  useSwipe(batteries.length > 1, (step) => {
    const next = batteries[batteries.indexOf(battery) + step];
    if (next) pick(String(next.number));
  });
  const { hash: place } = route.value;
  useEffect(() => {
    if (PLACES.includes(place) && document.getElementById(place)) document.getElementById(place).scrollIntoView();
  }, [place, Boolean(detail)]);
  if (!battery) return html`<${Card} also="wide empty"><p>${t("web.no_battery")}</p><p class="quiet">${t("web.no_battery_do")}</p><//>`;
  const { reading = {} } = battery;
  const week = { in_today: energyOf([battery], "charged_kwh"), out_today: energyOf([battery], "discharged_kwh") };
  return html`
    ${batteries.length > 1 && html`<div class="wide"><${Chips} label=${t("web.nav.battery")} value=${String(battery.number)} pick=${pick} options=${batteries.map((each) => [String(each.number), html`<${Name}>${labelOf(each)}<//>`])} /></div>`}
    <${Trouble} battery=${battery} />
    <div class="column c7">
      <${BatteryHero} battery=${battery} also="" figures="always" />
      <${TwoDays} batteries=${[battery]} also="" key=${battery.address} />
      ${reading.cells && reading.cells.length > 0 && html`<${Cells} battery=${battery} />`}
    </div>
    ${(detail || trouble || !reached()) && html`<div class="column c5">
      <${Health} report=${detail && detail.health} />
      <${Energy} battery=${battery} week=${week} />
      <${Link} battery=${battery} also="" />
      <${Details} battery=${battery} facts=${detail && detail.facts} />
    </div>`}
    ${place === "doctor" && html`<${Doctor} battery=${battery} key=${battery.address} />`}
    ${place && html`<${Value} battery=${battery} detail=${detail} hash=${place} week=${week} key=${battery.address + place} />`}
    ${place === "settings" && detail && detail.facts && html`<${Settings} rows=${detail.facts.settings_told || []} />`}
  `;
}

const FAR = 60, LONGEST = 600; // px and ms of a stroke of the finger to the next battery
const OWN_WAY = ".chart, .spark, .chips, .scroll-x, .sheet, .scrim, input, select"; // these take strokes themselves

// Have `move(1)` called for a stroke to the left, `move(-1)` for one to the right.
function useSwipe(on, move) {
  const moved = useRef(move);
  moved.current = move;
  useEffect(() => {
    if (!on) return undefined;
    let from = null;
    const begin = (event) => {
      const [touch, other] = event.touches;
      from = other || event.target.closest(OWN_WAY) ? null : { x: touch.clientX, y: touch.clientY, time: Date.now() };
    };
    const end = (event) => {
      if (!from || event.touches.length) return;
      const { clientX, clientY } = event.changedTouches[0];
      const across = clientX - from.x, along = clientY - from.y;
      if (Math.abs(across) > FAR && Math.abs(across) > 2 * Math.abs(along) && Date.now() - from.time < LONGEST) moved.current(across < 0 ? 1 : -1);
    };
    const main = document.getElementById("main");
    main.addEventListener("touchstart", begin, { passive: true });
    main.addEventListener("touchend", end, { passive: true });
    return () => {
      main.removeEventListener("touchstart", begin);
      main.removeEventListener("touchend", end);
    };
  }, [on]);
}

// What the BMS itself says is wrong, and what is switched off in it.
function Trouble({ battery }) {
  const { alarms = [], switches = {} } = battery.reading || {};
  const lines = ["charge", "discharge"].filter((name) => switches[name] === false).map((name) => t("bot.switch_off." + name));
  for (const alarm of alarms) lines.push(t("bot.bms_says", { text: words("bms_alarms." + alarm, alarm.replace(/_/g, " ")) }));
  if (!lines.length) return null;
  return html`<section class="card wide stack">${lines.map((line) => html`<p class="with-icon maybe" key=${line}><${Icon} name="warning" />${line}</p>`)}</section>`;
}

// Cells: on the true scale between the limits, against the mean, or as a table.

const REACHES = [10, 50, 200]; // mV to each side of the mean
const ROOM = 0.8; // share of a scale that may be used before the next larger one is taken

function Cells({ battery }) {
  const { reading, cell_limits: limits } = battery;
  const [by, setBy] = useState(choice("cells") || "mean");
  const old = isOld(battery);
  const { cells } = reading;
  const numbers = reading.cell_numbers || cells.map((_, n) => n + 1);
  const pick = (key) => {
    choose("cells", key);
    setBy(key);
  };
  const mean = reading.cell_average === undefined ? cells.reduce((sum, value) => sum + value, 0) / cells.length : reading.cell_average;
  const far = 1000 * Math.max(...cells.map((value) => Math.abs(value - mean)));
  const reach = REACHES.find((each) => far <= ROOM * each) || Math.ceil(far / 100) * 100;
  return html`<${Card} id="cells" title=${t("web.cells")} age=${html`<${Touch} battery=${battery} name="delta"><${Num} old=${old}>${quantity("delta", 1000 * reading.cell_delta)}<//><//>`}>
    <p class="with-age small quiet"><span>${reading.balancing ? (reading.balance_current === undefined ? t("bot.balancing") : t("bot.balancing_with", { current: quantity("current", reading.balance_current) })) : ""}</span><${Age} of=${battery} /></p>
    <${Chips} label=${t("web.cells")} value=${by} pick=${pick} options=${["mean", "voltage", "table"].map((key) => [key, t("web.by." + key)])} />
    ${by === "table"
      ? html`<${CellTable} battery=${battery} numbers=${numbers} mean=${mean} />`
      : html`<p class="small quiet scale-words">${by === "mean" ? t("web.scale", { value: quantity("delta", reach) }) : limits && t("web.cells_between", { low: quantity("cell", limits[0]), high: quantity("cell", limits[1]) })}</p>
        <ol class=${cells.length > 16 ? "cell-list many" : "cell-list"}>${cells.map((value, n) => html`<${CellBar} key=${numbers[n]} battery=${battery} number=${numbers[n]} value=${value} reading=${reading} mean=${mean} by=${by} reach=${reach / 1000} limits=${limits} old=${old} />`)}</ol>`}
  <//>`;
}

function CellBar({ battery, number, value, reading, mean, by, reach, limits, old }) {
  const kind = old ? "" : number === (reading.cell_max || {}).index ? "high" : number === (reading.cell_min || {}).index ? "low" : "";
  const share = by === "mean" || !limits ? 50 + (50 * (value - mean)) / reach : (100 * (value - limits[0])) / (limits[1] - limits[0]);
  const at = Math.min(100, Math.max(0, share));
  const [from, to] = by === "mean" || !limits ? [Math.min(50, at), Math.max(50, at)] : [0, at];
  const word = kind === "high" ? t("web.highest") : kind === "low" ? t("web.lowest") : "";
  return html`<li><span class="quiet">${number}</span>
    <svg class="cell-bar" aria-hidden="true"><rect class="well" width="100%" height="100%" /><rect class=${"fill " + kind} x=${from + "%"} width=${Math.max(0.4, to - from) + "%"} height="100%" />${by === "mean" && html`<line class="middle" x1="50%" x2="50%" y1="0" y2="100%" />`}</svg>
    <${Touch} battery=${battery} name=${"cell-" + number}><span class=${old ? "num old" : "num"}>${quantity("cell", value)}<span class="mark">${word}</span></span><//></li>`;
}

function CellTable({ battery, numbers, mean }) {
  const { reading } = battery;
  const [order, setOrder] = useState(["number", 1]);
  const rows = numbers.map((each, n) => ({ number: each, voltage: reading.cells[n], apart: 1000 * (reading.cells[n] - mean), wire: (reading.cell_resistances || [])[n] }));
  rows.sort((one, other) => order[1] * ((one[order[0]] || 0) - (other[order[0]] || 0)));
  const columns = [["number", t("web.number")], ["voltage", t("web.voltage")], ["apart", t("web.by.mean")]];
  if (reading.cell_resistances) columns.push(["wire", t("web.wire")]);
  return html`<div class="scroll-x"><table><thead><tr>${columns.map(([key, word]) => html`<th key=${key} scope="col" aria-sort=${order[0] === key ? (order[1] > 0 ? "ascending" : "descending") : "none"}><button onClick=${() => setOrder([key, order[0] === key ? -order[1] : 1])}>${word}</button></th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.number}><th scope="row"><a href=${url(`battery/${battery.number}#cell-${row.number}`)}>${row.number}</a></th><td>${quantity("cell", row.voltage)}</td><td>${number(row.apart, 0, true)}${"\u00a0"}${t("units.mV")}</td>${row.wire !== undefined && html`<td>${quantity("wire", row.wire)}</td>`}</tr>`)}</tbody></table></div>`;
}

const MUCH_UNKNOWN = 3; // kinds of things that are not known of a cell, from which on it is too early to say

// What is known of the cells' age; nothing where nothing is.
function Health({ report }) {
  const cells = (report && report.cells) || [];
  if (!cells.length) return null;
  const faults = cells.reduce((all, cell) => [...all, ...cell.faults.map((fault) => ({ ...fault, number: cell.number }))], []);
  const faulty = new Set(faults.map((fault) => fault.number)).size;
  const unknown = new Set(cells.reduce((all, cell) => [...all, ...cell.unknown], [])).size;
  const verdict = unknown >= MUCH_UNKNOWN ? t("bot.health.early") : unknown ? t("bot.health.nothing_wrong") : count("bot.health.good", cells.length);
  return html`<${Card} title=${t("web.health")} id="health" age=${html`<span class="age">${count("bot.health.watched", Math.round(report.days))}</span>`}>
    ${faults.map((fault) => html`<div key=${fault.number + fault.kind}><p class="value with-icon maybe"><${Icon} name="warning" />${t("bot.health.fault", { number: fault.number, verdict: faultWords(fault.kind), sure: number(100 * fault.sure) })}</p><p class="small">${faultWords(fault.kind, ".advice")}</p></div>`)}
    <p>${faults.length ? cells.length > faulty && count("bot.health.others_good", cells.length - faulty) : verdict}</p>
  <//>`;
}

function Energy({ battery, week }) {
  const { reading = {} } = battery;
  const meters = reading.meters || {};
  const rows = [
    ["in_today", "energy", week.in_today[6]],
    ["out_today", "energy", week.out_today[6]],
    ["total_in", "energy", meters.charged_kwh],
    ["total_out", "energy", meters.discharged_kwh],
    ["capacity", "charge", reading.learned_capacity === undefined ? reading.capacity : reading.learned_capacity],
    ["soh", "soc", reading.soh],
  ].filter(([, , value]) => value !== undefined);
  if (!rows.length) return null;
  return html`<${Card} title=${t("web.energy")}><${Rows}>
    ${rows.map(([word, form, value]) => html`<${Row} label=${t("web." + word)} value=${html`<${Touch} battery=${battery} name=${word}>${quantity(form, value)}<//>`} key=${word} />`)}
    ${reading.cycles !== undefined && html`<${Row} label=${t("web.cycles")} value=${html`<${Touch} battery=${battery} name="cycles">${number(reading.cycles)}<//>`} />`}
  <//><//>`;
}

function Details({ battery, facts }) {
  const { device = {} } = battery.reading || {};
  const rows = [
    ["model", device.model],
    ["hardware", device.hw_version],
    ["software", device.sw_version],
    ["serial", device.serial],
    ["address", battery.address],
    ["kind", battery.type],
  ].filter(([, value]) => value);
  const settings = facts && (facts.settings_told || []).length > 0;
  return html`<${Card} title=${t("web.details")} id="details"><${Rows}>${rows.map(([word, value]) => html`<${Row} label=${t("web." + word)} value=${html`<${Name}>${value}<//>`} key=${word} />`)}<//>
    ${settings && html`<div class="actions"><button onClick=${() => openSheet("settings")}>${t("web.bms_settings")}</button></div>`}<//>`;
}

// The settings of the BMS, in groups.
function Settings({ rows }) {
  const groups = [...new Set(rows.map((row) => row.group))];
  return html`<${Sheet} name="settings" title=${t("web.bms_settings")} onClose=${closeSheet}><div class="stack">
    <p class="small quiet">${t("web.bms_settings_note")}</p>
    ${groups.map((group) => html`<div key=${group}><h3 class="small quiet">${group}</h3><${Rows}>${rows.filter((row) => row.group === group).map((row) => html`<${Row} key=${row.key} label=${row.label} value=${row.text} />`)}<//></div>`)}
  </div><//>`;
}
