// One value, looked at closely: what it means, who says so, how old it is, its last 24 hours, its limits.

import { html } from "../lib.js";
import { address, ask } from "../api.js";
import { t, told as words } from "../words.js";
import { ago, number, quantity } from "../format.js";
import { isOld, now, reached } from "../store.js";
import { Age, Figure, Icon, Row, Rows, Sheet, labelOf, useAnswer } from "../parts.js";
import { DayBars, Trace } from "../spark.js";
import { closeSheet, url } from "../router.js";

const DAY = 864e5, POINTS = 288, AGAIN = 120; // ms, points of a trace, s after which it is asked for anew
const HERE = "monitor", BMS = "bms"; // who says so

// Each value that opens: its form, where it stands in a reading, its column of history, the limits that the BMS has set.
const VALUES = {
  charge: { form: "soc", of: (reading) => reading.battery_soc, key: "battery_soc", range: [0, 100] },
  voltage: { form: "voltage", of: (reading) => reading.voltage, key: "voltage" },
  current: { form: "current", of: (reading) => reading.current, key: "current", limits: [["max_charge_current", 1], ["max_discharge_current", -1]] },
  power: { form: "battery_power", of: (reading) => reading.power, key: "power" },
  remaining: { form: "charge", of: (reading) => reading.charge, key: "remaining_ah" },
  delta: { form: "delta", of: (reading) => 1000 * reading.cell_delta, key: "cell_delta", times: 1000 },
  mosfet: { form: "temperature", of: (reading) => reading.mos_temperature, key: "mosfet_temperature", limits: [["mos_otp", 1]] },
  temperature: { form: "temperature", limits: [["charge_utp", 1], ["charge_otp", 1], ["discharge_otp", 1]] },
  cell: { form: "cell", limits: [["cell_uvp", 1], ["cell_ovp", 1]] },
  in_today: { form: "energy", source: HERE },
  out_today: { form: "energy", source: HERE },
  total_in: { form: "energy", of: ({ meters = {} }) => meters.charged_kwh, source: HERE },
  total_out: { form: "energy", of: ({ meters = {} }) => meters.discharged_kwh, source: HERE },
  capacity: { form: "charge", of: (reading) => (reading.learned_capacity === undefined ? reading.capacity : reading.learned_capacity) },
  soh: { form: "soc", of: (reading) => reading.soh },
  cycles: { of: (reading) => reading.cycles },
};

// What the hash of the address opens: a name of VALUES, `probe-2`, `cell-4`; null: no value.
function wanted(hash, reading) {
  const [, kind, which] = /^(cell|probe)-(\d+)$/.exec(hash) || [];
  if (!kind) return hash in VALUES && VALUES[hash].of ? { name: hash, ...VALUES[hash], value: VALUES[hash].of(reading) } : null;
  const numbers = kind === "cell" ? reading.cell_numbers || (reading.cells || []).map((_, n) => n + 1) : reading.probe_numbers || (reading.temperatures || []).map((_, n) => n + 1);
  const at = numbers.indexOf(Number(which));
  if (at < 0) return null;
  if (kind === "cell") return { name: "cell", ...VALUES.cell, key: "cell_" + which, value: reading.cells[at], number: Number(which), wire: (reading.cell_resistances || [])[at] };
  return { name: "temperature", ...VALUES.temperature, key: "temperature_" + which, value: reading.temperatures[at], number: Number(which) };
}

// `week`: of what is counted by day, the last seven.
export function Value({ battery, detail, hash, week }) {
  const { reading = {} } = battery;
  const one = hash in week ? { name: hash, ...VALUES[hash], value: week[hash][6] } : wanted(hash, reading);
  const keys = one && one.key && [one.key, ...(one.name === "cell" ? ["cell_min", "cell_max"] : one.name === "charge" ? ["soc_low", "soc_high"] : [])];
  const end = now();
  const [series] = useAnswer(keys && reached() && battery.address + keys.join(), (signal) => ask(address("api/history", { device: battery.address, keys: keys.join(), from: new Date(end - DAY).toISOString(), to: end.toISOString(), points: POINTS }), { signal }), AGAIN);
  if (!one) return null;
  const old = isOld(battery);
  const settings = (detail && detail.facts && detail.facts.settings) || {};
  const limits = (one.limits || []).filter(([key]) => typeof settings[key] === "number").map(([key, sign]) => [key, sign * settings[key]]);
  const known = one.value !== undefined && !Number.isNaN(one.value);
  const title = one.name === "cell" ? t("web.cell", { number: one.number }) : one.name === "temperature" ? t("web.probe", { number: one.number }) : t("web." + one.name);
  const shown = !known ? "–" : one.form ? quantity(one.form, one.value) : number(one.value);
  return html`<${Sheet} name=${hash} title=${`${title} · ${labelOf(battery)}`} onClose=${closeSheet}><div class="stack">
    <div class="with-age"><${Figure} value=${shown} old=${old} /><${Age} of=${battery} /></div>
    ${known ? html`<p class="small quiet">${sourceOf(one, reading)}</p>` : html`<p>${t("web.unknown.bms")}</p>`}
    <p>${t("web.means." + one.name)}</p>
    ${one.name === "cell" && known && html`<${OfCell} one=${one} reading=${reading} report=${detail && detail.health} />`}
    ${keys && html`<${Trace} series=${series} one=${one} limits=${limits.map(([, value]) => value)} begin=${+end - DAY} end=${+end} />`}
    ${hash in week && html`<${DayBars} values=${week[hash]} out=${hash === "out_today"} label=${t("web.week")} /><p class="tiny quiet">${t("web.week")}</p>`}
    ${limits.length > 0 && html`<${Rows}>${limits.map(([key, value]) => html`<${Row} key=${key} label=${t("web.limit." + key)} value=${quantity(one.form, value)} />`)}<//>`}
    <p><a href=${url("history?device=" + battery.number)}>${t("web.nav.history")}</a></p>
  </div><//>`;
}

// Who says so: the BMS, or the monitor by counting.
function sourceOf({ name, source }, reading) {
  if (name !== "charge") return t("web.source." + (source || BMS));
  const from = words("web.source." + reading.battery_soc_source, t("web.source." + BMS));
  const { soc_anchor: anchor, soc_anchor_age: age } = reading;
  return anchor && age !== undefined ? `${from}; ${t("web.anchor." + anchor, { ago: ago(age) })}` : from;
}

// A cell against its pack, and what is known of its health.
function OfCell({ one, reading, report }) {
  const mean = reading.cell_average === undefined ? reading.cells.reduce((sum, value) => sum + value, 0) / reading.cells.length : reading.cell_average;
  const health = ((report && report.cells) || []).find((cell) => cell.number === one.number);
  const percent = (value) => `${number(value, 1, true)}${"\u00a0"}%`;
  const sure = (sigma) => (sigma === undefined || sigma === null ? "" : ` ±${number(2 * sigma, 1)}`);
  const rows = [[t("web.by.mean"), `${number(1000 * (one.value - mean), 0, true)}${"\u00a0"}${t("units.mV")}`]];
  if (one.wire !== undefined) rows.push([t("web.wire"), quantity("wire", one.wire)]);
  const has = (value) => value !== undefined && value !== null;
  if (health && has(health.resistance)) rows.push([t("web.cell.resistance"), `${number(1000 * health.resistance, 2)}${"\u00a0"}mΩ${has(health.resistance_excess) ? ` (${percent(100 * health.resistance_excess)})` : ""}`]);
  if (health && has(health.size)) rows.push([t("web.cell.size"), percent(health.size) + sure(health.size_sigma)]);
  if (health && has(health.loss_month)) rows.push([t("web.cell.loss"), percent(health.loss_month) + sure(health.loss_month_sigma)]);
  return html`${health && html`<${Verdict} cell=${health} />`}<${Rows}>${rows.map(([label, value]) => html`<${Row} key=${label} label=${label} value=${value} />`)}<//>`;
}

export const faultWords = (kind, part = "") => words(`health.${kind.replace(/ /g, "_")}${part}`, part ? "" : kind);

function Verdict({ cell }) {
  if (!cell.faults.length) return html`<p>${t(cell.verdict === "good" ? "web.cell.good" : "bot.health.early")}</p>`;
  return cell.faults.map((fault) => html`<div key=${fault.kind}><p class="value with-icon maybe"><${Icon} name="warning" />${t("bot.health.fault", { number: cell.number, verdict: faultWords(fault.kind), sure: number(100 * fault.sure) })}</p><p class="small">${faultWords(fault.kind, ".advice")}</p></div>`);
}
