// More: this browser, who may look, the ways in, the settings, what it is made of.

import { html, useState } from "../lib.js";
import { ask } from "../api.js";
import { facts, language, t } from "../words.js";
import { moment } from "../format.js";
import { now, pollerUp, reached, state, told } from "../store.js";
import { Action, Card, Chips, Icon, Name, Num, labelOf, useAnswer } from "../parts.js";
import { setLanguage, setTheme } from "../look.js";
import { choice, forget } from "../keep.js";
import { turnOff } from "../push.js";
import { Inverters } from "./inverters.js";
import { People } from "./people.js";
import { Push, askPush } from "./push.js";
import { Settings } from "./settings.js";

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
  const [push, sessions, ways, log, settings] = await Promise.all([
    askPush(session, signal).catch(() => null), admin && maybe("api/sessions"), session && maybe("api/ways"), maybe("api/log?limit=" + EVENTS), admin && maybe("api/configs"),
  ]);
  return { session, push, sessions, ways, log, settings };
}

export function More() {
  const [found] = useAnswer(reached() && "more" + language(), everything);
  if (!found && reached()) return null;
  const { session, push, sessions, ways, log, settings } = found || {};
  return html`
    ${!pollerUp() && html`<${Card} title=${t("web.service")} also="wide" id="service"><p>${t("web.service.start")}</p><//>`}
    <div class="column c6"><${You} session=${session} push=${push} /><${Ways} ways=${ways || []} /><${Inverters} also="" /><${About} /></div>
    <div class="column c6">${sessions && html`<${People} session=${session} first=${sessions} />`}${log && html`<${Log} events=${log.events} />`}</div>
    ${settings && html`<${Settings} rows=${settings} />`}`;
}

function You({ session, push }) {
  const [theme, pick] = useState(choice("theme") || "auto");
  return html`<${Card} title=${t("web.you")} also="stack">
    <div><p class="small quiet">${t("web.language")}</p><${Chips} label=${t("web.language")} value=${language()} pick=${setLanguage} options=${facts().languages.map((name) => [name, NAMES[name] || name])} /></div>
    <div><p class="small quiet">${t("web.theme")}</p><${Chips} label=${t("web.theme")} value=${theme} pick=${(name) => {
      setTheme(name);
      pick(name);
    }} options=${THEMES.map((name) => [name, t("web.theme." + name)])} /></div>
    ${push && html`<${Push} session=${session} first=${push} />`}
    ${session && session.scope === "read" && html`<p class="quiet">${t("web.guest")}</p>`}
    ${session && session.scope !== "control" && html`<${Action} label=${t("web.sign_out")} work=${async () => {
      await turnOff().catch(() => undefined); // else whoever signs in next would have it
      await ask("api/logout", { method: "POST" });
      await forget();
      location.assign(told.value.base + "login");
      return false;
    }} />`}
    ${session === null && html`<a class="button" href=${told.value.base + "login"}>${t("web.sign_in")}</a>`}
  <//>`;
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
    ${ways.length > 0 && html`<div class="items">${ways.map((way) => html`<div key=${way.url}><${Icon} name=${way.https ? "lock" : "home"} label=${way.https ? t("web.ways.secure") : undefined} /><span class="text"><code>${way.url}</code> ${way.used && html`<span class="small quiet">(${t("web.ways.used")})</span>`}</span></div>`)}</div>`}
    ${!window.isSecureContext && html`<p class="small quiet">${t("web.ways.http")}</p>`}
    ${installer && html`<button onClick=${() => installer.prompt()}>${t("web.ways.install")}</button>`}
  <//>`;
}

const EVENTS = 20; // of the log that are shown

// What happened, and to which battery.
function inWords({ device, text, kind }) {
  const battery = device && state.value.batteries.find((each) => each.address === device);
  const name = battery ? labelOf(battery) : "";
  return name && !text.startsWith(name) ? `${name}: ${text || kind}` : text || kind;
}

function Log({ events }) {
  return html`<${Card} title=${t("web.log")}>
    ${events.length ? html`<div class="items">${events.map((event) => html`<div key=${event.id}><span class="text small"><${Name}>${inWords(event)}<//></span><span class="small quiet"><${Num}>${moment(new Date(event.time), now())}<//></span></div>`)}</div>` : html`<p class="quiet">${t("web.log.none")}</p>`}
  <//>`;
}

function About() {
  const place = told.value.base + "s/" + told.value.static + "/vendor/";
  return html`<${Card} title=${t("web.about")}><p>${t("web.about.version", { version: state.value.version || "–" })}</p>
    <p><a href=${place + "LICENSES.txt"} target="_blank" rel="noopener">${t("web.about.licences")}</a></p><//>`;
}
