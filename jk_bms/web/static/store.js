// What the page knows: the state as the server tells it, when each part came, and how the connection does.

import { signal } from "./lib.js";
import { facts } from "./words.js";

export const state = signal(null); // as /api/state, each part stamped with when it came
export const connection = signal({ word: "live", at: stamp() }); // live, checking, lost, offline
export const tick = signal(0); // one timer for every age on the page
export const told = signal({ base: "/", static: "", csrf: "", control: false, title: "" }); // what came with the page
export const signedOut = signal(false);
export const release = signal(""); // the hash of a newer release, once there is one

// Two clocks, since a phone that sleeps stops one or the other.
export function stamp() {
  return { steady: performance.now(), wall: Date.now() };
}

// Seconds since a stamp, by the clock that saw more of them.
export const since = (at) => Math.max(0, performance.now() - at.steady, Date.now() - at.wall) / 1000;

// The age in s of a part that carried one, now; undefined: it has none.
export const ageOf = (part) => (part && part.age !== undefined && part.age !== null ? part.age + since(part.at) : undefined);

// A duration that goes on, as of `for`.
export const lasted = (value, part) => (value === undefined || value === null ? undefined : value + since(part.at));

export const oldest = () => Math.max(facts().fresh.least, facts().fresh.periods * ((state.value && state.value.poll_interval) || facts().fresh.period));
export const reached = () => connection.value.word === "live" || connection.value.word === "checking";
export const pollerUp = () => !state.value || !state.value.poller || state.value.poller.up !== false;

// Whether a part says nothing of now: too old, or who would know does not answer. Whatever draws by it is drawn anew each
// second: a value gets old without any message.
export function isOld(part) {
  tick.value;
  const age = ageOf(part);
  return age === undefined || age > (part.oldest || oldest()) || !pollerUp() || connection.value.word === "offline" || connection.value.word === "lost";
}
export const isLive = (part) => !isOld(part) && ageOf(part) <= 5 && connection.value.word === "live";

// The server's clock now: what a phone's own clock says is never compared with it.
export function now() {
  const known = state.value;
  return known && known.time ? new Date(Date.parse(known.time) + 1000 * since(known.at)) : new Date();
}

export function putState(fresh, at) {
  const when = at || stamp();
  const stamped = { ...fresh, at: when };
  stamped.batteries = (fresh.batteries || []).map((one) => ({ ...one, at: when, link: one.link && { ...one.link, at: when } }));
  Object.assign(stamped, invertersAt(fresh, when));
  state.value = stamped;
}

export function putBattery({ address, ...part }) {
  change(address, (battery) => ({ ...battery, ...part, at: stamp() }));
}
export function putLink({ address, link }) {
  change(address, (battery) => ({ ...battery, link: link && { ...link, at: stamp() } }));
}
export function putInverter(message) {
  if (state.value) state.value = { ...state.value, ...invertersAt(message, stamp()) };
}
// All of them together, and each, as they came at `at`.
function invertersAt({ inverter, inverters }, at) {
  const stamped = (one) => one && { ...one, at, oldest: facts().fresh.inverter, grid: one.grid && { ...one.grid, at } };
  return { inverter: stamped(inverter), inverters: (inverters || []).map(stamped) };
}
export function putPoller(poller) {
  if (state.value) state.value = { ...state.value, poller };
}
export function putAges({ time, ages }) {
  if (!state.value) return;
  const at = stamp();
  const batteries = state.value.batteries.map((one) => (one.address in ages ? { ...one, age: ages[one.address], at } : one));
  const inverter = state.value.inverter && "inverter" in ages ? { ...state.value.inverter, age: ages.inverter, at } : state.value.inverter;
  state.value = { ...state.value, time, at, batteries, inverter };
}

function change(address, how) {
  if (!state.value) return;
  const batteries = state.value.batteries.map((one) => (one.address === address ? how(one) : one));
  const fresh = { ...state.value, batteries };
  if (batteries.length === 1) fresh.house = figuresOf(batteries[0], state.value.house);
  state.value = fresh;
  tick.value++; // drawn in one go with it
  later(1500);
}

// The figures of a house of one battery are its own; those of several come from the server.
function figuresOf({ reading }, before) {
  if (!reading) return before;
  const { battery_soc: soc, soc_low, soc_high, power, current, voltage, empty_in, full_in } = reading;
  return { ...before, soc, soc_low, soc_high, power, current, voltage, empty_in, full_in };
}

// Each second, but not between two readings that come each second themselves: those are drawn with every age anyway.
let next;
function later(wait) {
  clearTimeout(next);
  next = setTimeout(() => {
    if (!document.hidden) tick.value++;
    later(1000);
  }, wait);
}
later(1000);
