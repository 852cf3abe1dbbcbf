// Alerts: what is open, what was; what it means, what to do, and keeping quiet about it.

import { html, useEffect, useState } from "../lib.js";
import { address, ask } from "../api.js";
import { t } from "../words.js";
import { clock, dateOf, dayKey, moment, span } from "../format.js";
import { now, reached, state, told } from "../store.js";
import { Action, Card, Chips, Icon, Name, Sheet, failure, labelOf, said, severityOf, useAnswer, useNews } from "../parts.js";
import { closeSheet, openSheet, route, url } from "../router.js";

const keyOf = (alert) => `${alert.subject}-${alert.code}` + (alert.part ? "-" + alert.part : "");

export function Alerts() {
  const [which, setWhich] = useState("open");
  const [of, setOf] = useState("");
  const { alerts, alerts_before: before, batteries } = state.value;
  const listed = alerts || before || [];
  const { hash } = route.value;
  const opened = listed.find((alert) => hash && (keyOf(alert) === hash || `${alert.subject}-${alert.code}` === hash));
  const shown = listed.filter((alert) => !of || alert.subject === of);
  return html`<div class="wide history-head"><${Chips} label=${t("web.nav.alerts")} value=${which} pick=${setWhich} options=${[["open", `${t("web.open")} ${listed.length || ""}`], ["past", t("web.past")]]} />
      ${batteries.length > 1 && html`<${Chips} label=${t("web.nav.battery")} value=${of} pick=${setOf} options=${[["", t("web.everything")], ...batteries.map((each) => [each.address, html`<${Name}>${labelOf(each)}<//>`])]} />`}</div>
    ${which === "open" ? html`<${Open} alerts=${shown} known=${Boolean(alerts)} />` : html`<${Past} of=${of} key=${of} />`}
    ${opened && html`<${One} alert=${opened} />`}`;
}

// Since when nothing is wrong: when the newest alert was over.
async function lastOver(signal) {
  const { alerts } = await ask("api/alerts?state=past&limit=1", { signal });
  return alerts[0] && alerts[0].facts.what === "cleared" ? new Date(alerts[0].time) : null;
}

function Open({ alerts, known }) {
  const loud = alerts.filter((alert) => !alert.muted), quiet = alerts.filter((alert) => alert.muted);
  const [over] = useAnswer(known && !alerts.length && reached() && "over", lastOver);
  if (!alerts.length) {
    return html`<${Card} also="wide empty"><${Icon} name=${known ? "over" : "info"} /><p>${t(known ? "web.none_open" : "web.open_unknown")}</p><p class="small quiet">${known && over ? t("web.none_since", { time: moment(over, now()) }) : ""}</p><//>`;
  }
  return html`${!known && html`<p class="wide quiet">${t("web.open_unknown")}</p>`}
    ${loud.length > 0 && html`<${Card} also="wide"><div class="items">${loud.map((alert) => html`<${Line} alert=${alert} key=${keyOf(alert)} />`)}</div><//>`}
    ${quiet.length > 0 && html`<${Card} also="wide" title=${t("web.muted")}><div class="items">${quiet.map((alert) => html`<${Line} alert=${alert} key=${keyOf(alert)} />`)}</div><//>`}`;
}

function Line({ alert }) {
  const severity = severityOf(alert);
  return html`<button onClick=${() => openSheet(keyOf(alert))}><${Icon} name=${severity} also=${"sev-" + severity} label=${t("alerts.severity." + severity)} />
    <span class="text"><${Name}>${said(alert, "title")}<//><br /><span class="small quiet">${since(alert)}</span></span><${Icon} name="next" /></button>`;
}

const since = (alert) => {
  if (!alert.since) return t("web.code", { code: alert.code });
  const began = new Date(alert.since);
  return t("web.since", { time: moment(began, now()), span: span(Math.max(0, (now() - began) / 1000)) });
};

function One({ alert }) {
  const severity = severityOf(alert);
  const [sure, setSure] = useState(null);
  const work = (what, body) => () => ask(`api/alerts/${encodeURIComponent(alert.subject)}/${alert.code}/${what}`, { method: "POST", body });
  const mute = (time) => html`<${Action} key=${time} label=${t("web.mute." + time)} done=${t(time === "0" ? "web.mute.0" : "web.muted")} work=${work("mute", { for: time })} />`;
  const times = alert.muted ? ["0"] : ["1h", "8h", "until_over"];
  return html`<${Sheet} name=${keyOf(alert)} title=${said(alert, "title")} onClose=${closeSheet}>
    <div class="stack">
      <p class="with-icon"><${Icon} name=${severity} also=${"sev-" + severity} />${t("alerts.severity." + severity)}, ${t("web.code", { code: alert.code })}</p>
      ${said(alert, "numbers").split("\n").filter(Boolean).map((line) => html`<p class="small quiet" key=${line}><${Name}>${line}<//></p>`)}
      ${said(alert, "meaning") && html`<div><h3 class="small quiet">${t("web.meaning")}</h3><p>${said(alert, "meaning")}</p></div>`}
      ${said(alert, "action") && html`<div><h3 class="small quiet">${t("web.action")}</h3><p>${said(alert, "action")}</p></div>`}
      ${said(alert, "over").split("\n").filter((line) => line && !line.includes(String(alert.code))).map((line) => html`<p class="small" key=${line}>${line}</p>`)}
      <${Place} alert=${alert} />
      ${alert.muted_until && html`<p class="small">${t("web.muted_until", { time: moment(new Date(alert.muted_until), now()) })}</p>`}
      ${told.value.control && html`<div class="actions">
        ${severity === "critical" && !alert.muted && !sure
          ? html`<${Action} label=${t("web.ack")} done=${t("web.ack.done")} kind="primary" work=${work("ack", {})} /><button onClick=${() => setSure(true)}>${t("web.muted")}</button>`
          : html`${sure && html`<p class="sure">${t("web.mute.sure")}</p>`}${times.map(mute)}`}
      </div>`}
    </div>
  <//>`;
}

// Where to look closer: the cell, the way to the battery, or the battery itself.
function Place({ alert }) {
  const battery = state.value.batteries.find((each) => each.address === alert.subject);
  if (!battery) return null;
  const cell = /^\d+$/.test(alert.part) && (battery.reading.cell_numbers || []).includes(Number(alert.part)) && /^(cell|wire)/.test(alert.rule);
  const [word, hash] = cell ? [t("web.cell", { number: alert.part }), "#cell-" + alert.part] : alert.rule === "bms_silent" ? [t("web.doctor"), "#doctor"] : [labelOf(battery), ""];
  return html`<p><a class="with-icon more" href=${url(`battery/${battery.number}${hash}`)}>${word}</a></p>`;
}

// One step of an alert that was: what it meant, and what else was so on that day.
function Was({ alert }) {
  const { code, subject } = alert.facts;
  const [found] = useAnswer(reached() && "explain" + code, (signal) => ask("api/alerts/explain/" + code, { signal }));
  const battery = state.value.batteries.find((each) => each.address === subject) || state.value.batteries[0];
  return html`<${Sheet} name=${WAS + alert.id} title=${titleOf(alert)} onClose=${closeSheet}><div class="stack">
    <p class="small quiet">${moment(new Date(alert.time), now())}, ${t("web.code", { code })}</p>
    ${((found && found.text) || "").split("\n").filter(Boolean).map((line) => html`<p key=${line}>${line}</p>`)}
    ${battery && html`<p><a class="with-icon more" href=${url(address("history", { device: battery.number, from: dayKey(new Date(alert.time)), show: "day" }))}>${t("web.nav.history")}</a></p>`}
  </div><//>`;
}

const WAS = "past-"; // what the sheet of a past one is called in the address, before its id
const titleOf = (alert) => (said(alert, "title") === "–" ? alert.text : said(alert, "title"));

function Past({ of }) {
  const [pages, setPages] = useState([]);
  const [next, setNext] = useState(undefined);
  const [trouble, setTrouble] = useState(null);
  const load = async (before) => {
    try {
      const answer = await ask(address("api/alerts", { state: "past", device: of, before, limit: 50 }));
      setPages((was) => (before ? [...was, ...answer.alerts] : answer.alerts));
      setNext(answer.next);
      setTrouble(null);
    } catch (error) {
      setTrouble(failure(error));
    }
  };
  useEffect(() => {
    if (reached()) load();
  }, []);
  useNews((kind) => kind === "alert" && load());
  if (trouble) return html`<${Card} also="wide"><p class="wrong"><${Icon} name="error" />${trouble}</p><//>`;
  if (!pages.length) return html`<${Card} also="wide empty"><p>${t("web.none_past")}</p><//>`;
  const opened = pages.find((alert) => WAS + alert.id === route.value.hash);
  const days = new Map();
  for (const alert of pages) {
    const day = dateOf(new Date(alert.time));
    days.set(day, [...(days.get(day) || []), alert]);
  }
  return html`${[...days].map(([day, alerts]) => html`<${Card} also="wide" title=${day} key=${day}><div class="items">${alerts.map((alert) => {
    const severity = alert.facts.what === "cleared" ? "over" : severityOf(alert.facts);
    return html`<button key=${alert.id} onClick=${() => openSheet(WAS + alert.id)}><${Icon} name=${severity} also=${"sev-" + severity} /><span class="text"><${Name}>${titleOf(alert)}<//></span><span class="small quiet num">${clock(new Date(alert.time))}</span><${Icon} name="next" /></button>`;
  })}</div><//>`)}
  ${opened && html`<${Was} alert=${opened} key=${opened.id} />`}
  ${next && html`<div class="wide actions"><button onClick=${() => load(next)}>${t("web.show_more")}</button></div>`}`;
}
