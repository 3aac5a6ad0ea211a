(() => {"use strict";
const chosen = (input) => document.querySelector(`label[for="${input.id}"]`)?.textContent;
function choose(language) {
for (const input of document.querySelectorAll(".samples input")) if (chosen(input) === language) input.checked = true;
}
choose(localStorage.getItem("sample-language"));
document.addEventListener("change", (event) => {
if (!event.target.matches(".samples input")) return;
const before = event.target.getBoundingClientRect().top;
choose(chosen(event.target));
scrollBy(0, event.target.getBoundingClientRect().top - before); // samples above have another length now
localStorage.setItem("sample-language", chosen(event.target));
});
})();
;
(() => {"use strict";
const found = document.getElementById("found"), box = document.querySelector(".docs-search input");
if (found && box) {
box.addEventListener("input", () => {
const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean);
let any = false;
for (const one of found.children) {
one.hidden = !wanted.every((word) => one.dataset.words.includes(word));
any ||= !one.hidden;
}
document.getElementById("nothing-found").hidden = any;
const address = new URL(location);
address.searchParams.set("q", box.value);
history.replaceState(null, "", address);
});
}
})();
;
(() => {"use strict";
let key = "";
function address(form) {
const url = new URL(form.dataset.try.replace(/\{(\w+)\}/g, (_, name) =>
encodeURIComponent(form.elements[`path:${name}`].value.trim())), location.origin);
for (const field of form.querySelectorAll('[name^="query:"]'))
if (field.value.trim()) url.searchParams.set(field.name.slice(6), field.value.trim());
return url;
}
async function ask(form) {
if (!("open" in form.dataset) && !key.startsWith("qk_test_")) return form.dataset.onlyTest;
const url = address(form);
try {
const answer = await fetch(url, { credentials: "omit", headers: key ? { Authorization: `Bearer ${key}` } : {} });
const text = await answer.text();
let shown = text;
try {
shown = JSON.stringify(JSON.parse(text), null, 2);
} catch {}
return `GET ${url.pathname}${url.search}\n${answer.status}  ${answer.headers.get("Request-Id") ?? ""}\n\n${shown}`;
} catch {
return form.dataset.failed;
}
}
for (const box of document.querySelectorAll("[data-try-box]")) box.hidden = false;
document.addEventListener("input", (event) => {
if (!event.target.matches("[data-try] [name=key]")) return;
key = event.target.value.trim();
for (const other of document.querySelectorAll("[data-try] [name=key]")) if (other !== event.target) other.value = key;
});
document.addEventListener("submit", async (event) => {
const form = event.target.closest("[data-try]");
if (!form) return;
event.preventDefault();
const shown = form.querySelector("pre"), button = form.querySelector("button");
button.disabled = true;
shown.textContent = await ask(form);
shown.hidden = false;
button.disabled = false;
});
})();
