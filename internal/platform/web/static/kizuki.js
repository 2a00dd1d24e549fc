// Enhancement only: every page works without this file.
// data-swap on a form: save in place; the answer replaces the element whose id the form names.
// data-live on a form: a changed field reloads the region named by the form.
// data-print on a button: prints the page; hidden until this file runs.
// data-keys on a form: a button with data-key is pressed by that key.
"use strict";

const say = (text) => { document.getElementById("live").textContent = text; };

// put replaces the element #id by the one in html, keeping focus and scroll.
function put(id, html) {
  const old = document.getElementById(id);
  const fresh = new DOMParser().parseFromString("<body>" + html, "text/html").body.firstElementChild;
  if (!old || !fresh) return false;
  const inside = old.contains(document.activeElement);
  const focus = inside ? document.activeElement.id : "";
  old.replaceWith(fresh);
  const again = (focus && document.getElementById(focus)) || fresh;
  if (!inside) return true;
  if (again === fresh) fresh.tabIndex = -1; // what had the focus is gone: go on from here, not from the top
  again.focus({ preventScroll: true });
  return true;
}

async function send(form, url, options) {
  const id = form.dataset.swap || form.dataset.live;
  const region = document.getElementById(id);
  if (region) region.setAttribute("aria-busy", "true");
  try {
    const res = await fetch(url, { ...options, headers: { "X-Fragment": id }, redirect: "follow" });
    const text = await res.text();
    if (!res.ok || !put(id, text)) throw new Error(String(res.status));
    if (form.dataset.said) say(form.dataset.said);
    return true;
  } catch {
    if (region) region.removeAttribute("aria-busy");
    return false;
  }
}

document.addEventListener("submit", async (e) => {
  const form = e.target;
  if (!form.dataset.swap || form.dataset.plain) return;
  e.preventDefault();
  const body = new URLSearchParams(new FormData(form, e.submitter));
  if (!(await send(form, form.action, { method: "POST", body }))) {
    form.dataset.plain = "yes"; // fall back to a normal submit, which shows what is wrong
    form.requestSubmit(e.submitter);
  }
});

let timer = 0;
document.addEventListener("input", (e) => {
  const form = e.target.form;
  if (!form || !form.dataset.live) return;
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const url = form.action + "?" + new URLSearchParams(new FormData(form));
    if (await send(form, url, {})) history.replaceState(null, "", url);
  }, e.target.tagName === "SELECT" ? 0 : 200);
});

document.addEventListener("change", (e) => {
  const form = e.target.form;
  if (form && form.dataset.swap && form.dataset.auto) form.requestSubmit();
});

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.altKey || e.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName)) return;
  if (e.key === "Enter" && e.target.closest("a, button, summary")) return; // Enter belongs to what has the focus
  const button = [...document.querySelectorAll("[data-key]")].find((b) => b.dataset.key.split(" ").includes(e.key));
  if (!button) return;
  e.preventDefault();
  button.click();
});

for (const b of document.querySelectorAll("[data-print]")) b.hidden = false; // without this file it could do nothing
document.addEventListener("click", (e) => {
  if (e.target.closest("[data-print]")) window.print();
});
