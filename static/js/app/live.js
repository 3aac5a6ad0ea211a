// The live stream says only "orders changed"; fragments fetch themselves. While it is down we poll, and when it is
// back we ask for everything once: between the two nothing may be missed.
const POLL_MS = 3000;
const RETRY_MS = 10000;
let connected = 0;
let polling = null;

const stream = () => document.getElementById("live");
const resync = () => stream()?.dispatchEvent(new CustomEvent("resync"));

function show(state) {
  document.querySelectorAll(".live").forEach((mark) => { mark.dataset.state = state; });
}

function down() {
  show("off");
  polling ??= setInterval(resync, POLL_MS);
}

// Long lists, the jobs and the desk look again every two seconds at most, and never miss the last change.
const STIR_MS = 2000;
let stirring = null;
let stirredAt = 0;

function stir() {
  stirring ??= setTimeout(() => {
    stirring = null;
    stirredAt = Date.now();
    stream()?.dispatchEvent(new CustomEvent("stirred"));
  }, Math.max(0, stirredAt + STIR_MS - Date.now()));
}

document.addEventListener("DOMContentLoaded", () => {
  ["orders", "jobs"].forEach((name) => stream()?.addEventListener(name, stir));
  if (stream() && !stream().hasAttribute("hx-sse:connect")) down(); // a server without streams
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && polling) resync(); });
document.addEventListener("htmx:sse:after:connection", () => {
  show("on");
  clearInterval(polling);
  polling = null;
  if (connected++) resync();
});
document.addEventListener("htmx:sse:before:connection", () => { if (connected) down(); });
document.addEventListener("htmx:sse:error", down);
document.addEventListener("htmx:sse:close", reconnect);

// The extension retries a stream that broke, but not a first connection that was refused, nor one it gave up.
function reconnect() {
  down();
  setTimeout(() => stream()?.dispatchEvent(new CustomEvent("connect")), RETRY_MS);
}

function refused(event) {
  if (event.detail.ctx?.sourceElement === stream()) reconnect();
}

document.addEventListener("htmx:response:error", refused);
document.addEventListener("htmx:error", refused);

// A page that follows its object leaves alone who is writing in it, or has a number shown for half a minute.
const written = (field) => (field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked
  : field.matches("select") ? [...field.options].some((option) => option.selected !== option.defaultSelected && field.dataset.touched)
    : field.type !== "hidden" && field.value !== field.defaultValue);
const busy = (box) => [...box.querySelectorAll("input, textarea, select")].some(written)
  || [...box.querySelectorAll("[data-hide-after]")].some((shown) => shown.textContent !== shown.dataset.hidden);

document.addEventListener("change", (event) => { if (event.target.matches("select")) event.target.dataset.touched = "yes"; });
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  const box = ctx.sourceElement;
  if (!box?.matches?.("[data-object]") || ctx.response?.status !== 200 || !busy(box)) return;
  event.preventDefault();
  box.querySelector("[data-changed]").hidden = false;
});
