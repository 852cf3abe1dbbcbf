// Home: what is now, how long it lasts, what is wrong.

import { html, useMemo, useState } from "../lib.js";
import { address, ask } from "../api.js";
import { t, told as words, words as texts } from "../words.js";
import { clock, dayKey, moment, percent, quantity, shownSoc, span, spanBetween } from "../format.js";
import { isOld, lasted, now, reached, state, tick, told } from "../store.js";
import { Action, Age, Card, Figure, Hero, Icon, Name, Num, SocBar, failure, labelOf, useAnswer } from "../parts.js";
import { Flow, flowSentence } from "../flow.js";
import { CellColumns, DayBars, SocPicture, chargeSentence } from "../spark.js";
import { Inverters } from "./inverters.js";
import { choice, choose } from "../keep.js";
import { url } from "../router.js";

// A value that opens what it means: the sheet is one of the battery's page.
export const Touch = ({ battery, name, children }) => html`<a class="touch" href=${url(`battery/${battery.number}#${name}`)}>${children}</a>`;

const MINUTE = 6e4, DAY = 864e5;
const MORNING = "07:00"; // until then it should last, when the owner chose nothing else
const AGAIN = 120; // s after which history and outlook are asked for anew

export function Home() {
  const { batteries, house, inverter } = state.value;
  tick.value;
  if (!batteries.length) {
    return html`<${Card} also="wide empty"><p>${t("web.no_battery")}</p><p class="quiet">${t("web.no_battery_do")}</p><//>`;
  }
  const one = batteries.length === 1 ? batteries[0] : null;
  const newest = one || batteries.find((each) => !isOld(each)) || batteries[0];
  return html`
    ${one ? html`<${BatteryHero} battery=${one} outlook=${true} figures="wide-only" />` : html`<${HouseHero} house=${house || {}} batteries=${batteries} />`}
    ${(inverter || (house && house.power !== undefined)) && html`<${Flow} house=${house || {}} inverter=${inverter} battery=${newest} />`}
    <${Inverters} />
    ${!one && batteries.map((each) => html`<${BatteryCard} battery=${each} key=${each.address} />`)}
    <${TwoDays} batteries=${batteries} />
    <${Today} batteries=${batteries} />
    ${one && html`<${Cells} battery=${one} /><${Link} battery=${one} also="c3" />`}
    <${ReadAloud} />
  `;
}

// Numbers never speak by themselves: they change too often. This says them once, to who asks.
function ReadAloud() {
  const [text, setText] = useState("");
  const say = () => {
    const { house = {}, inverter } = state.value;
    const lines = [];
    if (house.soc !== undefined) lines.push(t("web.say.charge", { soc: shownSoc(house.soc) }));
    if (house.empty_in) lines.push(t("web.empty_in", { span: spanBetween(...house.empty_in) }));
    else if (house.full_in) lines.push(t("web.full_in", { span: spanBetween(...house.full_in) }));
    setText(lines.join(". ") + ". " + flowSentence(house, inverter) + ".");
  };
  return html`<div class="wide"><button class="hidden" onClick=${say}>${t("web.read_state")}</button><p class="hidden" aria-live="polite">${text}</p></div>`;
}

export function BatteryHero({ battery, outlook, also, figures }) {
  const { reading = {} } = battery;
  const old = isOld(battery);
  if (!reading.time && reading.voltage === undefined) {
    const link = battery.link && words("bot.link." + battery.link.state, "");
    return html`<${Card} title=${html`<${Name}>${labelOf(battery)}<//>`} also="wide"><p>${t("web.nothing_yet", { name: labelOf(battery) })}</p><p class="quiet">${link}</p><//>`;
  }
  return html`<${Hero} title=${html`<${Name}>${labelOf(battery)}<//>`} age=${html`<${Age} of=${battery} />`} old=${old} also=${also}
    more=${url(`battery/${battery.number}#charge`)} soc=${reading.battery_soc} low=${reading.soc_low} high=${reading.soc_high} source=${reading.battery_soc_source}
    empty=${reading.empty_in} full=${reading.full_in} figures=${figures && html`<${Figures} battery=${battery} old=${old} also=${figures} />`}>
    ${outlook && !old && html`<${Until} device=${battery.address} />`}
  <//>`;
}

// What flows, how warm it is, what is left: the figures below the bar.
function Figures({ battery, old, also }) {
  const { reading } = battery;
  const rows = [
    ["voltage", "voltage", reading.voltage],
    ["current", "current", reading.current],
    ["power", "battery_power", reading.power],
    ["remaining", "charge", reading.charge],
    ...(reading.temperatures || []).map((value, n) => {
      const probe = (reading.probe_numbers || [])[n] || n + 1;
      return ["probe-" + probe, "temperature", value, t("web.probe", { number: probe })];
    }),
    ["mosfet", "temperature", reading.mos_temperature],
  ].filter(([, , value]) => value !== undefined);
  return html`<dl class=${"figures " + also}>${rows.map(([name, form, value, word]) => html`<div key=${name}><dt class="small quiet">${word || t("web." + name)}</dt><dd class="value"><${Touch} battery=${battery} name=${name}><${Num} old=${old}>${quantity(form, value)}<//><//></dd></div>`)}</dl>`;
}

function HouseHero({ house, batteries }) {
  const names = Object.fromEntries(batteries.map((each) => [each.address, labelOf(each)]));
  return html`<${Hero} title=${t("web.all")} soc=${house.soc} low=${house.soc_low} high=${house.soc_high} left=${house.left_kwh}
    empty=${house.empty_in} full=${house.full_in} old=${house.soc === undefined || batteries.every(isOld)}>
    ${!batteries.every(isOld) && html`<${Until} />`}
    ${(house.left_out || []).map((each) => html`<p class="small quiet" key=${each.address}>${t("web.not_counted", { name: names[each.address] || each.label, why: words("bot.house.why." + each.why, each.why) })}</p>`)}
  <//>`;
}

// Whether the charge lasts until the morning, or the time that the owner chose.
function Until({ device }) {
  const [until, setUntil] = useState(choice("until") || MORNING);
  const [outlook] = useAnswer(reached() && `${device}${until}`, (signal) => ask(address("api/outlook", { device, until }), { signal }), AGAIN);
  const [asking, setAsking] = useState(false);
  const grid = state.value.inverter && state.value.inverter.grid && state.value.inverter.grid.state === "present";
  const condition = (text) => grid && html`<p class="small quiet">${text}</p>`;
  if (!outlook || !outlook.verdict) return html`${condition("\u00a0")}<p class="until"></p>`; // its place is kept: nothing below may jump
  const icon = { yes: "yes", maybe: "maybe", no: "no" }[outlook.verdict];
  const time = outlook.until ? moment(new Date(outlook.until), now()) : until;
  const left = outlook.soc_high > 0 ? t("web.until.left", { low: shownSoc(outlook.soc_low), high: shownSoc(outlook.soc_high) }) : "";
  return html`${condition(t("web.until.if_failed"))}
    <p class="until"><span class=${outlook.verdict}><${Icon} name=${icon} /></span><span><button class="plain bare" aria-expanded=${String(asking)} onClick=${() => setAsking(!asking)}>${t("web.until." + outlook.verdict, { time })}</button> <${Num}><span class="quiet">${left}</span><//></span></p>
    ${asking && html`<p><label class="small" for="until">${t("web.until.ask")}</label><input id="until" type="time" value=${until} onChange=${(event) => {
      if (!event.target.value) return;
      choose("until", event.target.value);
      setUntil(event.target.value);
      setAsking(false);
    }} /></p>`}`;
}

function BatteryCard({ battery }) {
  const { reading = {} } = battery;
  const old = isOld(battery);
  const values = [
    ["battery_power", reading.power],
    ["voltage", reading.voltage],
    ["temperature", reading.temperature],
    ["delta", reading.cell_delta === undefined ? undefined : 1000 * reading.cell_delta],
  ].filter(([, value]) => value !== undefined);
  return html`<${Card} also="c6" title=${html`<a href=${url("battery/" + battery.number)}><${Name}>${labelOf(battery)}<//></a>`} age=${html`<${Age} of=${battery} />`}>
    ${reading.battery_soc === undefined
      ? html`<p>${values.length ? t("web.charge_unknown") : t("web.nothing_yet", { name: labelOf(battery) })}</p>`
      : html`<${Figure} value=${percent(reading.battery_soc)} old=${old} /><${SocBar} soc=${reading.battery_soc} old=${old} thin=${true} />`}
    <p class="figures small values">${values.map(([form, value]) => html`<${Num} old=${old} key=${form}>${quantity(form, value)}<//>`)}</p>
  <//>`;
}

export function TwoDays({ batteries, also = "wide" }) {
  const addresses = batteries.map((each) => each.address);
  const base = Math.floor(now() / MINUTE) * MINUTE;
  const [series] = useAnswer(reached() && addresses.join(), (signal) => Promise.all(addresses.map((device) => chargeOf(device, signal))), AGAIN);
  const [outlook] = useAnswer(reached() && addresses.length === 1 && addresses[0] + "ahead", (signal) => ask(address("api/outlook", { device: addresses[0], until: choice("until") || MORNING }), { signal }), AGAIN);
  const { reading = {} } = batteries[0];
  const drawn = series && series.filter((one) => !one.failed), failed = series && (series.find((one) => one.failed) || {}).failed;
  const ahead = outlook && outlook.until && reading.soc_low !== undefined && !isOld(batteries[0])
    ? { from: [reading.soc_low, reading.soc_high], to: [outlook.soc_low, outlook.soc_high], time: Math.min(Date.parse(outlook.until), base + DAY) }
    : null;
  // Hundreds of points: drawn anew when they or the minute changed, not with each reading.
  const picture = useMemo(() => {
    const label = drawn && drawn[0] ? chargeSentence(t("web.charge"), drawn[0]) : t("web.hours48");
    return html`<${SocPicture} series=${drawn} ahead=${ahead} begin=${base - DAY} end=${base + DAY} now=${base} label=${label} />`;
  }, [series, base, outlook, texts.value, ahead && ahead.from[0].toFixed(), ahead && ahead.from[1].toFixed()]);
  return html`<${Card} title=${html`<a href=${url("history")}>${t("web.hours48")}</a>`} also=${also} age=${html`<span class="legend">
      <span><svg><rect class="soc-legend" width="16" height="3" y="4" /></svg>${t("web.charge")}</span>${batteries.length === 1 && html`<span><svg><rect class="soc-legend pale" width="16" height="10" /></svg>${t("web.forecast")}</span>`}
      <span><svg><rect fill="url(#cut)" width="16" height="10" /></svg>${t("web.cut")}</span></span>`}>
    ${failed && html`<p class="wrong small"><${Icon} name="error" />${t("web.history_away", { reason: failed })}</p>`}
    ${picture}
  <//>`;
}

const chargeOf = (device, signal) => {
  const to = now();
  return ask(address("api/history", { device, keys: "battery_soc,soc_low,soc_high", from: new Date(to - DAY).toISOString(), to: to.toISOString(), points: 288 }), { signal }).catch((error) => {
    if (error.name === "AbortError") throw error;
    return { failed: failure(error) };
  });
};

// Energy of the last seven days, all batteries together; undefined where it is not known.
export function energyOf(batteries, key) {
  const today = now();
  return [6, 5, 4, 3, 2, 1, 0].map((back) => {
    const day = dayKey(new Date(today - back * DAY));
    const known = batteries.map((each) => each.days && each.days[day] && each.days[day][key]).filter((value) => value !== undefined && value !== null);
    return known.length ? known.reduce((sum, value) => sum + value, 0) : undefined;
  });
}

function Today({ batteries }) {
  const cards = [["in_today", "charged_kwh", false], ["out_today", "discharged_kwh", true]];
  const today = Math.floor(now() / MINUTE);
  return useMemo(() => cards.map(([word, key, out]) => {
    const week = energyOf(batteries, key);
    if (week.every((value) => value === undefined)) return null;
    return html`<${Card} title=${t("web." + word)} also=${batteries.length > 1 ? "c6 half" : "c3 half"} key=${key}>
      <${Figure} value=${quantity("energy", week[6])} />
      <${DayBars} values=${week} out=${out} label=${t("web.week")} /><p class="tiny quiet">${t("web.week")}</p>
    <//>`;
  }), [today, texts.value, ...batteries.map((each) => each.days)]);
}

function Cells({ battery }) {
  const { reading = {}, number } = battery;
  if (!reading.cells || !reading.cells.length) return null;
  const old = isOld(battery);
  return html`<${Card} also="c3" title=${html`<a href=${url(`battery/${number}#cells`)}>${t("web.cells")}</a>`} age=${html`<${Age} of=${battery} />`}>
    <${Figure} value=${quantity("delta", 1000 * reading.cell_delta)} old=${old} />
    <${CellColumns} cells=${reading.cells} label=${t("web.cells")} />
    <p class="tiny quiet"><${Num}>${t("web.cells_between", { low: quantity("cell", reading.cell_min.v), high: quantity("cell", reading.cell_max.v) })}<//></p>
  <//>`;
}

const CHOICES = [2, 10, 30, 60], USUAL = 10; // min that a phone may have the battery

export const bars = (rssi) => (rssi === undefined || rssi === null ? 0 : rssi >= -65 ? 4 : rssi >= -75 ? 3 : rssi >= -85 ? 2 : 1);

export function Link({ battery, also = "c6" }) {
  tick.value;
  const { link } = battery;
  const [minutes, setMinutes] = useState(USUAL);
  if (!link) return html`<${Card} title=${t("web.link")} also=${also} id="link"><p class="quiet">${t("bot.link.unknown")}</p><//>`;
  const streaming = link.state === "streaming";
  const released = link.state === "released";
  const left = released && link.released_for !== undefined ? Math.max(0, link.released_for - lasted(0, link)) : undefined;
  const causes = !streaming && !released ? (link.causes || []).slice(0, 3) : [];
  const outage = link.last_outage;
  const how = words("bot.link." + link.state, link.state);
  return html`<${Card} title=${t("web.link")} also=${also} id="link">
    <p class="with-icon"><${Icon} name=${"signal-" + (streaming ? bars(link.rssi) : 0)} /><span>${released && left !== undefined ? t("web.release.until", { time: clock(new Date(+now() + 1000 * left)) }) : link.for === undefined ? how : t("bot.link.for", { state: how, span: span(lasted(link.for, link)) })}</span></p>
    ${streaming && link.rssi !== undefined && html`<p class="small quiet"><${Num}>${t("web.link.signal", { signal: quantity("signal", link.rssi) })}<//></p>`}
    ${released && html`<p class="small quiet">${t("web.release.app")}</p>`}
    ${causes.length > 0 && html`<div class="stack small">${causes.map((cause) => html`<p key=${cause.code}><b>${words(`link.cause.${cause.code}.meaning`, cause.meaning)}</b> <${Num}>${Math.round(100 * cause.sure)}${"\u00a0%"}<//><br />${words(`link.cause.${cause.code}.action`, cause.action)}</p>`)}</div>`}
    ${streaming && outage && html`<p class="small quiet">${t("web.link.last_outage", { span: span(outage.lasted) })}${outage.cure && ". " + t("web.link.helped", { rung: words("link.rung." + outage.cure, outage.cure) })}</p>`}
    ${told.value.control && (released
      ? html`<div class="actions"><${Action} label=${t("web.resume")} busy=${t("web.resume.busy")} kind="primary" work=${() => ask("api/request/resume", { method: "POST", body: { device: battery.address } }).then(() => "")} /></div>`
      : html`<div class="actions"><${Action} icon="phone" label=${t("web.release")} busy=${t("web.release.busy")} work=${() => ask("api/request/release", { method: "POST", body: { device: battery.address, seconds: 60 * minutes } }).then(() => "")} />
          <select aria-label=${t("web.release.how_long")} value=${minutes} onChange=${(event) => setMinutes(Number(event.target.value))}>${CHOICES.map((each) => html`<option value=${each} key=${each}>${t("web.release.minutes", { count: each })}</option>`)}</select></div>`)}
    <p><a class="with-icon more" href=${url(`battery/${battery.number}#doctor`)}>${t("web.doctor")}</a></p>
  <//>`;
}
