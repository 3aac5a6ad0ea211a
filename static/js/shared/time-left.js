// <time-left deadline="epoch seconds" total="seconds">: a ring and mm:ss.
// It goes by the server's clock: <html data-now> when the page arrives, and from there by a clock that nobody corrects.
// That one may stand while a device sleeps; so when the two clocks here have parted, the server is asked again.
let server = { now: Number(document.documentElement.dataset.now) || Date.now() / 1000, at: performance.now() };
let apart = Date.now() - performance.now();
const serverNow = () => server.now + (performance.now() - server.at) / 1000;

async function askTheTime() {
  if (Math.abs(Date.now() - performance.now() - apart) < 2000) return;
  apart = Date.now() - performance.now();
  try {
    const answer = await fetch("/livez", { method: "HEAD", cache: "no-store" });
    const told = Date.parse(answer.headers.get("Date")) / 1000;
    if (told) server = { now: told, at: performance.now() };
  } catch {
    // The next second's drawing sees no difference any more; the page's own clock goes on.
  }
}

const SVG = "http://www.w3.org/2000/svg";
const RING = 100;

function circle(arc) {
  const shape = document.createElementNS(SVG, "circle");
  const numbers = { cx: 10, cy: 10, r: 8, pathLength: RING, ...(arc && { "stroke-dasharray": RING }) };
  Object.entries(numbers).forEach(([name, value]) => shape.setAttribute(name, value));
  return shape;
}

class TimeLeft extends HTMLElement {
  static observedAttributes = ["deadline"];

  connectedCallback() {
    const ring = document.createElementNS(SVG, "svg");
    ring.setAttribute("viewBox", "0 0 20 20");
    ring.setAttribute("aria-hidden", "true");
    ring.append(circle(false), circle(true));
    this.arc = ring.lastChild;
    this.text = document.createElement("span");
    this.text.setAttribute("role", "timer"); // not live: read when asked, silent while it ticks
    this.replaceChildren(ring, this.text);
    this.attributeChangedCallback();
    this.ticking = setInterval(() => this.draw(), 1000);
  }

  disconnectedCallback() {
    clearInterval(this.ticking);
  }

  attributeChangedCallback() {
    if (this.arc) this.draw();
  }

  draw() {
    askTheTime();
    const left = Math.max(0, Math.round(Number(this.getAttribute("deadline")) - serverNow()));
    const total = Number(this.getAttribute("total")) || 900;
    this.text.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    this.arc.setAttribute("stroke-dashoffset", RING - Math.min(RING, (RING * left) / total));
    this.dataset.level = left < 90 ? "now" : left < 240 ? "soon" : "calm";
    if (left === 300 || left === 60) window.announce(this.getAttribute(left === 300 ? "at-five" : "at-one") || "");
    if (left === 0 && this.last > 0) this.dispatchEvent(new CustomEvent("time-over", { bubbles: true }));
    this.last = left;
  }
}

customElements.define("time-left", TimeLeft);
