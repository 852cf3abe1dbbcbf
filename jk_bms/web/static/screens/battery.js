// One battery: status, two days, cells, health, energy, link, details.

import { html, useState } from "../lib.js";
import { address, ask } from "../api.js";
import { count, t, told as words } from "../words.js";
import { number, quantity } from "../format.js";
import { isOld, reached, state, tick, told } from "../store.js";
import { Action, Card, Chips, Icon, Name, Num, Row, Rows, Sheet, labelOf, useAnswer } from "../parts.js";
import { BatteryHero, Link, TwoDays, energyOf } from "./home.js";
import { choice, choose } from "../keep.js";
import { closeSheet, go, openSheet, route, url } from "../router.js";

const FACTS_AGAIN = 300; // s after which what is stored of a battery is asked for anew

export function Battery() {
  tick.value;
  const { batteries } = state.value;
  const wanted = route.value.rest || choice("battery") || "";
  const battery = batteries.find((each) => String(each.number) === wanted || each.address === wanted) || batteries[0];
  const [detail, trouble] = useAnswer(battery && reached() && battery.address, (signal) => ask("api/batteries/" + battery.number, { signal }), FACTS_AGAIN);
  if (!battery) return html`<${Card} also="wide empty"><p>${t("web.no_battery")}</p><p class="quiet">${t("web.no_battery_do")}</p><//>`;
  const pick = (key) => {
    choose("battery", key);
    go(url("battery/" + key), true);
  };
  const { reading = {} } = battery;
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
      <${Energy} battery=${battery} />
      <${Link} battery=${battery} also="" />
      <${Doctor} battery=${battery} />
      <${Details} battery=${battery} facts=${detail && detail.facts} />
    </div>`}
    ${route.value.hash === "settings" && detail && detail.facts && html`<${Settings} settings=${detail.facts.settings} />`}
  `;
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
  return html`<${Card} id="cells" title=${t("web.cells")} age=${html`<${Num} old=${old}>${quantity("delta", 1000 * reading.cell_delta)}<//>`}>
    <${Chips} label=${t("web.cells")} value=${by} pick=${pick} options=${["mean", "voltage", "table"].map((key) => [key, t("web.by." + key)])} />
    ${by === "table"
      ? html`<${CellTable} reading=${reading} numbers=${numbers} mean=${mean} />`
      : html`<p class="small quiet scale-words">${by === "mean" ? t("web.scale", { value: quantity("delta", reach) }) : limits && t("web.cells_between", { low: quantity("cell", limits[0]), high: quantity("cell", limits[1]) })}</p>
        <ol class=${cells.length > 16 ? "cell-list many" : "cell-list"}>${cells.map((value, n) => html`<${CellBar} key=${numbers[n]} number=${numbers[n]} value=${value} reading=${reading} mean=${mean} by=${by} reach=${reach / 1000} limits=${limits} old=${old} />`)}</ol>`}
  <//>`;
}

function CellBar({ number, value, reading, mean, by, reach, limits, old }) {
  const kind = old ? "" : number === (reading.cell_max || {}).index ? "high" : number === (reading.cell_min || {}).index ? "low" : "";
  const share = by === "mean" || !limits ? 50 + (50 * (value - mean)) / reach : (100 * (value - limits[0])) / (limits[1] - limits[0]);
  const at = Math.min(100, Math.max(0, share));
  const [from, to] = by === "mean" || !limits ? [Math.min(50, at), Math.max(50, at)] : [0, at];
  const word = kind === "high" ? t("web.highest") : kind === "low" ? t("web.lowest") : "";
  return html`<li><span class="quiet">${number}</span>
    <svg class="cell-bar" aria-hidden="true"><rect class="well" width="100%" height="100%" /><rect class=${"fill " + kind} x=${from + "%"} width=${Math.max(0.4, to - from) + "%"} height="100%" />${by === "mean" && html`<line class="middle" x1="50%" x2="50%" y1="0" y2="100%" />`}</svg>
    <span class=${old ? "num old" : "num"}>${quantity("cell", value)}<span class="mark">${word}</span></span></li>`;
}

function CellTable({ reading, numbers, mean }) {
  const [order, setOrder] = useState(["number", 1]);
  const rows = numbers.map((each, n) => ({ number: each, voltage: reading.cells[n], apart: 1000 * (reading.cells[n] - mean), wire: (reading.cell_resistances || [])[n] }));
  rows.sort((one, other) => order[1] * ((one[order[0]] || 0) - (other[order[0]] || 0)));
  const columns = [["number", t("web.number")], ["voltage", t("web.voltage")], ["apart", t("web.by.mean")]];
  if (reading.cell_resistances) columns.push(["wire", t("web.wire")]);
  return html`<div class="scroll-x"><table><thead><tr>${columns.map(([key, word]) => html`<th key=${key} scope="col" aria-sort=${order[0] === key ? (order[1] > 0 ? "ascending" : "descending") : "none"}><button onClick=${() => setOrder([key, order[0] === key ? -order[1] : 1])}>${word}</button></th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.number}><th scope="row">${row.number}</th><td>${quantity("cell", row.voltage)}</td><td>${number(row.apart, 0, true)}${"\u00a0"}${t("units.mV")}</td>${row.wire !== undefined && html`<td>${quantity("wire", row.wire)}</td>`}</tr>`)}</tbody></table></div>`;
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
    ${faults.map((fault) => html`<div key=${fault.number + fault.kind}><p class="value with-icon maybe"><${Icon} name="warning" />${t("bot.health.fault", { number: fault.number, verdict: words("health." + fault.kind, fault.kind), sure: number(100 * fault.sure) })}</p><p class="small">${words(`health.${fault.kind}.advice`, "")}</p></div>`)}
    <p>${faults.length ? cells.length > faulty && count("bot.health.others_good", cells.length - faulty) : verdict}</p>
  <//>`;
}

function Energy({ battery }) {
  const { reading = {} } = battery;
  const meters = reading.meters || {};
  const out = energyOf([battery], "discharged_kwh"), into = energyOf([battery], "charged_kwh");
  const rows = [
    ["in_today", "energy", into[6]],
    ["out_today", "energy", out[6]],
    ["total_in", "energy", meters.charged_kwh],
    ["total_out", "energy", meters.discharged_kwh],
    ["capacity", "charge", reading.learned_capacity === undefined ? reading.capacity : reading.learned_capacity],
    ["soh", "soc", reading.soh],
  ].filter(([, , value]) => value !== undefined);
  if (!rows.length) return null;
  return html`<${Card} title=${t("web.energy")}><${Rows}>
    ${rows.map(([word, form, value]) => html`<${Row} label=${t("web." + word)} value=${quantity(form, value)} key=${word} />`)}
    ${reading.cycles !== undefined && html`<${Row} label=${t("web.cycles")} value=${number(reading.cycles)} />`}
  <//><//>`;
}

// Why there may be no data: asked for, since it takes a while.
function Doctor({ battery }) {
  const [found, setFound] = useState(null);
  const streaming = battery.link && battery.link.state === "streaming";
  if (streaming || !told.value.control) return null;
  const look = async () => {
    const [mine] = await ask(address("api/doctor", { device: battery.address }));
    setFound(mine || null);
    return false;
  };
  return html`<${Card} also="">
    <${Action} label=${t("web.doctor")} busy=${t("web.doctor.busy")} work=${look} />
    ${found && html`<div class="stack"><p class="value">${found.verdict}</p>
      ${(found.causes || []).map((cause) => html`<p class="small" key=${cause.code}><b>${words(`link.cause.${cause.code}.meaning`, cause.meaning)}</b> <${Num}>${Math.round(100 * cause.sure)}${"\u00a0%"}<//><br />${words(`link.cause.${cause.code}.action`, cause.action)}</p>`)}</div>`}
  <//>`;
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
  const settings = facts && facts.settings && Object.keys(facts.settings).length > 0;
  return html`<${Card} title=${t("web.details")}><${Rows}>${rows.map(([word, value]) => html`<${Row} label=${t("web." + word)} value=${html`<${Name}>${value}<//>`} key=${word} />`)}<//>
    ${settings && html`<div class="actions"><button onClick=${() => openSheet("settings")}>${t("web.bms_settings")}</button></div>`}<//>`;
}

// The settings of the BMS, under the names that its maker's documents and other programs use.
function Settings({ settings }) {
  const rows = Object.entries(settings).filter(([, value]) => value !== null && typeof value !== "object");
  return html`<${Sheet} name="settings" title=${t("web.bms_settings")} onClose=${closeSheet}>
    <p class="small quiet">${t("web.bms_settings_note")}</p>
    <${Rows}>${rows.map(([name, value]) => html`<${Row} label=${name.replace(/_/g, " ")} value=${typeof value === "number" ? shown(value) : String(value)} key=${name} />`)}<//>
  <//>`;
}

// As many decimals as the value has, three at most.
const shown = (value) => number(value, Math.min(3, (String(value).split(".")[1] || "").length));
