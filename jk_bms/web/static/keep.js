// What stays in this browser: the last state, so that a start without network shows it with its age.

import { told } from "./store.js";

const NAME = "easun", TABLE = "last";

function open() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(TABLE);
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}

async function work(mode, what) {
  const db = await open();
  try {
    return await new Promise((done, failed) => {
      const asked = what(db.transaction(TABLE, mode).objectStore(TABLE));
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
  } finally {
    db.close();
  }
}

// A browser in private mode keeps nothing: then the page does without.
const quietly = (promise) => promise.catch(() => undefined);

export const keep = (name, value) => quietly(work("readwrite", (table) => table.put(value, name)));
export const kept = (name) => quietly(work("readonly", (table) => table.get(name)));
export const forget = () => quietly(work("readwrite", (table) => table.clear()));

const COOKIES = { language: "lang", theme: "theme" }; // choices that the server makes its pages by

// Choices of this browser
export const choice = (name) => {
  try {
    return localStorage.getItem("easun-" + name);
  } catch (error) {
    return null;
  }
};
export const choose = (name, value) => {
  try {
    localStorage.setItem("easun-" + name, value);
  } catch (error) {
    return;
  }
  if (!COOKIES[name]) return;
  // The server makes its pages in the same language and colours.
  document.cookie = `${COOKIES[name]}=${value}; Path=${told.value.base}; Max-Age=31536000; SameSite=Lax`;
};
