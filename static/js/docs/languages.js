// Whoever chose a language in one sample reads all others in it, on the next page too.
const chosen = (input) => document.querySelector(`label[for="${input.id}"]`)?.textContent;

function choose(language) {
  for (const input of document.querySelectorAll(".samples input")) if (chosen(input) === language) input.checked = true;
}

choose(localStorage.getItem("sample-language"));
document.addEventListener("change", (event) => {
  if (!event.target.matches(".samples input")) return;
  const before = event.target.getBoundingClientRect().top;
  choose(chosen(event.target));
  scrollBy(0, event.target.getBoundingClientRect().top - before); // samples above have another length now
  localStorage.setItem("sample-language", chosen(event.target));
});
