// Numbers, durations and times as people read them: digit for digit what bot, pictures and tool show.

import { facts, t, words } from "./words.js";

const FIXED = "\u00a0", THIN = "\u202f", MINUS = "\u2212";
const SPARE = 25; // decimals: no number near one that is shown differs from half a digit by less

// `value` with `digits` decimals, halves to the even digit as the program rounds them.
export function fixed(value, digits) {
  const size = Math.abs(value);
  let text = size.toFixed(digits);
  const exact = size.toFixed(digits + SPARE);
  if (/^50*$/.test(exact.slice(-SPARE))) {
    const below = exact.slice(0, -SPARE).replace(/\.$/, "");
    if (Number(below.slice(-1)) % 2 === 0) text = below;
  }
  return value < 0 && /[1-9]/.test(text) ? "-" + text : text;
}

// `value` as this language writes numbers, with a true minus and thousands apart.
export function number(value, digits, sign) {
  let text = fixed(value, digits || 0);
  let mark = "";
  if (text[0] === "-") {
    mark = MINUS;
    text = text.slice(1);
  } else if (sign && /[1-9]/.test(text)) mark = "+";
  let [whole, rest] = text.split(".");
  if (Number(whole) >= facts().grouped) whole = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  return mark + (rest === undefined ? whole : whole + words.value.texts["units.decimal"] + rest);
}

export const unit = (name) => words.value.texts["units." + name] || name;

// `value` in the form `name` of the table that page and program share; "–" for what is not known.
export function quantity(name, value) {
  if (value === undefined || value === null) return "–";
  if (name === "energy" && Math.abs(value) >= facts().much_energy) name = "much_energy";
  const [of, digits, sign] = facts().forms[name];
  return number(value, digits, sign) + FIXED + unit(of);
}

export const shownSoc = (soc) => (soc >= facts().full ? 100 : Math.max(0, Math.trunc(soc)));
export const levelOf = (soc) => Object.entries(facts().levels).find(([, least]) => shownSoc(soc) >= least)[0];
export const flowOf = (amps) => (Math.abs(amps) < facts().flow.amps ? "idle" : amps > 0 ? "charging" : "discharging");
export const percent = (soc) => shownSoc(soc) + FIXED + "%";

// A duration: `0.4 s`, `12 s`, `5 min`, `1 h 35 min`, `4 d 2 h`.
export function span(seconds) {
  const say = (value, name) => value + " " + t("units." + name);
  if (seconds < 9.95) return say(number(Math.max(seconds, 0), 1), "second");
  const whole = Number(fixed(seconds, 0));
  if (whole < 120) return say(whole, "second");
  if (whole < 3600) return say(Math.trunc(whole / 60), "minute");
  const minutes = Math.trunc(whole / 60);
  const hours = Math.trunc(minutes / 60);
  if (hours < 48) return say(hours, "hour") + (minutes % 60 ? " " + say(minutes % 60, "minute") : "");
  return say(Math.trunc(hours / 24), "day") + (hours % 24 ? " " + say(hours % 24, "hour") : "");
}

// A range of durations: no more exact than it is sure.
export function spanBetween(low, high) {
  const step = high < 7200 ? 60 : high < 36000 ? 600 : 3600;
  const first = span(Math.floor(low / step) * step), last = span(Math.ceil(high / step) * step);
  if (low < step && first !== last) return t("units.at_most", { last });
  if (first === last) return first;
  const one = first.split(" "), other = last.split(" ");
  if (one.length === 2 && other.length === 2 && one[1] === other[1]) return t("units.between_numbers", { first: one[0], last });
  return t("units.between", { first, last });
}

export const ago = (seconds) => (seconds < facts().fresh.now ? t("units.just_now") : t("units.ago", { span: span(seconds) }));

// Times, in the house's zone

let zone, parted;
const asked = new Map(); // the same few moments are asked for with each reading
export const useZone = (name) => {
  zone = name || undefined;
  parted = null;
  asked.clear();
};

// The parts of `date` in the house's zone. Made once for a zone: making it takes a hundred times as long as asking it.
export function local(date) {
  const second = Math.floor(date / 1000), known = asked.get(second);
  if (known) return known;
  const style = { year: "numeric", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", weekday: "short", hourCycle: "h23" };
  parted = parted || new Intl.DateTimeFormat("en-GB", { ...style, timeZone: zone });
  const parts = {};
  for (const { type, value } of parted.formatToParts(date)) parts[type] = value;
  if (asked.size > 99) asked.clear();
  asked.set(second, parts);
  return parts;
}

export function clock(date) {
  const { hour, minute } = local(date);
  return `${hour}:${minute}`;
}
export const clockSeconds = (date) => `${clock(date)}:${local(date).second}`;
export const dayKey = (date) => {
  const { year, month, day } = local(date);
  return `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
};

export function dateOf(date) {
  const { day, month } = local(date);
  return `${Number(day)} ${t("units.months").split(" ")[month - 1]}`;
}

// When something was or will be: `18:42`, `18:42 yesterday`, `18:42 on 3 May`.
export function moment(date, now) {
  const time = clock(date), day = dayKey(date);
  if (day === dayKey(now)) return time;
  if (day === dayKey(new Date(now - 864e5))) return t("units.yesterday", { time });
  if (day === dayKey(new Date(+now + 864e5))) return t("units.tomorrow", { time });
  const year = local(date).year;
  return t("units.dated", { time, date: dateOf(date) + (year !== local(now).year ? " " + year : "") });
}

// The start of the local day of `date`, as a Date; `days` later.
export function midnight(date, days) {
  const { year, month, day } = local(date);
  const wanted = Date.UTC(year, month - 1, Number(day) + (days || 0));
  let guess = new Date(wanted);
  for (let n = 0; n < 3; n++) {
    const p = local(guess);
    const off = Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - wanted;
    if (!off) break;
    guess = new Date(guess - off);
  }
  return guess;
}
