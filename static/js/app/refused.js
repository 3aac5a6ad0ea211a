// A form that was refused: its summary has the focus, and the address becomes the page's, so that a reload asks for the
// page and sends nothing again. Without a script the act's own address leads to the same page.
function lead() {
  const summary = document.querySelector("[data-refused]");
  if (!summary) return;
  summary.focus();
  if (summary.dataset.refused && !summary.closest("dialog")) history.replaceState(history.state, "", summary.dataset.refused);
}

document.addEventListener("DOMContentLoaded", lead);
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx.request.method !== "GET") lead();
});
