// The stream: what happens, as it happens; and what to do when it stops.

import { ask } from "./api.js";
import { keep } from "./keep.js";
import { connection, putAges, putBattery, putInverter, putLink, putPoller, putState, release, signedOut, since, stamp, state, told } from "./store.js";

const DEAD = 31; // s without a byte: two beats were missed
const HELLO = 10; // s for the first word of a stream
const HELD = 3; // streams that said nothing though connected: a proxy holds them back
const POLL = 5000, POLL_AGAIN = 300; // ms between two questions instead; s until the stream is tried again
const ANSWER = 10; // s for their answer
const MOST_STREAMS = 4, COUNTED = 200; // pages of one browser that have one; ms in which they say so
const HIDDEN = 30000; // ms that a page which is not seen keeps its stream
const AWAY = 5; // s unseen, after which what is shown is looked at anew
const WAITS = [1, 2, 5, 10, 20, 30]; // s between two tries
const KEEP = 20; // s between two states that are kept for a start without network
const LOST = 8; // s without an answer until it is said

let source = null, last = "", heard = stamp(), tries = 0, mute = 0, timer = 0, hello = 0, sleep = 0, hidden = null;
let saved = null, polling = 0, mutedAt = null;
const listeners = new Set();

// Have `hear(kind, data)` called with each message; returns how to end that.
export function listen(hear) {
  listeners.add(hear);
  return () => listeners.delete(hear);
}

function say(word) {
  if (connection.value.word !== word) connection.value = { word, at: stamp() };
}

export function start() {
  open();
  addEventListener("online", again);
  addEventListener("offline", () => say("lost"));
  addEventListener("pageshow", (event) => event.persisted && again());
  document.addEventListener("visibilitychange", seen);
  setInterval(watch, 1000);
}

// Begin anew at once: the owner asks, or there is reason to think that it works again.
export function again() {
  tries = 0;
  check();
  open();
}

function check() {
  if (connection.value.word === "live") say("checking");
}

// A browser opens six connections to a house, and a stream keeps one: with so many pages the rest ask instead.
const pages = "BroadcastChannel" in window ? new BroadcastChannel("easun-streams") : null;
const me = Math.random();
let others = 0; // pages that told this one that they have a stream
if (pages) {
  pages.onmessage = ({ data }) => {
    if (data.asks && source) pages.postMessage({ tells: data.asks });
    else if (data.tells === me) others++;
  };
}

function open() {
  shut();
  if (document.hidden && hidden && since(hidden) * 1000 > HIDDEN) return;
  if (!pages) {
    stream();
    return;
  }
  others = 0;
  pages.postMessage({ asks: me });
  timer = setTimeout(() => (others < MOST_STREAMS ? stream() : askInstead()), COUNTED);
}

function askInstead() {
  shut();
  mutedAt = stamp();
  poll();
  polling = setInterval(poll, POLL);
}

function stream() {
  source = new EventSource(told.value.base + "api/live" + (last ? "?since=" + encodeURIComponent(last) : ""));
  heard = stamp();
  hello = setTimeout(silent, HELLO * 1000);
  for (const [kind, take] of Object.entries(KINDS)) source.addEventListener(kind, (event) => hear(kind, event, take));
  source.onerror = failed;
}

function shut() {
  clearTimeout(timer);
  clearTimeout(hello);
  clearInterval(polling);
  polling = 0;
  if (source) source.close();
  source = null;
}

const KINDS = {
  hello: (data) => {
    if (data.static && data.static !== told.value.static) release.value = data.static;
    if (data.resumed) say("live");
  },
  state: (data) => {
    putState(data);
    say("live");
    save();
  },
  battery: (data) => data.address && putBattery(data),
  link: (data) => data.address && putLink(data),
  inverter: putInverter,
  poller: putPoller,
  alert: () => undefined, // the open ones come with the next state
  event: () => undefined,
  config: () => undefined,
  beat: putAges,
};

function hear(kind, event, take) {
  clearTimeout(hello);
  heard = stamp();
  tries = mute = 0;
  if (event.lastEventId) last = event.lastEventId;
  const data = JSON.parse(event.data);
  take(data);
  if (kind !== "hello") say("live");
  for (const tell of listeners) tell(kind, data);
}

// Connected, yet nothing comes: a proxy keeps the bytes. Then the state is asked for, and nobody is told.
function silent() {
  mute++;
  if (mute < HELD) {
    retry();
    return;
  }
  askInstead();
}

async function poll() {
  if (document.hidden) return;
  if (since(mutedAt) > POLL_AGAIN) {
    mute = HELD - 1;
    open();
    return;
  }
  await look();
}

// One question in place of the stream; says how it went.
async function look() {
  try {
    putState(await ask("api/state", { patience: ANSWER }));
    heard = stamp();
    say("live");
    save();
    return true;
  } catch (error) {
    if (error.status !== 401) say(navigator.onLine === false ? "offline" : "lost");
    return false;
  }
}

async function failed() {
  shut();
  check();
  // A stream does not tell why it ended; a question does.
  if (!(await look()) && signedOut.value) return;
  retry();
}

function retry() {
  shut();
  const wait = WAITS[Math.min(tries++, WAITS.length - 1)] * (0.8 + 0.4 * Math.random());
  timer = setTimeout(open, wait * 1000);
}

function watch() {
  if (document.hidden || polling || !source) return;
  if (since(heard) > DEAD) {
    connection.value = { word: "lost", at: heard }; // that is long enough to say it at once
    again();
  } else if (connection.value.word === "checking" && since(connection.value.at) > LOST) say("lost");
}

function seen() {
  document.documentElement.classList.toggle("asleep", document.hidden);
  clearTimeout(sleep);
  if (document.hidden) {
    hidden = stamp();
    sleep = setTimeout(shut, HIDDEN);
  } else if (!source || (hidden && since(hidden) > AWAY)) {
    again();
  }
}

function save() {
  if (saved && since(saved) < KEEP) return;
  saved = stamp();
  keep("state", { state: state.value, title: told.value.title });
}
