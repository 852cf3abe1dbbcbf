// The ways in: signing in, the first password, a guest's link. None of them shows a number of the house.

import { html, useEffect, useRef, useState } from "../lib.js";
import { ask } from "../api.js";
import { t } from "../words.js";
import { span } from "../format.js";
import { again } from "../live.js";
import { route } from "../router.js";
import { signedOut, told } from "../store.js";
import { Icon, Sheet, failure } from "../parts.js";

// A field with its label above, help and trouble below.
// `account`: a browser that keeps passwords is told whose it is, once in a form.
export function Field({ name, label, complete, help, trouble, type = "text", first, account = true }) {
  const [seen, setSeen] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (first) box.current.focus();
  }, []);
  const secret = type === "password";
  return html`<div class="field">${secret && account && html`<input hidden type="text" name="who" autocomplete="username" value="easun" readonly />`}<label for=${name}>${label}</label>
    <div class="with-button"><input ref=${box} id=${name} name=${name} type=${secret && seen ? "text" : type} autocomplete=${complete} autocapitalize="none" spellcheck=${false} required aria-invalid=${trouble ? "true" : undefined} aria-describedby=${trouble ? name + "-wrong" : undefined} />
      ${secret && html`<button type="button" onClick=${() => setSeen(!seen)}>${t(seen ? "web.password.hide" : "web.password.show")}</button>`}</div>
    ${help && html`<p class="help">${help}</p>`}
    ${trouble && html`<p class="wrong" id=${name + "-wrong"} role="alert"><${Icon} name="error" />${trouble}</p>`}</div>`;
}

// A form that sends its fields, and says what was wrong with them; `wait` counts down after too many tries.
export function useForm(send) {
  const [state, setState] = useState({});
  const [wait, setWait] = useState(0);
  useEffect(() => {
    if (!wait) return undefined;
    const timer = setTimeout(() => setWait(wait - 1), 1000);
    return () => clearTimeout(timer);
  }, [wait]);
  const submit = async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    const form = event.target;
    delete fields.who;
    setState({ busy: true });
    try {
      await send(fields, form);
      setState({});
    } catch (error) {
      setState({ trouble: failure(error), code: error.code });
      if (error.after) setWait(Math.ceil(error.after));
    }
  };
  const trouble = wait ? t("web.too_many", { span: span(wait) }) : state.trouble;
  return { submit, busy: Boolean(state.busy) || wait > 0, trouble, code: state.code };
}

// Only to paths of the page itself, which begin at its base.
const wanted = () => {
  const next = new URLSearchParams(location.search).get("next") || "/";
  return /^\/(?![/\\])[^\\\u0000-\u001f]*$/.test(next) ? told.value.base + next.slice(1) : told.value.base;
};

const blankless = (code) => code.replace(/\s+/g, "");

export function Login() {
  const form = useForm(async ({ password }) => {
    await ask("api/login", { method: "POST", body: { password } });
    location.replace(wanted());
  });
  return html`<${Icon} name="mark" also="mark" /><h1>${told.value.title || t("web.app")}</h1>
    <form onSubmit=${form.submit}><${Field} name="password" type="password" label=${t("web.password")} complete="current-password" trouble=${form.trouble} first=${true} />
      <button class="primary" disabled=${form.busy}>${t("web.sign_in")}</button><p class="help">${t("web.password.forgotten")}</p></form>`;
}

export function Start() {
  const code = blankless(route.value.hash); // also of a link that was opened over this screen
  const form = useForm(async (fields) => {
    await ask("api/start", { method: "POST", body: { code: blankless(fields.code), password: fields.password } });
    location.replace(told.value.base);
  });
  const box = useRef(null);
  useEffect(() => {
    // The code leaves the address, so that it stays in no history.
    if (code) {
      history.replaceState(null, "", location.pathname);
      box.current.elements.code.value = code;
      box.current.elements.password.focus();
    }
  }, [code]);
  const ofPassword = form.trouble && form.code === "bad_request";
  return html`<${Icon} name="mark" also="mark" /><h1>${t("web.start")}</h1>
    <form ref=${box} onSubmit=${form.submit}><p>${t("web.start.help")}</p>
      <${Field} name="code" label=${t("web.start.code")} complete="one-time-code" help=${t("web.start.code_help")} trouble=${ofPassword ? "" : form.trouble} />
      <${Field} name="password" type="password" label=${t("web.password.new")} complete="new-password" help=${t("web.password.rule")} trouble=${ofPassword ? form.trouble : ""} />
      <button class="primary" disabled=${form.busy}>${t("web.start.do")}</button></form>`;
}

// A guest's link carries its code in the fragment: it is used at once.
export function Join() {
  const [trouble, setTrouble] = useState("");
  const enter = async () => {
    try {
      await ask("api/join", { method: "POST", body: { code: blankless(decodeURIComponent(location.hash.slice(1))) } });
      location.replace(told.value.base);
    } catch (error) {
      setTrouble(failure(error));
    }
  };
  return html`<${Icon} name="mark" also="mark" /><h1>${told.value.title || t("web.app")}</h1>
    <div class="stack"><p>${t("web.join.help")}</p><button class="primary full" onClick=${enter}>${t("web.join.do")}</button>
    ${trouble && html`<p class="wrong" role="alert"><${Icon} name="error" />${trouble}</p>`}</div>`;
}

// Sign this page in, or in again, without leaving it.
export async function signIn(password) {
  const session = await ask("api/login", { method: "POST", body: { password } });
  told.value = { ...told.value, csrf: session.csrf, control: session.scope !== "read" };
}

// The password over values that stay as they were.
export function SignInSheet() {
  const form = useForm(async ({ password }) => {
    await signIn(password);
    signedOut.value = false;
    again();
  });
  const leave = () => location.assign(told.value.base + "login");
  return html`<${Sheet} name="sign-in" title=${t("web.session_over")} onClose=${leave}>
    <form onSubmit=${form.submit} class="stack"><${Field} name="password" type="password" label=${t("web.password")} complete="current-password" trouble=${form.trouble} first=${true} />
      <button class="primary" disabled=${form.busy}>${t("web.sign_in")}</button></form><//>`;
}
