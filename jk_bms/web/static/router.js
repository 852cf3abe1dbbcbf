// Where the page is: every screen and every open sheet has an address, so that Back always works.

import { signal } from "./lib.js";
import { told } from "./store.js";

const SCREENS = ["battery", "history", "alerts", "more", "login", "start", "join"];
export const route = signal({ screen: "home", rest: "", query: new URLSearchParams(), hash: "" });
const scrolls = new Map(); // how far each screen was scrolled

function read() {
  const path = location.pathname.slice(told.value.base.length);
  const [first, ...rest] = path.split("/");
  const screen = SCREENS.includes(first) ? first : "home";
  let hash = location.hash.slice(1);
  try {
    hash = decodeURIComponent(hash);
  } catch (error) {
    hash = "";
  }
  return { screen, rest: decodeURIComponent(rest.join("/")), query: new URLSearchParams(location.search), hash };
}

export function begin() {
  route.value = read();
  addEventListener("popstate", arrive);
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    const base = told.value.base;
    if (url.origin !== location.origin || !url.pathname.startsWith(base)) return;
    if (/^(api|s)\//.test(url.pathname.slice(base.length))) return;
    event.preventDefault();
    if (url.hash === "#main") document.getElementById("main").focus();
    else go(url.pathname + url.search + url.hash);
  });
}

function arrive() {
  const before = route.value;
  route.value = read();
  if (before.screen !== route.value.screen) requestAnimationFrame(() => scrollTo(0, scrolls.get(route.value.screen) || 0));
}

// Go to an address of the page.
export function go(address, replace) {
  const before = route.value;
  scrolls.set(before.screen, scrollY);
  history[replace ? "replaceState" : "pushState"]({ ours: true }, "", address);
  route.value = read();
  if (before.screen !== route.value.screen) scrollTo(0, 0);
}

export const url = (path) => told.value.base + path;

// Open the sheet `name` of this screen; Back closes it.
export function openSheet(name) {
  go(location.pathname + location.search + "#" + encodeURIComponent(name));
}
export function closeSheet() {
  if (history.state && history.state.ours) history.back();
  else go(location.pathname + location.search, true);
}
