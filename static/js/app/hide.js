// What may be seen for a moment only: <span data-hide-after="30" data-hidden="220015******0004">2200 …</span>.
function watch(shown) {
  setTimeout(() => {
    shown.textContent = shown.dataset.hidden;
    shown.parentElement.querySelector("[data-copy]")?.remove();
  }, Number(shown.dataset.hideAfter) * 1000);
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-hide-after]").forEach(watch));
