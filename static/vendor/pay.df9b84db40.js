(() => {"use strict";
window.announce = (text) => {
const region = document.getElementById("announce");
if (region) region.textContent = text;
};
})();
;
(() => {"use strict";
async function put(text) {
try {
await navigator.clipboard.writeText(text);
return true;
} catch {
return false;
}
}
function select(button) {
const beside = button.nextElementSibling;
const field = beside?.matches(".copy-by-hand") ? beside : document.createElement("input");
Object.assign(field, { className: "copy-by-hand", value: button.dataset.copy, readOnly: true });
field.setAttribute("aria-label", button.dataset.byHand);
if (field !== beside) button.after(field);
field.focus();
field.setSelectionRange(0, field.value.length);
try {
return document.execCommand("copy");
} catch {
return false;
}
}
document.addEventListener("click", async (event) => {
const button = event.target.closest("[data-copy]");
if (!button) return;
const copied = (await put(button.dataset.copy)) || select(button);
const said = copied ? button.dataset.done : button.dataset.byHand;
if (copied) button.parentElement.querySelector(".copy-by-hand")?.remove();
button.dataset.copied = "";
window.announce(said);
const label = button.querySelector("[data-label]");
label && (label.dataset.before ??= label.textContent);
if (label) label.textContent = said;
clearTimeout(button.resting);
button.resting = setTimeout(() => {
delete button.dataset.copied;
if (label) label.textContent = label.dataset.before;
}, copied ? 2000 : 8000);
});
})();
;
(() => {"use strict";
document.addEventListener("submit", (event) => {
const form = event.target;
if (form.method !== "post" || event.defaultPrevented || form.hasAttribute("hx-post")) return;
if (form.dataset.sent) {
event.preventDefault();
return;
}
form.dataset.sent = "yes";
form.querySelectorAll("button:not([type=button])").forEach((button) => button.setAttribute("aria-busy", "true"));
});
window.addEventListener("pageshow", () => {
document.querySelectorAll("form[data-sent]").forEach((form) => {
delete form.dataset.sent;
form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
});
});
})();
;
(() => {"use strict";
let server = { now: Number(document.documentElement.dataset.now) || Date.now() / 1000, at: performance.now() };
let apart = Date.now() - performance.now();
const serverNow = () => server.now + (performance.now() - server.at) / 1000;
async function askTheTime() {
if (Math.abs(Date.now() - performance.now() - apart) < 2000) return;
apart = Date.now() - performance.now();
try {
const answer = await fetch("/livez", { method: "HEAD", cache: "no-store" });
const told = Date.parse(answer.headers.get("Date")) / 1000;
if (told) server = { now: told, at: performance.now() };
} catch {
}
}
const SVG = "http://www.w3.org/2000/svg";
const RING = 100;
function circle(arc) {
const shape = document.createElementNS(SVG, "circle");
const numbers = { cx: 10, cy: 10, r: 8, pathLength: RING, ...(arc && { "stroke-dasharray": RING }) };
Object.entries(numbers).forEach(([name, value]) => shape.setAttribute(name, value));
return shape;
}
class TimeLeft extends HTMLElement {
static observedAttributes = ["deadline"];
connectedCallback() {
const ring = document.createElementNS(SVG, "svg");
ring.setAttribute("viewBox", "0 0 20 20");
ring.setAttribute("aria-hidden", "true");
ring.append(circle(false), circle(true));
this.arc = ring.lastChild;
this.text = document.createElement("span");
this.text.setAttribute("role", "timer"); // not live: read when asked, silent while it ticks
this.replaceChildren(ring, this.text);
this.attributeChangedCallback();
this.ticking = setInterval(() => this.draw(), 1000);
}
disconnectedCallback() {
clearInterval(this.ticking);
}
attributeChangedCallback() {
if (this.arc) this.draw();
}
draw() {
askTheTime();
const left = Math.max(0, Math.round(Number(this.getAttribute("deadline")) - serverNow()));
const total = Number(this.getAttribute("total")) || 900;
this.text.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
this.arc.setAttribute("stroke-dashoffset", RING - Math.min(RING, (RING * left) / total));
this.dataset.level = left < 90 ? "now" : left < 240 ? "soon" : "calm";
if (left === 300 || left === 60) window.announce(this.getAttribute(left === 300 ? "at-five" : "at-one") || "");
if (left === 0 && this.last > 0) this.dispatchEvent(new CustomEvent("time-over", { bubbles: true }));
this.last = left;
}
}
customElements.define("time-left", TimeLeft);
})();
;
(() => {"use strict";
let asking = false;
async function ask() {
const box = document.querySelector("[data-poll]");
if (!box || asking) return;
asking = true;
try {
const headers = { "HX-Request": "true", "HX-Target": `div#${box.id}` };
if (box.dataset.ptag) headers["HX-PTag"] = box.dataset.ptag;
const answer = await fetch(box.dataset.poll, { headers, cache: "no-store", signal: AbortSignal.timeout(10000) });
if (answer.status === 200) swap(box, await answer.text(), answer.headers.get("HX-PTag"));
} catch {
} finally {
asking = false;
}
}
function swap(box, html, version) {
if (!box.isConnected || (version && version === box.dataset.ptag)) return;
const fresh = new DOMParser().parseFromString(html, "text/html").getElementById(box.id);
if (!fresh) return;
if (version) fresh.dataset.ptag = version;
const typing = box.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
const chosen = [...box.querySelectorAll("[type=file]")].some((input) => input.files.length) || box.querySelector("[name=draft]");
if ((typing || chosen) && fresh.dataset.state === box.dataset.state) return; // do not take a form from under somebody's fingers
box.replaceWith(document.adoptNode(fresh));
const said = fresh.querySelector("h1, h2");
if (said && fresh.dataset.state !== box.dataset.state) window.announce(said.textContent);
}
function turn() {
const every = Number(document.querySelector("[data-poll]")?.dataset.every) || 3;
setTimeout(async () => {
if (!document.hidden) await ask();
turn();
}, every * 1000);
}
turn();
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
document.addEventListener("time-over", ask);
})();
;
(() => {"use strict";
function come({ target }) {
const src = target.closest?.("[data-uploads]")?.dataset.script;
if (src && !document.querySelector(`script[src="${src}"]`)) document.head.append(Object.assign(document.createElement("script"), { src }));
}
for (const touch of ["focusin", "change"]) document.addEventListener(touch, come);
})();
