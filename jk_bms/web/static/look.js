// Language and colours: chosen in this browser, kept there, and known to the server for the pages it makes.

import { choose } from "./keep.js";
import { loadWords } from "./words.js";

export const HERE = new URL(".", import.meta.url).pathname; // the folder of this release

export function setTheme(theme) {
  choose("theme", theme);
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export async function setLanguage(name) {
  choose("language", name);
  await loadWords(HERE, name);
}
