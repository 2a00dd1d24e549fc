// Passkeys need a script: the browser gives them to no form. data-passkey on a form ("create" or "get") asks
// data-begin what to do, lets the browser do it, and sends the form with the answer in its field of that name.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const letters = (buffer) => {
  let text = "";
  for (const b of new Uint8Array(buffer)) text += String.fromCharCode(b);
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};

// read turns the office's options into what the browser wants: bytes where JSON has letters.
function read(options) {
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const list of [options.excludeCredentials, options.allowCredentials]) {
    for (const key of list || []) key.id = bytes(key.id);
  }
  return { publicKey: options };
}

// write turns the browser's answer into JSON.
function write(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = letters(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({
    id: credential.id, rawId: letters(credential.rawId), type: credential.type, response,
    clientExtensionResults: credential.getClientExtensionResults(),
    authenticatorAttachment: credential.authenticatorAttachment || undefined,
  });
}

async function ask(form) {
  const body = new URLSearchParams(new FormData(form));
  const res = await fetch(form.dataset.begin, { method: "POST", body, headers: { "X-Fragment": "passkey" } });
  if (!res.ok) {
    for (const field of form.querySelectorAll("[type=password]")) field.value = ""; // as the office does with what was wrong
    throw new Error(await res.text());
  }
  const options = read(await res.json());
  try {
    return write(await navigator.credentials[form.dataset.passkey](options));
  } catch {
    throw new Error(form.dataset.cancelled);
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const said = form.querySelector("[role=alert]");
  form.hidden = !window.PublicKeyCredential && form.dataset.passkey === "get";
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    const button = form.querySelector("button");
    said.hidden = true;
    button.disabled = true;
    try {
      if (!window.PublicKeyCredential) throw new Error(form.dataset.missing);
      form.elements.answer.value = await ask(form);
      form.submit();
    } catch (problem) {
      said.textContent = problem.message;
      said.hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
}
