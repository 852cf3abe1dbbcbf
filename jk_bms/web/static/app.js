// Where the page starts.

const told = JSON.parse(document.getElementById("told").textContent);

if ("serviceWorker" in navigator && window.isSecureContext) {
  navigator.serviceWorker.register(told.base + "sw.js", { scope: told.base }).catch(() => undefined);
}
