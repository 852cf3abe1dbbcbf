// Where the page starts: the words, what the server told with the page, the frame around every screen.

import { Fragment, effect, h, html, render, useEffect, useState } from "./lib.js";
import { loadWords, t, words } from "./words.js";
import { ago, levelOf, moment, shownSoc, span, useZone } from "./format.js";
import { choice, forget, kept } from "./keep.js";
import { again, start } from "./live.js";
import { begin, route, url } from "./router.js";
import { ageOf, connection, isOld, now, pollerUp, putState, release, signedOut, since, state, stamp, tick, told } from "./store.js";
import { Icon, Name, labelOf, said, severityOf } from "./parts.js";
import { HERE } from "./look.js";
import { inStep } from "./push.js";
import { Home } from "./screens/home.js";

const NAVIGATION = ["home", "battery", "history", "alerts", "more"];
const GATES = ["login", "start", "join"]; // screens that show nothing of the house
const ORDER = ["critical", "error", "warning", "info"];
const SAY_LATER = 2, SAY_KEPT = 60; // s until a lost connection is said, and that values are old

// Screens that come on first use
const LATER = {
  battery: () => import("./screens/battery.js").then((module) => module.Battery),
  alerts: () => import("./screens/alerts.js").then((module) => module.Alerts),
  history: () => import("./screens/history.js").then((module) => module.History),
  more: () => import("./screens/more.js").then((module) => module.More),
  login: () => import("./screens/gate.js").then((module) => module.Login),
  start: () => import("./screens/gate.js").then((module) => module.Start),
  join: () => import("./screens/gate.js").then((module) => module.Join),
};
const loaded = { home: Home };

function Screen() {
  const { screen } = route.value;
  const [, drawn] = useState(0);
  const [wrong, setWrong] = useState(false);
  useEffect(() => {
    if (loaded[screen]) return;
    LATER[screen]().then(
      (part) => {
        loaded[screen] = part;
        drawn((n) => n + 1);
      },
      () => setWrong(true),
    );
  }, [screen]);
  if (wrong && !loaded[screen]) return html`<section class="card wide"><p>${t("web.away")}</p></section>`;
  return loaded[screen] ? h(loaded[screen], { key: screen }) : null;
}

function App() {
  const { screen } = route.value;
  const gate = GATES.includes(screen);
  document.body.classList.toggle("gated", gate);
  if (gate) return html`<main id="main" class="gate" tabindex="-1"><${Screen} /></main>`;
  if (!state.value) return html`<${Fragment}><${Top} /><main id="main" tabindex="-1"><section class="card wide"><p>${t("web.away")}</p></section></main><${Navigation} screen=${screen} /><//>`;
  return html`<a class="hidden" href="#main">${t("web.skip")}</a><${Top} />
    <main id="main" tabindex="-1" class=${screen === "home" ? "stretch" : ""}><h1 class="hidden">${t("web.nav." + screen)}</h1><${Screen} /></main>
    <${Navigation} screen=${screen} />
    ${signedOut.value && html`<${SignIn} />`}`;
}

function Top() {
  const known = state.value;
  const made = known && known.batteries.some((each) => each.simulated || each.type === "simulated");
  return html`<header class="top"><div class="top-row"><span class="top-name"><${Name}>${told.value.title || t("web.app")}<//></span>
      ${made && html`<span class="made-up">${t("web.simulation")}</span>`}
      ${release.value && html`<button class="plain" onClick=${renew}>${t("web.new_version")}: ${t("web.reload")}</button>`}
      <${Connection} /></div>
    <${Strip} /></header>`;
}

function Connection() {
  tick.value;
  const { word, at } = connection.value;
  const lasts = since(at);
  const text = word === "live" || (word === "checking" && lasts < SAY_LATER) ? t("web.live")
    : word === "checking" ? t("web.checking")
    : word === "lost" ? t("web.lost", { span: span(lasts) })
    : t("web.offline_since", { time: state.value ? moment(new Date(state.value.time), now()) : "–" });
  const on = word === "live" && pollerUp();
  return html`<span class="link-word" role="status"><span class=${on ? "dot on" : "dot off"}></span>${pollerUp() ? text : t("web.old_values")}</span>`;
}

// The one line that says what is wrong: the worst first.
function Strip() {
  tick.value;
  const lines = troubles();
  if (!lines.length) return null;
  const [first] = lines;
  return html`<a class=${"strip " + first.severity} href=${first.href || url("alerts")} onClick=${first.press}>
    <${Icon} name=${first.severity} label=${t("alerts.severity." + first.severity)} /><span class="text" role=${first.severity === "critical" ? "alert" : "status"}><${Name}>${first.text}<//></span>
    ${lines.length > 1 && html`<span class="small">${t("web.more_strips", { count: lines.length - 1 })}</span>`}<${Icon} name=${first.press ? "history" : "next"} /></a>`;
}

function troubles() {
  const known = state.value;
  if (!known) return [];
  const found = [];
  const { word, at } = connection.value;
  const retry = (event) => {
    event.preventDefault();
    again();
  };
  const taken = moment(new Date(known.time), now());
  if (word === "offline") found.push({ severity: "info", text: t("web.offline", { time: taken, ago: ago(since(known.at)) }), press: retry });
  else if (word === "lost" && since(at) > SAY_KEPT) found.push({ severity: "warning", text: t("web.known_at", { time: taken }), press: retry });
  if (!pollerUp()) found.push({ severity: "error", text: t("web.poller_since", { time: known.poller.since ? moment(new Date(known.poller.since), now()) : "–" }), href: url("more#service") });
  const alerts = (known.alerts || []).filter((alert) => !alert.muted).sort((one, other) => ORDER.indexOf(severityOf(one)) - ORDER.indexOf(severityOf(other)));
  for (const alert of alerts) found.push({ severity: severityOf(alert), text: said(alert, "title"), href: url("alerts") + "#" + encodeURIComponent(`${alert.subject}-${alert.code}`) });
  if (known.clock_trusted === false) found.push({ severity: "warning", text: t("bot.wrong_clock"), href: url("more") });
  if (pollerUp() && word === "live") {
    for (const battery of known.batteries) {
      const age = ageOf(battery);
      if (age !== undefined && isOld(battery) && battery.link && battery.link.state !== "released") {
        const verdict = battery.link.verdict && "bot.verdict." + battery.link.verdict in words.value.texts ? t("bot.verdict." + battery.link.verdict) : "";
        const text = verdict ? t("web.silent", { name: labelOf(battery), span: span(age), verdict }) : t("web.silent_plain", { name: labelOf(battery), span: span(age) });
        found.push({ severity: "warning", text, href: url(`battery/${battery.number}#link`) });
      }
    }
  }
  return found.sort((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity));
}

function Navigation({ screen }) {
  const known = state.value;
  const open = known ? (known.alerts || []).length : 0;
  return html`<nav class="nav">${NAVIGATION.map((name) => html`<a key=${name} href=${url(name === "home" ? "" : name === "battery" && known && known.batteries[0] ? "battery/" + (choice("battery") || known.batteries[0].number) : name)} aria-current=${screen === name ? "page" : undefined}>
    <${Icon} name=${name} />${t("web.nav." + name)}${name === "alerts" && open > 0 && html`<span class="count">${open}</span>`}</a>`)}</nav>`;
}

// The password over the values that stay as they were.
function SignIn() {
  const [Gate, setGate] = useState(null);
  useEffect(() => {
    import("./screens/gate.js").then((module) => setGate(() => module.SignInSheet));
  }, []);
  return Gate ? html`<${Gate} />` : null;
}

function renew() {
  navigator.serviceWorker && navigator.serviceWorker.getRegistration().then((worker) => worker && worker.waiting && worker.waiting.postMessage("take-over"));
  setTimeout(() => location.reload(), 200);
}

let badge = -1; // open alerts, as the installed page's icon shows them

// The title of the tab and its icon say the charge.
function dress() {
  const known = state.value;
  if (!known || !words.value) return;
  const soc = known.house && known.house.soc;
  const name = told.value.title || t("web.app");
  const text = soc === undefined || soc === null || GATES.includes(route.value.screen) ? name : t("web.tab", { soc: shownSoc(soc), name });
  document.title = ((known.alerts || []).some((alert) => alert.severity === "critical") ? "! " : "") + text;
  const icon = document.querySelector('link[rel="icon"]');
  const level = soc === undefined || soc === null ? 4 : { good: 4, fair: 3, little: 2, low: 1 }[levelOf(soc)];
  if (icon) icon.setAttribute("href", `${HERE}icons/level-${level}.svg`);
  const open = known && known.alerts ? known.alerts.length : 0;
  if (open !== badge && navigator.setAppBadge) navigator.setAppBadge(open).catch(() => undefined);
  badge = open;
}

function workers() {
  if (!("serviceWorker" in navigator) || !window.isSecureContext) return;
  if (told.value.base !== "/") return; // within the page of another program: that one is installed, if any
  if (new URLSearchParams(location.search).has("nosw")) {
    navigator.serviceWorker.getRegistrations().then((all) => all.forEach((worker) => worker.unregister()));
    return;
  }
  navigator.serviceWorker.register(told.value.base + "sw.js", { scope: told.value.base }).catch(() => undefined);
}

async function main() {
  const given = JSON.parse(document.getElementById("told").textContent);
  const arrived = stamp();
  told.value = { ...told.value, ...given, state: undefined };
  const theme = choice("theme");
  if (theme && theme !== "auto") document.documentElement.dataset.theme = theme;
  const languages = ["en", "uk"];
  const wanted = choice("language") || document.documentElement.lang || (navigator.language || "").slice(0, 2);
  await loadWords(HERE, languages.includes(wanted) ? wanted : languages[0]);
  if (given.state) putState(given.state, arrived);
  else if (given.offline) {
    const last = await kept("state");
    connection.value = { word: "offline", at: arrived };
    if (last) {
      // The stamps are of another life of this browser: only the wall clock goes on.
      const at = { steady: -Infinity, wall: last.state.at.wall };
      putState(last.state, { steady: performance.now(), wall: at.wall });
      told.value = { ...told.value, title: last.title };
    }
  }
  if (state.value) useZone(state.value.timezone);
  begin();
  if (given.screen && GATES.includes(given.screen)) forget();
  const app = document.getElementById("app");
  app.textContent = "";
  render(h(App), app);
  document.documentElement.classList.add("started");
  effect(dress);
  if (!GATES.includes(route.value.screen)) start();
  workers();
  inStep().catch(() => undefined); // the next opening tries again
}

main().catch((error) => {
  // What the server made stays, with its one line; the reason is for who looks into the console.
  document.getElementById("simple").classList.add("now");
  throw error;
});
