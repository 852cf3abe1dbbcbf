// More: this browser, who may look, the ways in, the settings, what it is made of.

import { html, useState } from "../lib.js";
import { ask } from "../api.js";
import { facts, known, language, t } from "../words.js";
import { ago, moment, unit as unitOf } from "../format.js";
import { now, reached, state, told } from "../store.js";
import { Action, Card, Chips, Icon, Name, Num, Row, Rows, failure, useAnswer } from "../parts.js";
import { setLanguage, setTheme } from "../look.js";
import { choice, forget } from "../keep.js";

const NAMES = { en: "English", uk: "Українська" }; // of the languages, each in itself
const THEMES = ["auto", "light", "dark"];

// All that the screen shows, asked for together: what came one by one would push the rest about.
async function everything(signal) {
  const maybe = (path) => ask(path, { signal }).catch((error) => {
    if (error.name === "AbortError") throw error;
    return null;
  });
  const session = await maybe("api/session");
  const admin = Boolean(session) && session.scope === "admin";
  const [sessions, ways, log, settings] = await Promise.all([
    admin && maybe("api/sessions"), session && maybe("api/ways"), maybe("api/log?limit=" + EVENTS), admin && maybe("api/configs"),
  ]);
  return { session, sessions, ways, log, settings };
}

export function More() {
  const [found] = useAnswer(reached() && "more", everything);
  if (!found && reached()) return null;
  const { session, sessions, ways, log, settings } = found || {};
  return html`
    <div class="column c6"><${You} session=${session} /><${Ways} ways=${ways || []} /><${About} /></div>
    <div class="column c6">${sessions && html`<${People} session=${session} first=${sessions} />`}${log && html`<${Log} events=${log.events} />`}</div>
    ${settings && html`<${Settings} rows=${settings} />`}`;
}

function You({ session }) {
  const [theme, pick] = useState(choice("theme") || "auto");
  return html`<${Card} title=${t("web.you")} also="stack">
    <div><p class="small quiet">${t("web.language")}</p><${Chips} label=${t("web.language")} value=${language()} pick=${setLanguage} options=${facts().languages.map((name) => [name, NAMES[name] || name])} /></div>
    <div><p class="small quiet">${t("web.theme")}</p><${Chips} label=${t("web.theme")} value=${theme} pick=${(name) => {
      setTheme(name);
      pick(name);
    }} options=${THEMES.map((name) => [name, t("web.theme." + name)])} /></div>
    ${session && session.scope === "read" && html`<p class="quiet">${t("web.guest")}</p>`}
    ${session && html`<${Action} label=${t("web.sign_out")} work=${async () => {
      await ask("api/logout", { method: "POST" });
      await forget();
      location.assign(told.value.base + "login");
      return false;
    }} />`}
    ${session === null && html`<a class="button" href=${told.value.base + "login"}>${t("web.sign_in")}</a>`}
  <//>`;
}

function People({ session, first }) {
  const [sessions, setSessions] = useState(first);
  const [link, setLink] = useState(null);
  const end = (path) => async () => {
    await ask(path, { method: "DELETE" });
    setSessions(await ask("api/sessions"));
    return false;
  };
  const invite = async (event) => {
    event.preventDefault();
    try {
      setLink(await ask("api/guests", { method: "POST", body: { name: new FormData(event.target).get("name") } }));
    } catch (error) {
      setLink({ wrong: failure(error) });
    }
  };
  return html`<${Card} title=${t("web.people")} also="stack">
    <div class="items">${sessions.map((one) => html`<div key=${one.id}><${Icon} name="phone" /><span class="text"><${Name}>${one.name || one.browser}<//> ${one.this && html`<span class="small quiet">(${t("web.session.this")})</span>`}<br />
      <span class="small quiet">${one.name ? one.browser + " · " : ""}${t("web.session.used", { ago: ago(Math.max(0, (now() - new Date(one.used)) / 1000)) })}</span></span>
      ${!one.this && html`<button class="icon-only" aria-label=${t("web.session.end", { name: one.name || one.browser })} title=${t("web.session.end", { name: one.name || one.browser })} onClick=${end("api/sessions/" + one.id)}><${Icon} name="close" /></button>`}</div>`)}</div>
    ${sessions.length > 1 && html`<${Action} label=${t("web.session.others")} work=${end("api/sessions")} />`}
    <form onSubmit=${invite} class="field"><label for="guest">${t("web.guest.name")}</label><div class="with-button"><input id="guest" name="name" required maxlength="40" autocomplete="off" /><button>${t("web.guest.new")}</button></div></form>
    ${link && link.url && html`<div><p class="small">${t("web.guest.link")}</p><p><code>${link.url}</code></p></div>`}
    ${link && link.wrong && html`<p class="wrong" role="alert"><${Icon} name="error" />${link.wrong}</p>`}
    ${!session.password_fixed && html`<${Password} />`}
  <//>`;
}

function Password() {
  const [open, setOpen] = useState(false);
  const [result, setResult] = useState(null);
  const send = async (event) => {
    event.preventDefault();
    const form = event.target;
    const fields = new FormData(form);
    try {
      await ask("api/change-password", { method: "POST", body: { old_password: fields.get("old"), new_password: fields.get("new") } });
      form.reset();
      setResult({ good: t("web.password.changed") });
    } catch (error) {
      setResult({ wrong: failure(error) });
    }
  };
  if (!open) return html`<button onClick=${() => setOpen(true)}>${t("web.password.change")}</button>`;
  return html`<form onSubmit=${send} class="stack"><input hidden type="text" name="who" autocomplete="username" value="easun" readonly /><div class="field"><label for="old">${t("web.password.old")}</label><input id="old" name="old" type="password" autocomplete="current-password" required /></div>
    <div class="field"><label for="new">${t("web.password.new")}</label><input id="new" name="new" type="password" autocomplete="new-password" minlength="8" required /><p class="help">${t("web.password.rule")}</p></div>
    <button class="primary">${t("web.password.change")}</button>
    ${result && (result.good ? html`<p class="yes" role="status">${result.good}</p>` : html`<p class="wrong" role="alert"><${Icon} name="error" />${result.wrong}</p>`)}</form>`;
}

// What the system asks before it installs the page; kept until the owner wants it.
let installer = null;
addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  installer = event;
});

function Ways({ ways }) {
  if (!ways.length && !installer && window.isSecureContext) return null;
  return html`<${Card} title=${t("web.ways")} also="stack">
    ${ways.length > 0 && html`<div class="items">${ways.map((way) => html`<div key=${way.url}><${Icon} name=${way.https ? "lock" : "next"} label=${way.https ? t("web.ways.secure") : undefined} /><span class="text"><code>${way.url}</code> ${way.used && html`<span class="small quiet">(${t("web.ways.used")})</span>`}</span></div>`)}</div>`}
    ${!window.isSecureContext && html`<p class="small quiet">${t("web.ways.http")}</p>`}
    ${installer && html`<button onClick=${() => installer.prompt()}>${t("web.ways.install")}</button>`}
  <//>`;
}

const SOME = 8; // settings that are listed until more are asked for

// Every setting with its value and where it comes from.
function Settings({ rows }) {
  const [wanted, setWanted] = useState("");
  const [all, setAll] = useState(false);
  const word = wanted.trim().toLowerCase();
  const shown = rows.filter((row) => !word || `${row.key} ${row.meaning || ""}`.toLowerCase().includes(word));
  return html`<${Card} title=${t("web.settings")} also="wide stack" id="settings">
    <div class="field"><label for="find" class="small">${t("web.settings.find")}</label><input id="find" type="search" value=${wanted} onInput=${(event) => setWanted(event.target.value)} autocomplete="off" /></div>
    ${!shown.length && html`<p class="quiet">${t("web.settings.none")}</p>`}
    <div class="items">${(all || word ? shown : shown.slice(0, SOME)).map((row) => html`<div key=${row.key} class="setting"><span class="text"><code>${row.key}</code><br /><span class="small quiet">${row.meaning}</span></span>
      <span class="setting-value"><span class="value">${valueWord(row)}</span><br /><span class="small quiet">${sourceWord(row)}</span></span></div>`)}</div>
    ${!all && !word && shown.length > SOME && html`<button onClick=${() => setAll(true)}>${t("web.show_more")}</button>`}
  <//>`;
}

const valueWord = ({ secret, set, value, unit }) => (secret || value === undefined || value === "" ? t(set ? "web.settings.secret" : "web.settings.unset") : [value, unit && (unit === "s" || known("units." + unit)) ? unitOf(unit) : ""].filter(Boolean).join("\u00a0"));
const sourceWord = (row) => (!row.source || row.source === "default" ? t("web.settings.default") : t("web.settings.env", { source: row.source }));

const EVENTS = 20; // of the log that are shown

function Log({ events }) {
  return html`<${Card} title=${t("web.log")}>
    ${events.length ? html`<div class="items">${events.map((event) => html`<div key=${event.id}><span class="text small"><${Name}>${event.text || event.kind}<//></span><span class="small quiet"><${Num}>${moment(new Date(event.time), now())}<//></span></div>`)}</div>` : html`<p class="quiet">${t("web.log.none")}</p>`}
  <//>`;
}

function About() {
  const place = told.value.base + "s/" + told.value.static + "/vendor/";
  return html`<${Card} title=${t("web.about")}><p>${t("web.about.version", { version: state.value.version || "–" })}</p>
    <p><a href=${place + "LICENSES.txt"} target="_blank" rel="noopener">${t("web.about.licences")}</a></p><//>`;
}
