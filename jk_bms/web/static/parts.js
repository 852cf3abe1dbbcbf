// The parts that screens are made of.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./lib.js";
import { facts, language, t, told as words } from "./words.js";
import { ago, levelOf, quantity, shownSoc, spanBetween } from "./format.js";
import { ageOf, connection, isLive, isOld, reached, tick } from "./store.js";
import { closeSheet } from "./router.js";
import { listen } from "./live.js";

export const Icon = ({ name, label, also = "" }) => html`<svg class=${("icon " + also).trim()} role=${label ? "img" : undefined} aria-label=${label} aria-hidden=${label ? undefined : "true"}><use href=${"#i-" + name} /></svg>`;

export const Num = ({ children, old, title }) => html`<span class=${old ? "num old" : "num"} title=${title}>${children}</span>`;
// A large number with its unit small behind it.
export function Figure({ value, old }) {
  const [digits, unit] = value.split(/\u00a0(?=[^\d])/);
  return html`<p class=${old ? "figure old" : "figure"}><${Num}>${digits}${unit && html`<span class="unit">${"\u00a0" + unit}</span>`}<//></p>`;
}
export const Name = ({ children }) => html`<bdi>${children}</bdi>`;

// A young age in whole seconds: it ticks, and tenths would only flicker.
export const agoWhole = (age) => (age < facts().fresh.now || age >= 9.5 ? ago(age) : t("units.ago", { span: Math.round(age) + " " + t("units.second") }));

// How old a part is, in words: ticks by the one timer of the page.
export function Age({ of, text }) {
  tick.value;
  const age = ageOf(of);
  if (age === undefined) return null;
  if (isLive(of)) return html`<span class="age"><span class="dot on"></span> ${text ? t(text, { ago: t("web.live") }) : t("web.live")}</span>`;
  const said = isOld(of) ? t("web.old", { ago: ago(age) }) : agoWhole(age);
  return html`<span class="age">${text ? t(text, { ago: said }) : said}</span>`;
}

export const Card = ({ title, age, children, also = "", id, actions }) => html`<section class=${"card " + also} id=${id}>
  ${(title || age) && html`<div class="card-head"><h2>${title}</h2>${age}${actions}</div>`}${children}
</section>`;

export const Row = ({ label, value, old }) => html`<div><dt>${label}</dt><dd><${Num} old=${old}>${value}<//></dd></div>`;
export const Rows = ({ children }) => html`<dl class="rows">${children}</dl>`;

// The charge as a bar: what is surely there, what may be, and where it gets low.
export function SocBar({ soc, low, high, old, thin }) {
  const inside = (value) => Math.min(100, Math.max(0, value));
  const band = low !== undefined && high !== undefined;
  return html`<svg class=${thin ? "soc-bar thin" : "soc-bar"} aria-hidden="true">
    <rect class="well" width="100%" height="100%" />
    <rect class=${"level-" + (old ? "old" : levelOf(soc))} width=${inside(soc).toFixed(1) + "%"} height="100%" />
    ${band && html`<rect class="band" x=${inside(low).toFixed(1) + "%"} width=${(inside(high) - inside(low)).toFixed(1) + "%"} height="100%" />`}
    ${!thin && html`<rect class="tick" x=${facts().levels.little + "%"} width="2" height="100%" />`}
  </svg>`;
}

// The number of the house or of a battery, how sure it is, how long it lasts.
export function Hero({ title, age, soc, low, high, source, old, empty, full, left, figures, more, children, also = "c5 wide" }) {
  const sure = low !== undefined && high !== undefined && (source === undefined || source === "counted");
  const shown = html`${shownSoc(soc)}<span class="unit">${"\u00a0%"}</span>`;
  const beside = sure ? t("bot.band", { low: shownSoc(low), high: shownSoc(high) }) : source ? words("web.from_" + source, "") : "";
  return html`<${Card} title=${title} age=${age} also=${"hero " + also}>
    ${soc === undefined
      ? html`<p class="hero-side">${t("web.charge_unknown")}</p>`
      : html`<div class="hero-line"><p class=${old ? "hero-soc old" : "hero-soc"}>${more ? html`<a class="touch" href=${more}>${shown}</a>` : shown}</p>
          <p class="hero-side">${beside}${left !== undefined && html`<br /><${Num}>${t("web.left", { left: quantity("energy", left) })}<//>`}</p></div>
        <${SocBar} soc=${soc} low=${sure ? low : undefined} high=${high} old=${old} />
        <p class="scale" aria-hidden="true"><span>0</span><span>100</span></p>`}
    ${figures}
    <div class="outlook">
      ${!old && empty && html`<p>${t("web.empty_in", { span: spanBetween(empty[0], empty[1]) })}</p>`}
      ${!old && !empty && full && html`<p>${t("web.full_in", { span: spanBetween(full[0], full[1]) })}</p>`}
      ${!old && soc !== undefined && shownSoc(soc) < facts().levels.little && !full && html`<p class="maybe"><${Icon} name="warning" />${t("web.low_advice")}</p>`}
      ${children}
    </div>
  <//>`;
}

// What a button does, and what came of it, in the place where the finger was.
export function Action({ label, busy, work, kind = "", done, needs = true, icon }) {
  const [phase, setPhase] = useState(null);
  const timers = useRef([]);
  useEffect(() => () => timers.current.forEach(clearTimeout), []);
  connection.value;
  const away = needs && !reached();
  const press = async () => {
    setPhase({ word: busy || label });
    timers.current.push(setTimeout(() => setPhase((was) => (was && was.word ? { word: t("web.waiting") } : was)), 10000));
    try {
      const said = await work();
      setPhase(said === false ? null : { good: said || done || "" });
    } catch (error) {
      setPhase({ wrong: failure(error) });
    }
    timers.current.push(setTimeout(() => setPhase(null), 6000));
  };
  return html`<div class="action"><button class=${kind} disabled=${Boolean(phase && phase.word) || away} onClick=${press}>${icon && html`<${Icon} name=${icon} />`}${(phase && phase.word) || label}</button>
    ${away && html`<p class="help">${t("web.offline_control")}</p>`}
    ${phase && phase.good && html`<p class="result yes" role="status">${phase.good}</p>`}
    ${phase && phase.wrong && html`<p class="result wrong" role="alert"><${Icon} name="error" />${phase.wrong}</p>`}</div>`;
}

// What a refusal says to a person.
export function failure(error) {
  if (error.status === undefined) return t("web.failed", { reason: error.message });
  if (!error.status) return t("web.away");
  return error.message || t("web.failed", { reason: error.code });
}

// Text to take along: a token, a link, a page of words. Over http there is no clipboard, but what is marked can be copied.
export function Copy({ text }) {
  const box = useRef(null);
  const [done, setDone] = useState(false);
  const take = async () => {
    getSelection().selectAllChildren(box.current);
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(text);
      else if (!document.execCommand("copy")) return;
      setDone(true);
    } catch (error) {
      setDone(false); // it stays marked: the system's own way is one touch away
    }
  };
  return html`<p><code ref=${box} class="take">${text}</code></p><p><button type="button" onClick=${take}>${t(done ? "web.copied" : "web.copy")}</button></p>`;
}

export const Chips = ({ options, value, pick, label }) => html`<div class="chips" role="group" aria-label=${label}>
  ${options.map(([key, word]) => html`<button aria-pressed=${String(key === value)} onClick=${() => pick(key)} key=${key}>${key === value && html`<${Icon} name="yes" />`}${word}</button>`)}
</div>`;

// A sheet over the screen: open while the address names it; the focus stays in it and goes back.
export function Sheet({ name, title, children, onClose }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    box.current.querySelector("button,a,input").focus({ preventScroll: true });
    const key = (event) => {
      if (event.key === "Escape") (onClose || closeSheet)();
      if (event.key !== "Tab") return;
      const inside = [...box.current.querySelectorAll("button:not(:disabled),a[href],input,select")];
      const first = inside[0], last = inside[inside.length - 1];
      if (event.shiftKey && document.activeElement === first) {
        event.preventDefault();
        last.focus();
      } else if (!event.shiftKey && document.activeElement === last) {
        event.preventDefault();
        first.focus();
      }
    };
    document.addEventListener("keydown", key);
    return () => {
      document.removeEventListener("keydown", key);
      if (before && before.focus) before.focus({ preventScroll: true });
    };
  }, [name]);
  const drag = useDragDown(box, onClose || closeSheet);
  return html`<div class="scrim" onClick=${onClose || closeSheet}></div>
    <div class="sheet" role="dialog" aria-modal="true" aria-label=${title} ref=${box} ...${drag}>
      <div class="sheet-head"><h2><${Name}>${title}<//></h2><button class="icon-only" aria-label=${t("web.close")} title=${t("web.close")} onClick=${onClose || closeSheet}><${Icon} name="close" /></button></div>
      ${children}
    </div>`;
}

const FAR = 90; // px that a finger draws a sheet down to close it

function useDragDown(box, close) {
  const from = useRef(null);
  return {
    onTouchStart: (event) => (from.current = box.current.scrollTop === 0 ? event.touches[0].clientY : null),
    onTouchEnd: (event) => {
      if (from.current !== null && event.changedTouches[0].clientY - from.current > FAR) close();
    },
  };
}

// The width of an element in px, followed; `first` until it is known.
export function useWidth(first) {
  const box = useRef(null);
  const [width, setWidth] = useState(first);
  useLayoutEffect(() => {
    if (!box.current) return undefined;
    const measure = () => setWidth(Math.max(120, Math.round(box.current.clientWidth)));
    measure();
    const watcher = new ResizeObserver(measure);
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  return [box, width];
}

// The answer to a question, kept while `key` is the same; asked again each `every` s. [value, failure]
export function useAnswer(key, ask, every) {
  const [answer, setAnswer] = useState([undefined, undefined]);
  useEffect(() => {
    if (!key) return undefined;
    const control = new AbortController();
    const go = () =>
      ask(control.signal).then(
        (value) => setAnswer([value, undefined]),
        (error) => error.name !== "AbortError" && setAnswer(([value]) => [value, error]),
      );
    go();
    const timer = every ? setInterval(() => !document.hidden && reached() && go(), every * 1000) : 0;
    return () => {
      control.abort();
      clearInterval(timer);
    };
  }, [key]);
  return answer;
}

export const useNews = (hear) => useEffect(() => listen(hear), []);

export const labelOf = (battery) => {
  const name = battery.label || battery.name || battery.address || String(battery.number);
  const made = battery.simulated || battery.type === "simulated";
  return made && !/simulat/i.test(name) ? t("bot.simulated", { name }) : name;
};

export const severityOf = (alert) => (["info", "warning", "error", "critical"].includes(alert.severity) ? alert.severity : "warning");

// What an alert says in this language, by part.
export const said = (alert, part) => tied(((alert.words && alert.words[language()]) || {})[part] || (part === "title" ? String(alert.rule || "–") : ""));

// A number and its unit stay on one line.
const tied = (text) => text.replace(/(\d) (?=(?:mV|V|W|A|Ah|kWh|%|°C|Ω|мВ|В|Вт|А|Ом)(?![\p{L}]))/gu, "$1\u00a0");
