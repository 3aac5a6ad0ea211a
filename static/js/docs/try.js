// <form data-try="/gateway/v1/payins/{payin_id}">: makes the call with the visitor's test key and shows the answer. The
// key is kept in this page only, until it is left; a live key is not sent.
let key = "";

function address(form) {
  const url = new URL(form.dataset.try.replace(/\{(\w+)\}/g, (_, name) =>
    encodeURIComponent(form.elements[`path:${name}`].value.trim())), location.origin);
  for (const field of form.querySelectorAll('[name^="query:"]'))
    if (field.value.trim()) url.searchParams.set(field.name.slice(6), field.value.trim());
  return url;
}

async function ask(form) {
  if (!("open" in form.dataset) && !key.startsWith("qk_test_")) return form.dataset.onlyTest;
  const url = address(form);
  try {
    const answer = await fetch(url, { credentials: "omit", headers: key ? { Authorization: `Bearer ${key}` } : {} });
    const text = await answer.text();
    let shown = text;
    try {
      shown = JSON.stringify(JSON.parse(text), null, 2);
    } catch {}
    return `GET ${url.pathname}${url.search}\n${answer.status}  ${answer.headers.get("Request-Id") ?? ""}\n\n${shown}`;
  } catch {
    return form.dataset.failed;
  }
}

for (const box of document.querySelectorAll("[data-try-box]")) box.hidden = false;
document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-try] [name=key]")) return;
  key = event.target.value.trim();
  for (const other of document.querySelectorAll("[data-try] [name=key]")) if (other !== event.target) other.value = key;
});
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-try]");
  if (!form) return;
  event.preventDefault();
  const shown = form.querySelector("pre"), button = form.querySelector("button");
  button.disabled = true;
  shown.textContent = await ask(form);
  shown.hidden = false;
  button.disabled = false;
});
