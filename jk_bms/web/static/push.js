// Alerts to this browser while the page is closed: whether they can be had here, and asking for them.

import { ask } from "./api.js";
import { language } from "./words.js";
import { told } from "./store.js";

const IOS = [16, 4]; // the first version that has them, on the Home Screen alone

// Why there are none here, as the end of a key of words; "": there may be.
export function hindrance() {
  if (!window.isSecureContext) return "https";
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return missing();
  return Notification.permission === "denied" ? "denied" : "";
}

function missing() {
  const agent = navigator.userAgent;
  const apple = /iPhone|iPad|iPod/.test(agent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
  if (!apple) return "browser";
  const [, major, minor] = /(?:OS |Version\/)(\d+)[._](\d+)/.exec(agent) || [0, 0, 0];
  if (Number(major) < IOS[0] || (Number(major) === IOS[0] && Number(minor) < IOS[1])) return "old";
  return navigator.standalone ? "browser" : "home";
}

// The browser's own subscription; null: there is none.
export async function subscription() {
  if (hindrance()) return null;
  const worker = await navigator.serviceWorker.getRegistration(told.value.base);
  return worker ? worker.pushManager.getSubscription() : null;
}

const send = (made, contact) => ask("api/push", { method: "POST", body: { subscription: made.toJSON(), language: language(), ...(contact ? { contact } : {}) } });

// Ask for alerts: only ever after a tap. Returns what the server says then; null: the person said no.
// `key`: of the server; without it one is made there.
export async function turnOn(known, contact) {
  if ((await Notification.requestPermission()) !== "granted") return null;
  const worker = await navigator.serviceWorker.ready;
  const before = await worker.pushManager.getSubscription();
  if (before) await before.unsubscribe(); // it may be for another key
  const key = known || (await ask("api/push")).key;
  return send(await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }), contact);
}

export async function turnOff() {
  const there = await subscription();
  if (there) await there.unsubscribe();
}

// At each opening: what the browser has and what the server knows are brought in step.
export async function inStep() {
  const there = told.value.csrf && told.value.base === "/" ? await subscription() : null;
  if (!there) return;
  const { key, ended } = await ask("api/push");
  if (!key) return;
  if (!ended && same(there.options.applicationServerKey, key)) await send(there);
  else await turnOn(key);
}

function same(bytes, key) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes || [])));
  return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "") === key;
}
