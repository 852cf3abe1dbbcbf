// Settings: each with its value and where it comes from; those that take effect at once are changed here.

import { html, useEffect, useState } from "../lib.js";
import { ask } from "../api.js";
import { known, t } from "../words.js";
import { number, unit as unitOf } from "../format.js";
import { pollerUp, reached } from "../store.js";
import { Card, Icon, Sheet, failure } from "../parts.js";
import { closeSheet, openSheet, route } from "../router.js";

const SOME = 8; // settings that are listed until more are asked for
const NAMES = { en: "English", uk: "Українська" }; // of the languages, each in itself
const SWITCH = { true: "web.yes", false: "web.no" };
const OF = "set-"; // what the sheet of a setting is called by, before its key

const worded = (text) => (text in SWITCH ? t(SWITCH[text]) : known("alerts.severity." + text) ? t("alerts.severity." + text) : NAMES[text] || text);
const UNITS = { s: "second", h: "hour", days: "day" }; // of the table, where our words are called otherwise
const unitWord = ({ unit }) => (known("units." + (UNITS[unit] || unit)) ? "\u00a0" + unitOf(UNITS[unit] || unit) : "");

export function valueWord(row) {
  if (row.secret) return t(row.set ? "web.settings.secret" : "web.settings.unset");
  return row.value === undefined || row.value === "" ? t("web.settings.unset") : worded(row.value) + unitWord(row);
}
const placeOf = (source) => source.replace(/ line (\d+)$/, (_, line) => ", " + t("web.settings.line", { line }));
// Where a value comes from; `short`: without the folders.
const sourceWord = ({ source }, short) => (!source || source === "default" ? t("web.settings.default") : t("web.settings.env", { source: placeOf(short ? source.split("/").pop() : source) }));

export function Settings({ rows: first }) {
  const [rows, setRows] = useState(first);
  useEffect(() => setRows(first), [first]); // another language asks anew
  const [wanted, setWanted] = useState("");
  const [all, setAll] = useState(false);
  const word = wanted.trim().toLowerCase();
  const ordered = [...rows].sort((one, other) => rank(one) - rank(other));
  const shown = ordered.filter((row) => !word || `${row.key} ${row.meaning || ""}`.toLowerCase().includes(word));
  const opened = rows.find((row) => OF + row.key === route.value.hash);
  return html`<${Card} title=${t("web.settings")} also="wide stack" id="settings">
    <div class="field"><label for="find" class="small">${t("web.settings.find")}</label><input id="find" type="search" value=${wanted} onInput=${(event) => setWanted(event.target.value)} autocomplete="off" /></div>
    ${!shown.length && html`<p class="quiet">${t("web.settings.none")}</p>`}
    <div class="items">${(all || word ? shown : shown.slice(0, SOME)).map((row) => html`<button key=${row.key} class="setting" onClick=${() => openSheet(OF + row.key)}><span class="text">${row.meaning}<br /><code class="small">${row.key}</code></span>
      <span class="setting-value"><span class="value">${valueWord(row)}</span><br /><span class="small quiet">${sourceWord(row, true)}</span></span><${Icon} name=${changeable(row) ? "next" : "lock"} label=${changeable(row) ? undefined : t("web.settings.locked")} /></button>`)}</div>
    ${!all && !word && shown.length > SOME && html`<button onClick=${() => setAll(true)}>${t("web.show_more")}</button>`}
    ${opened && html`<${One} row=${opened} take=${setRows} key=${opened.key} />`}
  <//>`;
}

const changeable = (row) => row.at_once && !row.locked;
// What a household changes comes first, then what is for the inverter program and the log, then what is only read here.
const rank = (row) => (changeable(row) ? (/^(BMS|LOG)_/.test(row.key) ? 1 : 0) : 2);

function One({ row, take }) {
  return html`<${Sheet} name=${row.key} title=${row.meaning} onClose=${closeSheet}><div class="stack">
    <p><code>${row.key}</code></p>
    <p><span class="value">${valueWord(row)}</span> <span class="small quiet">${sourceWord(row)}</span></p>
    ${changeable(row) ? html`<${Change} row=${row} take=${take} />` : html`<${ByHand} row=${row} />`}
  </div><//>`;
}

// What the field takes, in words; what was refused says it again with the value.
function expected({ low, high, example, choices }) {
  if (choices && choices.length) return "";
  return low !== undefined ? t("web.settings.range", { low: number(low, low % 1 ? 1 : 0), high: number(high, 0) }) : example ? t("web.settings.example", { example }) : "";
}

function Change({ row, take }) {
  const present = row.value === undefined ? "" : row.value;
  const [text, setText] = useState(present);
  const [phase, setPhase] = useState({});
  const put = async (value) => {
    setPhase({ busy: true });
    try {
      await ask("api/configs", { method: "PATCH", body: { [row.key]: value } });
      const fresh = await ask("api/configs");
      take(fresh);
      const now = fresh.find((each) => each.key === row.key) || {};
      setText(now.value === undefined ? "" : now.value);
      setPhase({ good: true });
    } catch (error) {
      setPhase({ wrong: failure(error) });
    }
  };
  const save = (event) => {
    event.preventDefault();
    put(row.low === undefined ? text.trim() : text.trim().replace(",", "."));
  };
  const can = reached() && pollerUp();
  const change = { id: "value", value: text, onInput: (event) => setText(event.target.value), "aria-invalid": phase.wrong ? "true" : undefined, "aria-describedby": "value-help" };
  return html`<form class="stack" onSubmit=${save}>
    <div class="field"><label for="value">${t("web.settings.value")}${unitWord(row) && html` <span class="quiet">(${unitWord(row).trim()})</span>`}</label>
      ${row.choices && row.choices.length
        ? html`<select ...${change}>${!row.default && html`<option value="">${t("web.settings.unset")}</option>`}${row.choices.map((each) => html`<option key=${each} value=${each}>${worded(each)}</option>`)}</select>`
        : html`<input ...${change} type=${/^\d\d:\d\d$/.test(row.example) ? "time" : "text"} inputmode=${row.low === undefined ? undefined : "decimal"} autocomplete="off" spellcheck=${false} />`}
      <p class="help" id="value-help">${[expected(row), row.default && t("web.settings.usual", { value: worded(row.default) })].filter(Boolean).join(" ")}</p>
      ${phase.wrong && html`<p class="wrong" role="alert"><${Icon} name="error" />${phase.wrong}</p>`}
      ${phase.good && html`<p class="yes" role="status">${t("web.settings.saved")}</p>`}
      ${!can && html`<p class="help">${t(reached() ? "web.settings.away" : "web.offline_control")}</p>`}</div>
    <div class="actions"><button class="primary" disabled=${phase.busy || !can || text === present}>${t("web.settings.save")}</button>
      ${row.set && html`<button type="button" disabled=${phase.busy || !can} onClick=${() => put("")}>${t("web.settings.back")}</button>`}</div>
  </form>`;
}

// What takes effect at the next start, or what the owner's own file says, is changed there.
function ByHand({ row }) {
  const value = row.secret ? "" : row.value === undefined ? row.example || "" : row.value;
  return html`${row.locked ? html`<p>${t("web.settings.wins", { source: placeOf(row.source) })}</p>` : html`<p>${t("web.settings.by_file", { file: row.file })}</p>`}
    <p><code>${row.key}=${value}${row.secret && "…"}</code></p>
    <p>${t("web.settings.restart")}</p><p><code>${row.command}</code></p>`;
}
