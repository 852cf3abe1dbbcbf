// Why a battery is not read, or that it is: each layer on the way to it, the verdict, what it may be and what to do.

import { html } from "../lib.js";
import { address, ask } from "../api.js";
import { t, told as words } from "../words.js";
import { ago, quantity, span } from "../format.js";
import { reached } from "../store.js";
import { Copy, Icon, Num, Sheet, failure, labelOf, useAnswer } from "../parts.js";
import { closeSheet } from "../router.js";

const AGAIN = 5; // s: what is being tried changes while one looks
const SIGNS = { ok: ["yes", "yes"], fault: ["error", "no"], not_tried: ["dash", "quiet"], under_way: ["clock", "maybe"] }; // icon and colour of a result
const key = (result) => result.replace(/ /g, "_");

export function Doctor({ battery }) {
  const [answer, trouble] = useAnswer(reached() && "doctor" + battery.address, (signal) => ask(address("api/doctor", { device: battery.address }), { signal }), AGAIN);
  const found = answer && answer[0];
  return html`<${Sheet} name="doctor" title=${`${t("web.doctor")} · ${labelOf(battery)}`} onClose=${closeSheet}><div class="stack">
    ${trouble && html`<p class="wrong" role="alert"><${Icon} name="error" />${failure(trouble)}</p>`}
    ${!found && !trouble && html`<p class="quiet">${t("web.doctor.busy")}</p>`}
    ${found && html`<${Found} found=${found} battery=${battery} />`}
  </div><//>`;
}

function Found({ found, battery }) {
  const causes = (found.causes || []).map((cause) => ({ ...cause, meaning: words(`link.cause.${cause.code}.meaning`, cause.meaning), action: words(`link.cause.${cause.code}.action`, cause.action) }));
  const steps = found.steps.map(({ layer, result }) => ({ layer: words("link.layer." + layer, layer), result: t("web.doctor." + key(result)), sign: SIGNS[key(result)], seen: result === "ok" ? seen(layer, found.link || {}) : "", also: result === "fault" || result === "under way" }));
  const verdict = verdictOf(found);
  return html`<p class="value with-icon"><${Icon} name=${found.well ? "over" : "warning"} also=${found.well ? "sev-over" : "sev-warning"} />${verdict}</p>
    ${causes.length > 0 && html`<h3 class="small quiet">${t("web.doctor.causes")}</h3><ol class="stack">${causes.map((cause) => html`<li key=${cause.code}><p><b>${cause.meaning}</b> <${Num}>${percent(cause)}<//></p>
      <svg class="share" aria-hidden="true"><rect class="well" width="100%" height="100%" /><rect class="fill" width=${Math.round(100 * cause.sure) + "%"} height="100%" /></svg><p class="small">${cause.action}</p></li>`)}</ol>`}
    <h3 class="small quiet">${t("web.doctor.steps")}</h3>
    <ol class="steps">${steps.map((step) => html`<li key=${step.layer}><${Icon} name=${step.sign[0]} also=${step.sign[1]} label=${step.result} /><span>${step.layer}${step.seen && html` <span class="small quiet">${step.seen}</span>`}${step.also && html` <b class=${step.sign[1]} aria-hidden="true">${step.result}</b>`}</span></li>`)}</ol>
    <details><summary>${t("web.doctor.text")}</summary><${Copy} text=${[`${labelOf(battery)}: ${verdict}`, ...causes.map((cause) => `${percent(cause)} ${cause.meaning} ${cause.action}`), ...steps.map((step, n) => [`${n + 1}. ${step.layer}: ${step.result}`, step.seen].filter(Boolean).join(", "))].join("\n")} /></details>`;
}

const percent = (cause) => `${Math.round(100 * cause.sure)}${"\u00a0"}%`;

function verdictOf({ well, verdict, state, link }) {
  if (well) return t("web.doctor.well");
  if (verdict) return verdict;
  const how = words("bot.link." + state, t("bot.link.unknown"));
  return link && link.for ? t("bot.link.for", { state: how, span: span(link.for) }) : how;
}

// What was seen at a layer that is in order.
function seen(layer, link) {
  if (layer === "adapter") return link.adapter || "";
  if (layer === "battery_is_heard" && link.rssi !== undefined) return quantity("signal", link.rssi);
  if (layer === "connection" && link.for !== undefined && link.state === "streaming") return t("web.doctor.since", { span: span(link.for) });
  if (layer === "frames" && link.frames) return t("web.doctor.frames", { count: link.frames, refused: link.refused || 0 });
  if (layer === "readings" && link.last_frame !== undefined) return t("web.doctor.newest", { ago: ago(link.last_frame) });
  return "";
}
