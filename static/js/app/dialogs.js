// Every dialog is also a page. [data-open=id] opens a dialog that is already here; a link with
// hx-target="#dialog-body" fetches the page's form into the one shared dialog, which opens when it has arrived.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  const dialog = opener && document.getElementById(opener.dataset.open);
  if (dialog) {
    event.preventDefault();
    dialog.showModal();
  }
  const open = event.target.closest("dialog[open]");
  if (open && (event.target.closest("[data-close]") || event.target === open)) {
    event.preventDefault();
    open.close();
  }
});

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  const shared = document.getElementById("dialog");
  if (!shared) return;
  const filled = ctx.target?.id === "dialog-body";
  if (filled && !shared.open) shared.showModal();
  // What was done in the dialog changed something outside it: its work is over.
  const asked = shared.contains(ctx.sourceElement) || !ctx.sourceElement?.isConnected;
  if (!filled && shared.open && asked && ctx.request.method !== "GET" && ctx.response?.status < 400) shared.close();
});

// The server may also say so: HX-Trigger: dialog:close
document.addEventListener("dialog:close", () => document.getElementById("dialog")?.close());
