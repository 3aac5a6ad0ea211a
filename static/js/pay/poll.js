// <div id="…" data-poll="url" data-every="3" data-ptag="version">: asks for itself, swaps only when it has changed.
// HX-PTag carries the version both ways and 304 means "the same", as with htmx's hx-ptag on the desk, without its weight.
let asking = false;

async function ask() {
  const box = document.querySelector("[data-poll]");
  if (!box || asking) return;
  asking = true;
  try {
    const headers = { "HX-Request": "true", "HX-Target": `div#${box.id}` };
    if (box.dataset.ptag) headers["HX-PTag"] = box.dataset.ptag;
    const answer = await fetch(box.dataset.poll, { headers, cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (answer.status === 200) swap(box, await answer.text(), answer.headers.get("HX-PTag"));
  } catch {
    // The lift has no signal: the next turn tries again.
  } finally {
    asking = false;
  }
}

function swap(box, html, version) {
  if (!box.isConnected || (version && version === box.dataset.ptag)) return;
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById(box.id);
  if (!fresh) return;
  if (version) fresh.dataset.ptag = version;
  const typing = box.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  const chosen = [...box.querySelectorAll("[type=file]")].some((input) => input.files.length) || box.querySelector("[name=draft]");
  if ((typing || chosen) && fresh.dataset.state === box.dataset.state) return; // do not take a form from under somebody's fingers
  box.replaceWith(document.adoptNode(fresh));
  const said = fresh.querySelector("h1, h2");
  if (said && fresh.dataset.state !== box.dataset.state) window.announce(said.textContent);
}

function turn() {
  const every = Number(document.querySelector("[data-poll]")?.dataset.every) || 3;
  setTimeout(async () => {
    if (!document.hidden) await ask();
    turn();
  }, every * 1000);
}

turn();
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
document.addEventListener("time-over", ask);
