// The words of one language and the rules of numbers, as the program made them at start.

import { signal } from "./lib.js";

export const words = signal(null); // {language, texts, facts}

// Fetch the words of `language` from the tree at `place`.
export async function loadWords(place, language) {
  const answer = await fetch(place + "words/" + language + ".json");
  if (!answer.ok) throw new Error("words/" + language + ".json: status " + answer.status);
  words.value = await answer.json();
  document.documentElement.lang = language;
}

export const facts = () => words.value.facts;
export const language = () => words.value.language;
export const known = (key) => key in words.value.texts;

// The text `key` with `fields` in the places of its fields.
export function t(key, fields) {
  const text = words.value.texts[key];
  if (text === undefined) throw new Error("no text " + key);
  return filled(text, fields || {});
}

// The text `key` where there is one, else `otherwise`.
export const told = (key, otherwise, fields) => (known(key) ? t(key, fields) : otherwise);

// The form of text `key` that goes with `number`.
export function count(key, number, fields) {
  const forms = words.value.texts[key].split("|");
  return filled(forms[plural(number)] || forms[forms.length - 1], { count: number, ...fields });
}

function filled(text, fields) {
  const full = text.replace(/\{(\w+)\}/g, (whole, name) => (name in fields ? fields[name] : whole));
  // "о 11:32" cannot be spoken: before the eleventh hour, which begins with a vowel, it is "об".
  return language() === "uk" ? full.replace(/(^|[^\p{L}])([оО]) (?=11:)/gu, "$1$2б ") : full;
}

function plural(number) {
  const n = Math.abs(number);
  if (language() !== "uk") return n === 1 ? 0 : 1;
  if (n % 10 === 1 && n % 100 !== 11) return 0;
  return [2, 3, 4].includes(n % 10) && ![12, 13, 14].includes(n % 100) ? 1 : 2;
}
