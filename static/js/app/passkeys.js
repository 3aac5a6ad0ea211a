// A passkey: [data-passkey] (create or get) asks the desk for a challenge at data-options, the authenticator for an
// answer, and sends the form with it. Without a script, or in a browser that knows no passkeys, the button stays hidden.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const words = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function asked(options) {
  const keys = (list) => (list || []).map((key) => ({ ...key, id: bytes(key.id) }));
  const found = { ...options, challenge: bytes(options.challenge) };
  if (options.user) found.user = { ...options.user, id: bytes(options.user.id) };
  if (options.allowCredentials) found.allowCredentials = keys(options.allowCredentials);
  if (options.excludeCredentials) found.excludeCredentials = keys(options.excludeCredentials);
  return found;
}

function answer(key) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (key.response[part]) response[part] = words(key.response[part]);
  }
  return JSON.stringify({ id: key.id, rawId: words(key.rawId), type: key.type, response, clientExtensionResults: {} });
}

async function go(button) {
  const token = document.querySelector("meta[name=csrf-token]").content;
  const sent = await fetch(button.dataset.options, { method: "POST", headers: { "X-CSRFToken": token } });
  if (!sent.ok) throw new Error(String(sent.status));
  const publicKey = asked(await sent.json());
  const key = await navigator.credentials[button.dataset.passkey]({ publicKey });
  button.form.querySelector("[data-passkey-answer]").value = answer(key);
  button.form.submit();
}

function show() {
  if (!window.PublicKeyCredential) return;
  for (const form of document.querySelectorAll("form[data-passkeys]")) form.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-passkey]");
  if (!button) return;
  event.preventDefault();
  button.disabled = true;
  go(button).catch(() => {
    button.disabled = false;
    const note = button.form.querySelector("[data-passkey-failed]");
    if (note) note.hidden = false;
  });
});
document.addEventListener("DOMContentLoaded", show);
