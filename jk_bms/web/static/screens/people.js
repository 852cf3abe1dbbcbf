// Who may look and who may do more: browsers that are signed in, guests, the password, tokens of programs.

import { html, useEffect, useState } from "../lib.js";
import { ask } from "../api.js";
import { t } from "../words.js";
import { ago, moment } from "../format.js";
import { now } from "../store.js";
import { Action, Card, Copy, Icon, Name, Sheet, failure } from "../parts.js";
import { Field, signIn, useForm } from "./gate.js";
import { closeSheet, openSheet, route } from "../router.js";

const TOKENS = "tokens"; // what the sheet of tokens is called in the address

export function People({ session, first }) {
  const [sessions, setSessions] = useState(first);
  const [link, setLink] = useState(null);
  const renew = async () => setSessions(await ask("api/sessions"));
  const end = (path) => async () => {
    await ask(path, { method: "DELETE" });
    await renew();
    return false;
  };
  const invite = useForm(async (fields, form) => {
    setLink(await ask("api/guests", { method: "POST", body: fields }));
    form.reset();
  });
  return html`<${Card} title=${t("web.people")} also="stack">
    <div class="items">${sessions.map((one) => html`<${Row} key=${one.id} icon="phone" title=${one.name || one.browser} beside=${one.this && t("web.session.this")}
      below=${`${one.name ? one.browser + " · " : ""}${t("web.session.used", { ago: ago(Math.max(0, (now() - new Date(one.used)) / 1000)) })}`}
      word=${t("web.session.end", { name: one.name || one.browser })} end=${one.this ? null : end("api/sessions/" + one.id)} />`)}</div>
    ${sessions.length > 1 && html`<${Action} label=${t("web.session.others")} work=${end("api/sessions")} />`}
    <form onSubmit=${invite.submit} class="field"><label for="guest">${t("web.guest.name")}</label><div class="with-button"><input id="guest" name="name" required maxlength="40" autocomplete="off" /><button disabled=${invite.busy}>${t("web.guest.new")}</button></div>
      ${invite.trouble && html`<p class="wrong" role="alert"><${Icon} name="error" />${invite.trouble}</p>`}</form>
    ${link && html`<div role="status"><p class="small">${t("web.guest.link")}</p><${Copy} text=${link.url} /></div>`}
    ${!session.password_fixed && html`<${Password} changed=${renew} />`}
    <p><button onClick=${() => openSheet(TOKENS)}>${t("web.tokens")}</button></p>
    ${route.value.hash === TOKENS && html`<${Sheet} name=${TOKENS} title=${t("web.tokens")} onClose=${closeSheet}><${Tokens} /><//>`}
  <//>`;
}

// A browser or a program, and its end: asked once more, since it cannot be taken back.
function Row({ icon, title, beside, below, word, end }) {
  const [asking, setAsking] = useState(false);
  return html`<div><${Icon} name=${icon} /><span class="text"><${Name}>${title}<//> ${beside && html`<span class="small quiet">(${beside})</span>`}<br /><span class="small quiet">${below}</span>
      ${asking && html`<span class="actions"><${Action} label=${word} kind="danger" work=${end} /><button onClick=${() => setAsking(false)}>${t("web.keep")}</button></span>`}</span>
    ${end && !asking && html`<button class="icon-only" aria-label=${word} title=${word} onClick=${() => setAsking(true)}><${Icon} name="close" /></button>`}</div>`;
}

function Password({ changed }) {
  const [open, setOpen] = useState(false);
  const [done, setDone] = useState(false);
  const form = useForm(async ({ old, fresh }, element) => {
    setDone(false);
    await ask("api/change-password", { method: "POST", body: { old_password: old, new_password: fresh } });
    element.reset();
    setDone(true);
    await changed();
  });
  if (!open) return html`<p><button onClick=${() => setOpen(true)}>${t("web.password.change")}</button></p>`;
  const ofOld = form.code === "wrong_password";
  return html`<form onSubmit=${form.submit} class="stack"><${Field} name="old" type="password" label=${t("web.password.old")} complete="current-password" trouble=${ofOld && form.trouble} />
    <${Field} name="fresh" type="password" account=${false} label=${t("web.password.new")} complete="new-password" help=${t("web.password.rule")} trouble=${!ofOld && form.trouble} />
    <button class="primary" disabled=${form.busy}>${t("web.password.change")}</button>
    ${done && html`<p class="yes" role="status">${t("web.password.changed")}</p>`}</form>`;
}

// Tokens: only with the password typed a short while ago.

const DAYS = [30, 365, ""], USUAL = 365; // that a token lasts; "": for ever

function Tokens() {
  const [tokens, setTokens] = useState(null);
  const [made, setMade] = useState(null);
  const [state, setState] = useState("loading"); // loading, sure, unsure; else what is wrong
  const load = async () => {
    try {
      setTokens(await ask("api/tokens"));
      setState("sure");
    } catch (error) {
      setState(error.field === "password" ? "unsure" : failure(error));
    }
  };
  useEffect(() => {
    load();
  }, []);
  const again = useForm(async ({ password }) => {
    await signIn(password);
    await load();
  });
  const form = useForm(async ({ name, scope, days }, element) => {
    setMade(null);
    try {
      setMade({ name, ...(await ask("api/tokens", { method: "POST", body: { name, scope, ...(days ? { days: Number(days) } : {}) } })) });
      element.reset();
    } catch (error) {
      if (error.field !== "password") throw error;
      setState("unsure");
      return;
    }
    await load();
  });
  const end = (id) => async () => {
    await ask("api/tokens/" + id, { method: "DELETE" }).catch((error) => {
      if (error.field !== "password") throw error;
    });
    if (made && made.id === id) setMade(null);
    await load();
    return false;
  };
  if (state === "loading") return html`<p class="quiet">${t("web.checking")}</p>`;
  if (state === "unsure") {
    return html`<form onSubmit=${again.submit} class="stack"><p>${t("web.password.again")}</p>
      <${Field} name="password" type="password" label=${t("web.password")} complete="current-password" trouble=${again.trouble} first=${true} /><button class="primary" disabled=${again.busy}>${t("web.go_on")}</button></form>`;
  }
  if (state !== "sure") return html`<p class="wrong" role="alert"><${Icon} name="error" />${state}</p>`;
  const until = ({ expires }) => (expires ? t("web.token.until", { time: moment(new Date(expires), now()) }) : t("web.token.always"));
  return html`<div class="stack"><p class="small quiet">${t("web.tokens.help")}</p>
    ${made && html`<div role="status"><p><b>${t("web.token.once", { name: made.name })}</b></p><${Copy} text=${made.access_token} /></div>`}
    ${tokens.length > 0 && html`<div class="items">${tokens.map((one) => html`<${Row} key=${one.id} icon="lock" title=${one.name} below=${`${t("web.token." + one.scope)} · ${until(one)}`} word=${t("web.token.end", { name: one.name })} end=${end(one.id)} />`)}</div>`}
    <form onSubmit=${form.submit} class="stack">
      <div class="field"><label for="token">${t("web.token.name")}</label><input id="token" name="name" required maxlength="40" autocomplete="off" /></div>
      <div class="field"><label for="scope">${t("web.token.may")}</label><select id="scope" name="scope">${["read", "control"].map((each) => html`<option key=${each} value=${each}>${t("web.token." + each)}</option>`)}</select></div>
      <div class="field"><label for="days">${t("web.token.lasts")}</label><select id="days" name="days">${DAYS.map((each) => html`<option key=${each} value=${each} selected=${each === USUAL}>${each ? t("web.token.days", { count: each }) : t("web.token.always")}</option>`)}</select></div>
      ${form.trouble && html`<p class="wrong" role="alert"><${Icon} name="error" />${form.trouble}</p>`}
      <button class="primary" disabled=${form.busy}>${t("web.token.make")}</button></form></div>`;
}
