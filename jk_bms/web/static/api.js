// Questions to the server, and what comes back when it refuses.

import { language } from "./words.js";
import { signedOut, told } from "./store.js";

// What the server, or the way to it, said no with. `code` "" : it was not reached.
export class Refused extends Error {
  constructor(code, message, status, after) {
    super(message);
    this.code = code;
    this.status = status;
    this.after = after; // s until it may be tried again
  }
}

// Ask for `path` below the base; returns the JSON of the answer, null for none. Throws Refused.
export async function ask(path, { method = "GET", body, signal } = {}) {
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
  // Who looks without having signed in has lost nothing.
  if (answer.status === 401 && said.code !== "wrong_password" && told.value.csrf) signedOut.value = true;
  throw new Refused(said.code || "internal", said.message || "", answer.status, Number(answer.headers.get("Retry-After")) || undefined);
}

// An address of the API with `query`, whose unknown values are left out.
export function address(path, query) {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return pairs.length ? path + "?" + new URLSearchParams(pairs) : path;
}
