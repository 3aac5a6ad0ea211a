// A row nobody has seen yet gets a blue wash; one that needs somebody adds to the count in the tab's title and, where
// sound was asked for, rings once.
const seen = new Set();
const title = document.title;
let ring = null;

const waiting = () => document.querySelector("[data-waiting]");
const wanted = () => localStorage.getItem("sound") === "on";

function badge() {
  const box = waiting();
  if (!box) return;
  const count = Number(box.dataset.waiting);
  document.title = count ? `(${count}) ${title}` : title;
  document.querySelectorAll(".side [aria-current=page], .tab-bar [aria-current=page]").forEach((link) => {
    let pill = link.querySelector(".pill, .tab-count");
    if (!pill && count) {
      pill = document.createElement(link.closest(".side") ? "span" : "b");
      pill.className = link.closest(".side") ? "pill" : "tab-count";
      link.append(pill);
    }
    if (!pill) return;
    if (pill.firstChild) pill.firstChild.textContent = count;
    else pill.textContent = count;
    pill.hidden = !count;
  });
}

// Two short notes: heard, not startling. A browser lets no page sound before somebody has touched it.
function sound() {
  ring ??= new AudioContext();
  ring.resume();
  [880, 1174.7].forEach((hertz, at) => {
    const tone = ring.createOscillator();
    const loud = ring.createGain();
    const begin = ring.currentTime + at * 0.14;
    tone.frequency.value = hertz;
    loud.gain.setValueAtTime(0.0001, begin);
    loud.gain.exponentialRampToValueAtTime(0.12, begin + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.0001, begin + 0.3);
    tone.connect(loud).connect(ring.destination);
    tone.start(begin);
    tone.stop(begin + 0.32);
  });
  document.documentElement.dataset.rang = Number(document.documentElement.dataset.rang || 0) + 1;
}

function look(first) {
  let news = false;
  document.querySelectorAll("[data-row]").forEach((row) => {
    if (!first && !seen.has(row.id)) row.classList.add("new");
    seen.add(row.id);
    const needed = row.closest("#needs-you") && `${row.id} needed`;
    if (needed && !seen.has(needed)) {
      seen.add(needed);
      news = true;
    }
  });
  if (news && !first && wanted()) sound();
  badge();
}

function show(button) {
  button.setAttribute("aria-pressed", wanted());
}

document.addEventListener("DOMContentLoaded", () => {
  look(true);
  const box = document.querySelector("[data-sound]");
  if (!box) return;
  box.hidden = false;
  show(box.querySelector("button"));
});
document.addEventListener("htmx:after:swap", () => look(false));
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-sound] button");
  if (!button) return;
  localStorage.setItem("sound", wanted() ? "off" : "on");
  show(button);
  if (wanted()) sound();
});
