// Questions to the server, and what comes back when it refuses.

import { language } from "./words.js";
import { signedOut, told } from "./store.js";

// What the server, or the way to it, said no with. `code` "" : it was not reached.
export class Refused extends Error {
  constructor(code, message, status, { after, field } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.after = after; // s until it may be tried again
    this.field = field; // of what was sent, that is at fault
  }
}

const PATIENCE = 45; // s for an answer

// Ask for `path` below the base; returns the JSON of the answer, null for none. Throws Refused.
// A question that hangs would keep one of the browser's six connections to the house for good: it ends after `patience` s.
export async function ask(path, { method = "GET", body, signal, patience = PATIENCE } = {}) {
  const control = new AbortController();
  const giveUp = () => control.abort();
  const timer = setTimeout(giveUp, 1000 * patience);
  if (signal) signal.addEventListener("abort", giveUp);
  if (signal && signal.aborted) giveUp();
  try {
    return await answered(path, method, body, control.signal);
  } catch (error) {
    if (error.name === "AbortError" && !(signal && signal.aborted)) throw new Refused("", "", 0);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function answered(path, method, body, signal, again = true) {
  const headers = { Accept: "application/json", "Accept-Language": language() };
  if (method !== "GET") headers["X-CSRF"] = told.value.csrf || "";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(told.value.base + path, {
      method, headers, signal, credentials: "same-origin", body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("", "", 0);
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  let said = {};
  try {
    said = (await answer.json()).error || {};
  } catch (error) {
    said = {};
  }
  if (said.code === "csrf" && again) {
    // Another tab signed in anew: the cookie is shared, the mark of its session is not.
    const { csrf } = await ask("api/session", { signal });
    told.value = { ...told.value, csrf };
    return answered(path, method, body, signal, false);
  }
  // Who looks without having signed in has lost nothing.
  if (answer.status === 401 && said.code !== "wrong_password" && told.value.csrf) signedOut.value = true;
  throw new Refused(said.code || "internal", said.message || "", answer.status, { after: Number(answer.headers.get("Retry-After")) || undefined, field: said.field });
}

// An address of the API with `query`, whose unknown values are left out.
export function address(path, query) {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return pairs.length ? path + "?" + new URLSearchParams(pairs) : path;
}
