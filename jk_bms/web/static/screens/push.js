// The switch for alerts to this browser, or the one line that says why there is none.

import { html, useRef, useState } from "../lib.js";
import { ask } from "../api.js";
import { t } from "../words.js";
import { now, told } from "../store.js";
import { moment } from "../format.js";
import { Action, Icon } from "../parts.js";
import { hindrance, subscription, turnOff, turnOn } from "../push.js";

// What the switch shows, asked for with the rest of the screen; null: nothing.
export async function askPush(session, signal) {
  if (!session || told.value.base !== "/") return null;
  const why = hindrance();
  if (why) return { why };
  const known = await ask("api/push?key=no", { signal }); // who only looks has no key made: that costs the monitor 9 MB
  return known.possible ? { ...known, on: known.on && Boolean(await subscription()) } : { why: "library" };
}

export function Push({ session, first }) {
  const [known, setKnown] = useState(first);
  const contact = useRef(null);
  const owner = session.scope === "admin";
  const why = known.why || (known.contact_wanted && !owner ? "owner" : "");
  const on = async () => {
    const said = await turnOn(known.key, contact.current ? contact.current.value : "");
    setKnown(said || { why: hindrance() || "denied" });
    return false;
  };
  const off = async () => {
    await turnOff();
    await ask("api/push", { method: "DELETE" });
    setKnown({ ...known, on: false });
    return false;
  };
  return html`<div class="stack"><p class="small quiet">${t("web.push")}</p>
    ${why ? html`<p class="small">${t("web.push.why." + why)}</p>` : html`
      ${known.on && html`<p>${t("web.push.is_on")}</p>`}
      ${!known.on && known.contact_wanted && html`<div class="field"><label for="contact">${t("web.push.contact")}</label><input id="contact" type="email" ref=${contact} autocomplete="email" /><p class="help">${t("web.push.contact.help")}</p></div>`}
      ${!known.on && known.ended && html`<p class="wrong"><${Icon} name="error" />${t("web.push.ended", { time: moment(new Date(known.ended), now()), reason: known.reason })}</p>`}
      ${known.trouble && html`<p class="wrong"><${Icon} name="error" />${t("web.push.trouble", { reason: known.trouble })}</p>`}
      <${Action} label=${t(known.on ? "web.push.off" : "web.push.on")} work=${known.on ? off : on} />
      <p class="help">${t("web.push.note")}${known.only && " " + t("web.push.only")}</p>`}
  </div>`;
}
