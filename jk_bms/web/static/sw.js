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
