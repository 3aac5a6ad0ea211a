// A toast leaves after six seconds, unless somebody is on it; a failed request leaves one that says what to do.
const REST_MS = 6000;

function dismissLater(toast) {
  if (toast.dataset.timed) return;
  toast.dataset.timed = "yes";
  setTimeout(function leave() {
    if (toast.matches(":hover, :focus-within")) setTimeout(leave, REST_MS);
    else toast.remove();
  }, REST_MS);
}

function watchToasts() {
  document.querySelectorAll(".toast").forEach(dismissLater);
}

document.addEventListener("DOMContentLoaded", watchToasts);
document.addEventListener("htmx:after:swap", watchToasts);
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-dismiss]")) event.target.closest(".toast")?.remove();
});

function say(text) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.textContent = text;
  document.getElementById("toasts")?.append(toast);
  dismissLater(toast);
}

const words = () => document.getElementById("toasts")?.dataset ?? {};

// Polls fail quietly: the live mark says "Reconnecting". What a person pressed must answer.
const pressed = (ctx) => !(ctx.request.method === "GET" && ctx.sourceElement?.matches("#live, [hx-trigger*='#live'], [hx-trigger*='every']"));

document.addEventListener("htmx:error", (event) => { if (pressed(event.detail.ctx)) say(words().offline); });
document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  if (ctx.response.status < 500 || !pressed(ctx)) return;
  const id = ctx.response.headers.get("Request-Id");
  say(id ? `${words().failed} ${id}` : words().failed);
});
