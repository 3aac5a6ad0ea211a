// Keys for people who live in a list: j/k move, a row's [data-key] is pressed by its letter, / goes to the search.
// ? shows them all. Single keys can be turned off in this browser (WCAG 2.1.4): <html data-keys="off">.
let current = null;

document.documentElement.dataset.keys = localStorage.getItem("keys") ?? "on";
document.addEventListener("DOMContentLoaded", () => {
  const choice = document.querySelector("#keys input[type=checkbox]");
  if (choice) choice.checked = document.documentElement.dataset.keys !== "off";
});
document.addEventListener("change", (event) => {
  if (!event.target.matches("#keys input[type=checkbox]")) return;
  document.documentElement.dataset.keys = event.target.checked ? "on" : "off";
  localStorage.setItem("keys", document.documentElement.dataset.keys);
});
// A morph writes the server's classes: the chosen row stays chosen.
document.addEventListener("htmx:after:swap", () => document.getElementById(current)?.classList.add("selected"));

// The outermost: a card is a row, the rows of its table are not.
const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => !row.parentElement.closest("[data-row]"));

function take(row, first = "a, button") {
  rows().forEach((other) => other.classList.toggle("selected", other === row));
  current = row.id;
  row.querySelector(first)?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function choose(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.id === current);
  take(all[Math.max(0, Math.min(all.length - 1, at + step))]);
}

// Who has answered one row's question in the dialog goes on with the row that took its place.
const ASKING = "#needs-you [data-row]";
let asked = null;

document.addEventListener("click", (event) => {
  const row = event.target.closest(ASKING);
  if (row && event.target.closest("[hx-target='#dialog-body']")) asked = [...document.querySelectorAll(ASKING)].indexOf(row);
});
document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  if (asked === null || ctx.request.method === "GET" || ctx.response.status >= 400) return;
  const left = [...document.querySelectorAll(ASKING)];
  if (left.length) take(left[Math.min(asked, left.length - 1)], ".button.primary");
  else document.getElementById("main").focus();
  asked = null;
});

document.addEventListener("keydown", (event) => {
  const search = document.querySelector(".search input");
  if (search && event.key === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    search.focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.documentElement.dataset.keys === "off") return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog[open]")) return;
  if (event.key === "j") choose(1);
  else if (event.key === "k") choose(-1);
  else if (event.key === "?") document.getElementById("keys")?.showModal();
  else if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  } else if (/^[a-z]$/.test(event.key)) {
    document.getElementById(current)?.querySelector(`[data-key="${event.key}"]`)?.click();
  }
});
