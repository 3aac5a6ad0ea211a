// <button data-copy="value" data-done="Copied">: puts the value on the clipboard and says so for two seconds.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.dataset.copied = "";
  window.announce(button.dataset.done);
  const label = button.querySelector("[data-label]");
  const before = label?.textContent;
  if (label) label.textContent = button.dataset.done;
  setTimeout(() => {
    delete button.dataset.copied;
    if (label) label.textContent = before;
  }, 2000);
});
