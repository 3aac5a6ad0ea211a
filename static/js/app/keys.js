// Keys for people who live in a list: j/k move, a row's [data-key] is pressed by its letter, / goes to the search.
// Single keys can be turned off (WCAG 2.1.4): <html data-keys="off">.
let current = null;

const rows = () => [...document.querySelectorAll("[data-row]")];

function choose(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.id === current);
  const row = all[Math.max(0, Math.min(all.length - 1, at + step))];
  all.forEach((other) => other.classList.toggle("selected", other === row));
  current = row.id;
  row.querySelector("a, button")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  const search = document.querySelector(".search input");
  if (search && event.key === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    search.focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.documentElement.dataset.keys === "off") return;
  if (event.target.closest("input, textarea, select, dialog[open]")) return;
  if (event.key === "j") choose(1);
  else if (event.key === "k") choose(-1);
  else if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  } else if (/^[a-z]$/.test(event.key)) {
    document.getElementById(current)?.querySelector(`[data-key="${event.key}"]`)?.click();
  }
});
