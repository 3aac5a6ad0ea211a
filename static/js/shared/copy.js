// <button data-copy="value" data-done="Copied" data-by-hand="…">: puts the value on the clipboard and says so for two
// seconds. Plain http and browsers within apps have no clipboard: then the value stands there selected, and it says how.
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
