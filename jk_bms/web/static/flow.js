// The flow of energy: four nodes at fixed places; nothing is worked out from the others.

import { html } from "./lib.js";
import { facts, t } from "./words.js";
import { flowOf, quantity, span } from "./format.js";
import { ageOf, isOld, lasted, tick } from "./store.js";
import { Age, Card, agoWhole } from "./parts.js";

const STILL = 10; // W: less does not move
const WIDE = 1500; // W: from here on the line is wide
const PACES = [200, 800, 2500]; // W up to which a pace goes

const pace = (watts) => 1 + PACES.filter((limit) => watts >= limit).length;

// One line between a node and the centre, and what moves along it.
function Line({ from, to, direction, watts, color, unknown, still }) {
  const [x1, y1] = from, [x2, y2] = to;
  const moving = !unknown && !still && watts !== undefined && Math.abs(watts) >= STILL;
  const shape = `M${x1} ${y1}L${x2} ${y2}`;
  const kind = ["line", unknown ? "unknown" : "", moving ? "on" : "", Math.abs(watts) > WIDE ? "wide" : ""].filter(Boolean).join(" ");
  const start = { right: Math.min(x1, x2), left: Math.max(x1, x2), down: Math.min(y1, y2), up: Math.max(y1, y2) };
  const end = { right: [Math.max(x1, x2), y1, 90], left: [Math.min(x1, x2), y1, -90], down: [x1, Math.max(y1, y2), 180], up: [x1, Math.min(y1, y2), 0] };
  const across = direction === "right" || direction === "left";
  const way = across ? Math.abs(x2 - x1) : Math.abs(y2 - y1);
  const back = direction === "left" || direction === "up";
  return html`<g style=${moving ? { "--way": (back ? -way : way) + "px" } : undefined} class=${moving ? `${color} ${across ? "across" : "along"} pace-${pace(Math.abs(watts))}` : ""}>
    <path class=${kind} d=${shape} />
    ${moving && html`<path class="arrow" d="M0 -1L6 9H-6z" transform=${`translate(${end[direction][0]} ${end[direction][1]}) rotate(${end[direction][2]})`} />`}
    ${moving && [0, 1, 2].map((n) => html`<circle class="drop" r="3" cx=${across ? start[direction] : x1} cy=${across ? y1 : start[direction]} key=${n} />`)}
  </g>`;
}

const Node = ({ x, y, icon, color }) => html`<g class=${color}><circle class="disc" cx=${x} cy=${y} r="24" />
  <svg class="node" x=${x - 13} y=${y - 13} width="26" height="26"><use href=${"#i-" + icon} /></svg></g>`;

export function Flow({ house, inverter, battery, also = "c7 wide" }) {
  tick.value;
  const stale = inverter ? isOld(inverter) : false;
  const packOld = !battery || isOld(battery);
  const grid = inverter && inverter.grid && inverter.grid.state;
  const watts = house.power, flow = flowIn(house);
  const sun = inverter && inverter.pv_power, load = inverter && inverter.load_power, bought = inverter && inverter.grid_power;
  const gridWord = wordOfGrid(grid);
  const gridFor = inverter && inverter.grid ? lasted(inverter.grid.for, inverter.grid) : undefined;
  const shown = (value) => (value === undefined || value === null ? "–" : quantity("power", value));
  const old = (is) => (is ? "watts old" : "watts");
  const sentence = flowSentence(house, inverter);
  if (!inverter) {
    return html`<${Card} title=${t("web.flow")} also=${also} age=${battery && html`<${Age} of=${battery} />`}>
      <svg class="flow" viewBox="0 0 328 132" role="img" aria-label=${sentence}>
        <${Line} from=${[70, 44]} to=${[258, 44]} direction=${flow === "charging" ? "left" : "right"} watts=${watts} color=${flow} still=${packOld} />
        <${Node} x=${44} y=${44} icon="battery" color=${packOld ? "still" : flow || "still"} />
        <${Node} x=${284} y=${44} icon="home" color="house" />
        <text x="164" y="88" class=${old(packOld)}>${quantity("battery_power", watts)}</text>
        <text x="164" y="110">${flow ? t("web.flow." + flow) : ""}</text>
        <text x="44" y="88">${t("web.battery")}</text><text x="284" y="88">${t("web.house")}</text>
      </svg>
      <p class="small quiet">${t("web.only_battery")}</p>
    <//>`;
  }
  return html`<${Card} title=${t("web.flow")} also=${also} age=${html`<${Age} of=${inverter} text="web.inverter_age" />`}>
    <svg class="flow" viewBox="0 0 328 250" role="img" aria-label=${sentence}>
      <${Line} from=${[164, 54]} to=${[164, 106]} direction="down" watts=${sun} color="sun" unknown=${sun === undefined} still=${stale} />
      <${Line} from=${[70, 112]} to=${[156, 112]} direction=${bought < 0 ? "left" : "right"} watts=${bought} color="grid" unknown=${grid === "unknown" || !grid} still=${stale || grid !== "present"} />
      <${Line} from=${[172, 112]} to=${[258, 112]} direction="right" watts=${load} color="house" unknown=${load === undefined} still=${stale} />
      <${Line} from=${[164, 118]} to=${[164, 186]} direction=${flow === "charging" ? "down" : "up"} watts=${watts} color=${flow} unknown=${watts === undefined} still=${packOld} />
      <circle cx="164" cy="112" r="5" class="disc still" />
      <${Node} x=${164} y=${28} icon="sun" color=${stale || sun === undefined ? "still" : "sun"} />
      <${Node} x=${44} y=${112} icon=${grid === "lost" ? "nogrid" : "grid"} color=${stale || grid !== "present" ? "still" : "grid"} />
      <${Node} x=${284} y=${112} icon="home" color=${stale || load === undefined ? "still" : "house"} />
      <${Node} x=${164} y=${212} icon="battery" color=${packOld ? "still" : flow || "still"} />
      <g class="beside"><text x="200" y="22">${t("web.sun")}</text><text x="200" y="44" class=${old(stale)}>${shown(sun)}</text></g>
      <text x="44" y="156">${t("web.grid")}</text>
      <text x="44" y="176" class=${grid === "present" && bought !== undefined ? old(stale) : ""}>${grid === "present" && bought !== undefined ? shown(bought) : gridWord}</text>
      ${gridFor !== undefined && grid !== "present" && html`<text x="44" y="194">${span(gridFor)}</text>`}
      <text x="284" y="156">${t("web.house")}</text><text x="284" y="178" class=${old(stale)}>${shown(load)}</text>
      <g class="beside"><text x="200" y="212" class=${old(packOld)}>${quantity("battery_power", watts)}</text><text x="200" y="232">${flow ? t("web.flow." + flow) : t("web.battery")}</text></g>
    </svg>
    ${inverter.of > inverter.fresh && html`<p class="small maybe">${t("web.inverter.heard", { fresh: inverter.fresh, of: inverter.of })}</p>`}
    ${inverter.error && !inverter.of && html`<p class="small maybe">${t("web.inverter.error", { reason: inverter.error })}</p>`}
    ${battery && html`<p class="small quiet">${t("web.battery_age", { ago: agoWhole(ageOf(battery) || 0) })}</p>`}
  <//>`;
}

// Which way the energy of the battery goes; undefined: not known.
function flowIn({ current, power }) {
  if (current !== undefined) return flowOf(current);
  if (power === undefined) return undefined;
  return Math.abs(power) < facts().flow.watts ? "idle" : power > 0 ? "charging" : "discharging";
}

const wordOfGrid = (grid) => t({ present: "web.grid.on", lost: "web.grid.lost" }[grid] || "web.grid.unknown");

// The picture as a sentence.
export function flowSentence(house, inverter) {
  const { pv_power: sun, load_power: load, grid } = inverter || {};
  const flow = flowIn(house), parts = [];
  if (sun !== undefined) parts.push(t("web.say.sun", { power: quantity("power", sun) }));
  if (load !== undefined) parts.push(t("web.say.house", { power: quantity("power", load) }));
  if (flow === "idle") parts.push(t("web.say.idle"));
  else if (house.power !== undefined) parts.push(t(house.power < 0 ? "web.say.gives" : "web.say.takes", { power: quantity("power", Math.abs(house.power)) }));
  if (grid) parts.push([t("web.grid"), wordOfGrid(grid.state), grid.for === undefined || grid.for === null ? "" : span(lasted(grid.for, grid))].filter(Boolean).join(" "));
  return parts.join(", ");
}
