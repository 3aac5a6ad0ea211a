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

// A form or button with data-ask puts its question first: what will happen, and two ways on. The form itself already
// holds all that is sent; without a script it is sent at once, with the consequence written above it.
function question(form, by) {
  const { ask, consequence } = by?.dataset.ask ? by.dataset : form.dataset;
  const dialog = document.getElementById("dialog");
  const box = document.getElementById("dialog-body");
  const part = (tag, text, looks = "") => Object.assign(document.createElement(tag), { textContent: text, className: looks });
  const yes = part("button", by?.dataset.yes || by?.textContent.trim(), by?.className);
  const no = part("button", dialog.dataset.no, "button quiet");
  const actions = part("div", "", "dialog-actions");
  actions.append(no, yes);
  box.replaceChildren(part("h2", ask), ...(consequence ? [part("p", consequence)] : []), actions);
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => {
    dialog.close();
    form.dataset.answered = "yes";
    form.requestSubmit(by);
    delete form.dataset.answered;
  });
  dialog.showModal();
  no.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.answered || !(form.dataset.ask || event.submitter?.dataset.ask)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  question(form, event.submitter);
}, true);
