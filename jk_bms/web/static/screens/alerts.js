// Alerts: what is open, what was; what it means, what to do, and keeping quiet about it.

import { html, useEffect, useState } from "../lib.js";
import { address, ask } from "../api.js";
import { t } from "../words.js";
import { dateOf, clock, moment, span } from "../format.js";
import { now, reached, state, told } from "../store.js";
import { Action, Card, Chips, Icon, Name, Sheet, failure, said, severityOf, useNews } from "../parts.js";
import { closeSheet, openSheet, route } from "../router.js";

const keyOf = (alert) => `${alert.subject}-${alert.code}` + (alert.part ? "-" + alert.part : "");

export function Alerts() {
  const [which, setWhich] = useState("open");
  const { alerts, alerts_before: before } = state.value;
  const listed = alerts || before || [];
  const opened = listed.find((alert) => route.value.hash && (keyOf(alert) === route.value.hash || `${alert.subject}-${alert.code}` === route.value.hash));
  return html`<div class="wide"><${Chips} label=${t("web.nav.alerts")} value=${which} pick=${setWhich} options=${[["open", `${t("web.open")} ${listed.length || ""}`], ["past", t("web.past")]]} /></div>
    ${which === "open" ? html`<${Open} alerts=${listed} known=${Boolean(alerts)} />` : html`<${Past} />`}
    ${opened && html`<${One} alert=${opened} />`}`;
}

function Open({ alerts, known }) {
  const loud = alerts.filter((alert) => !alert.muted), quiet = alerts.filter((alert) => alert.muted);
  if (!alerts.length) {
    return html`<${Card} also="wide empty"><${Icon} name=${known ? "over" : "info"} /><p>${t(known ? "web.none_open" : "web.open_unknown")}</p><//>`;
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
      ${alert.muted_until && html`<p class="small">${t("web.muted_until", { time: moment(new Date(alert.muted_until), now()) })}</p>`}
      ${told.value.control && html`<div class="actions">
        ${severity === "critical" && !alert.muted && !sure
          ? html`<${Action} label=${t("web.ack")} done=${t("web.ack.done")} kind="primary" work=${work("ack", {})} /><button onClick=${() => setSure(true)}>${t("web.muted")}</button>`
          : html`${sure && html`<p class="sure">${t("web.mute.sure")}</p>`}${times.map(mute)}`}
      </div>`}
    </div>
  <//>`;
}

function Past() {
  const [pages, setPages] = useState([]);
  const [next, setNext] = useState(undefined);
  const [trouble, setTrouble] = useState(null);
  const load = async (before) => {
    try {
      const answer = await ask(address("api/alerts", { state: "past", before, limit: 50 }));
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
  const days = new Map();
  for (const alert of pages) {
    const day = dateOf(new Date(alert.time));
    days.set(day, [...(days.get(day) || []), alert]);
  }
  return html`${[...days].map(([day, alerts]) => html`<${Card} also="wide" title=${day} key=${day}><div class="items">${alerts.map((alert) => {
    const severity = alert.facts.what === "cleared" ? "over" : severityOf(alert.facts);
    return html`<div key=${alert.id}><${Icon} name=${severity} also=${"sev-" + severity} /><span class="text"><${Name}>${said(alert, "title") === "–" ? alert.text : said(alert, "title")}<//></span><span class="small quiet num">${clock(new Date(alert.time))}</span></div>`;
  })}</div><//>`)}
  ${next && html`<div class="wide actions"><button onClick=${() => load(next)}>${t("web.show_more")}</button></div>`}`;
}
