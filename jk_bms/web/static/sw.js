// The worker of the page: keeps the files of one release, and opens the page when the network does not answer.
// No value and no page of the server is ever kept here; what was last known is kept by the page itself.

const RELEASE = "RELEASE"; // put in by the program: {hash, files}
const CACHE = "easun-" + RELEASE.hash;
const PATIENCE = 2500; // ms that the server has for a page
const BASE = new URL(self.registration.scope).pathname;
const STATIC = BASE + "s/" + RELEASE.hash + "/";
const LARGE = /-512\.png$/; // only the system's installer asks for these

self.addEventListener("install", (event) => {
  const wanted = RELEASE.files.filter((path) => !LARGE.test(path)).map((path) => STATIC + path);
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(wanted)));
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("easun-") && name !== CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

// The page says this when the owner has asked for the new version.
self.addEventListener("message", (event) => {
  if (event.data === "take-over") self.skipWaiting();
});

// A push is shown whatever it says: one that is not costs the subscription.
self.addEventListener("push", (event) => event.waitUntil(show(event.data)));

async function show(data) {
  let told = {};
  try {
    told = data.json() || {};
  } catch (error) {
    told = {};
  }
  const said = typeof told === "object" && told.notification ? told.notification : {};
  const { body = "", tag = "", lang = "", dir = "auto", silent = false, navigate = "", data: facts = {} } = said;
  const renotify = Boolean(tag) && facts.step !== "cleared";
  const title = typeof said.title === "string" && said.title ? said.title : await unread();
  if (Number.isInteger(told.app_badge) && navigator.setAppBadge) navigator.setAppBadge(told.app_badge).catch(() => undefined);
  await self.registration.showNotification(title, { body, tag, lang, dir, silent, renotify, icon: STATIC + "icons/app-192.png", data: { ...facts, navigate } });
}

// What is shown in place of what is not understood.
async function unread() {
  const name = navigator.language.startsWith("uk") ? "uk" : "en";
  const words = await caches.match(STATIC + "words/" + name + ".json", { cacheName: CACHE });
  return words ? (await words.json()).texts["web.push.unread"] : "easun-jkbms";
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data));
});

// Go where a notification leads, in a window of the page where there is one.
async function open(facts) {
  const wanted = new URL((facts && facts.navigate) || BASE, self.location.origin);
  const own = wanted.origin === self.location.origin && wanted.pathname.startsWith(BASE);
  const address = own ? wanted.href : self.location.origin + BASE;
  for (const window of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    const there = await window.navigate(address).catch(() => null); // one of another release cannot be led
    if (there) return there.focus().catch(() => undefined);
  }
  return self.clients.openWindow(address);
}

// The browser exchanged what messages to it are encrypted with: the server is told, as the page would.
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(subscribeAnew(event.oldSubscription)));

async function subscribeAnew(old) {
  const subscribe = (key) => self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  // Before the server is asked: where it cannot be reached from here now, the page tells it when it is opened next.
  const early = old ? await subscribe(old.options.applicationServerKey) : null;
  const ask = async (path, options) => {
    const answer = await fetch(BASE + path, { credentials: "same-origin", ...options });
    if (!answer.ok) throw new Error(path + ": " + answer.status);
    return answer.json();
  };
  const [session, { key }] = await Promise.all([ask("api/session"), ask("api/push")]);
  if (!key) return; // the monitor lacks the library
  const made = early || (await subscribe(key));
  const headers = { "Content-Type": "application/json", "X-CSRF": session.csrf };
  await ask("api/push", { method: "POST", headers, body: JSON.stringify(made.toJSON()) });
}

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith(STATIC)) event.respondWith(kept(request));
  else if (request.mode === "navigate" && !/^(api|s)\//.test(url.pathname.slice(BASE.length))) event.respondWith(page(request));
});

async function kept(request) {
  return (await caches.match(request, { cacheName: CACHE, ignoreSearch: true })) || fetch(request);
}

async function page(request) {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), PATIENCE);
  try {
    // Redirects are the browser's to follow, so that the address it shows is the right one.
    return await fetch(request, { signal: control.signal });
  } catch (error) {
    return shell();
  } finally {
    clearTimeout(timer);
  }
}

// An empty page that starts the modules; they show what was last known.
async function shell() {
  const cache = await caches.open(CACHE);
  const icons = await cache.match(STATIC + "icons.svg");
  const sprite = icons ? await icons.text() : "";
  const told = JSON.stringify({ offline: true, base: BASE, static: RELEASE.hash });
  const html =
    '<!doctype html><html><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">' +
    '<link rel="stylesheet" href="' + STATIC + 'style.css"></head><body>' + sprite + '<div id="app"></div>' +
    '<script type="application/json" id="told">' + told + "</script>" +
    '<script type="module" src="' + STATIC + 'app.js"></script></body></html>';
  const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  return new Response(html, {
    headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff" },
  });
}
