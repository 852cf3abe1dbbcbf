// The inverters of a house that has several, each for itself; one alone is what the flow shows.

import { html } from "../lib.js";
import { t } from "../words.js";
import { quantity } from "../format.js";
import { isOld, state, tick } from "../store.js";
import { Age, Card, Icon, Name, Num, Row, Rows, Sheet } from "../parts.js";
import { closeSheet, openSheet, route } from "../router.js";

const OF = "inverter-"; // what the sheet of one is called in the address, before its id
const SHORT = [["sun", "pv_power"], ["house", "load_power"], ["grid", "grid_power"]]; // word and field of what a row says
// Of one: word, form, field
const ALL = [
  ["house", "power", "load_power"],
  ["inverter.load_voltage", "grid_voltage", "load_voltage"],
  ["inverter.load_frequency", "frequency", "load_frequency"],
  ["sun", "power", "pv_power"],
  ["inverter.pv_voltage", "grid_voltage", "pv_voltage"],
  ["grid", "power", "grid_power"],
  ["inverter.grid_voltage", "grid_voltage", "grid_voltage"],
  ["inverter.charge_power", "power", "charge_power"],
];
const has = (value) => value !== undefined && value !== null;
const nameOf = (one) => (one.made_up ? t("bot.simulated", { name: one.name || one.id }) : one.name || one.id);

export function Inverters({ also = "wide" }) {
  tick.value;
  const { inverters = [] } = state.value;
  if (inverters.length < 2) return null;
  const opened = inverters.find((one) => OF + one.id === route.value.hash);
  return html`<${Card} title=${t("web.inverters")} also=${also} id="inverters"><div class="items">
    ${inverters.map((one) => html`<button key=${one.id} onClick=${() => openSheet(OF + one.id)}><span class="text"><span class="with-age"><b><${Name}>${nameOf(one)}<//></b><${Age} of=${one} /></span>
      <span class="figures small">${SHORT.filter(([, field]) => has(one[field])).map(([word, field]) => html`<span key=${field}><span class="quiet">${t("web." + word)}</span> <${Num} old=${isOldInverter(one)}>${quantity("power", one[field])}<//></span>`)}</span>
      ${one.error && html`<span class="small maybe"><${Name}>${t("web.inverter.error", { reason: one.error })}<//></span>`}</span><${Icon} name="next" /></button>`)}</div>
    ${opened && html`<${One} one=${opened} />`}
  <//>`;
}

const isOldInverter = (one) => isOld(one) || Boolean(one.error);

function One({ one }) {
  const old = isOldInverter(one);
  const rows = ALL.filter(([, , field]) => has(one[field]));
  return html`<${Sheet} name=${OF + one.id} title=${nameOf(one)} onClose=${closeSheet}><div class="stack">
    <p class="with-age"><span class="quiet">${[one.kind, one.status].filter(Boolean).join(" · ")}</span><${Age} of=${one} /></p>
    ${one.error && html`<p class="maybe with-icon"><${Icon} name="warning" /><${Name}>${t("web.inverter.error", { reason: one.error })}<//></p>`}
    ${rows.length ? html`<${Rows}>${rows.map(([word, form, field]) => html`<${Row} key=${field} label=${t("web." + word)} value=${quantity(form, one[field])} old=${old} />`)}<//>` : html`<p>${t("web.inverter.nothing")}</p>`}
  </div><//>`;
}
