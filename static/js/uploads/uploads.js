// [data-uploads=url]: a field that takes files. Each goes up by itself as soon as it is chosen, with its own line: what
// it is, how far it is, what is wrong with it, and a button that takes it away again. Its line holds the id that the form
// then sends. Without this script the form sends the files itself.
const FIELD = "[data-uploads]";
const held = new Map(); // forms that wait for their files → the button that was pressed

function said(box, what, values = {}) {
  return box.dataset[what].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function size(bytes) {
  const [value, unit] = bytes < 1e6 ? [Math.max(1, bytes / 1024), "kilobyte"] : [bytes / 1048576, "megabyte"];
  const digits = { style: "unit", unit, maximumFractionDigits: unit === "megabyte" ? 1 : 0 };
  return new Intl.NumberFormat(document.documentElement.lang, digits).format(value);
}

function take(input) {
  const box = input.closest(FIELD);
  for (const file of input.files) begin(box, file);
  input.value = "";
}

function begin(box, file) {
  const line = box.querySelector("template").content.firstElementChild.cloneNode(true);
  const part = (name) => line.querySelector(`[data-part=${name}]`);
  part("name").textContent = file.name;
  part("size").textContent = size(file.size);
  part("remove").setAttribute("aria-label", `${said(box, "remove")} ${file.name}`);
  part("again").addEventListener("click", () => send(box, line, file));
  const most = Number(box.dataset.most);
  const there = box.querySelectorAll("li:not([data-refused])").length;
  box.querySelector("ul").append(line);
  thumbnail(part("picture"), file);
  if (there >= most) return refuse(box, line, said(box, "tooMany"));
  if (file.size > Number(box.dataset.bytes)) return refuse(box, line, said(box, "tooLarge", { name: file.name }));
  send(box, line, file);
}

function send(box, line, file) {
  const form = box.closest("form");
  const body = new FormData();
  for (const name of ["csrf_token", "draft_key"]) if (form.elements[name]) body.append(name, form.elements[name].value);
  body.append("file", file);
  const call = new XMLHttpRequest();
  const bar = line.querySelector("progress");
  delete line.dataset.refused;
  line.dataset.going = "yes";
  bar.hidden = false;
  bar.removeAttribute("value");
  line.querySelector("[data-part=error]").hidden = line.querySelector("[data-part=again]").hidden = true;
  call.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable && event.loaded < event.total) bar.value = (100 * event.loaded) / event.total;
    else bar.removeAttribute("value"); // it is there: now it is looked into
  });
  call.addEventListener("loadend", () => {
    delete line.dataset.going;
    bar.hidden = true;
    const plain = (call.getResponseHeader("Content-Type") || "").startsWith("text/plain");
    if (!line.isConnected) { if (call.status === 201) remove(box, form, call.responseText); }
    else if (call.status === 201 && plain) keep(box, line, call.responseText);
    else refuse(box, line, plain && call.status < 500 ? call.responseText : said(box, "failed"), !plain || call.status >= 500);
    go(form);
  });
  call.open("POST", box.dataset.uploads);
  call.send(body);
  line.call = call;
}

function keep(box, line, id) {
  line.querySelector("input").value = id;
  line.querySelector("input").disabled = false;
  window.announce(said(box, "kept", { name: line.querySelector("[data-part=name]").textContent }));
}

function refuse(box, line, why, again = false) {
  line.dataset.refused = "yes";
  line.querySelector("progress").hidden = true;
  line.querySelector("[data-part=again]").hidden = !again;
  const error = line.querySelector("[data-part=error]");
  error.hidden = false;
  error.querySelector("span").textContent = why;
  window.announce(why);
}

function remove(box, form, id) {
  const body = new FormData();
  for (const name of ["csrf_token", "draft_key"]) if (form.elements[name]) body.append(name, form.elements[name].value);
  fetch(`${box.dataset.uploads.split("?")[0]}/${id}/removal`, { method: "POST", body, keepalive: true }).catch(() => {});
}

async function thumbnail(picture, file) {
  if (!file.type.startsWith("image/")) return;
  try {
    const small = await createImageBitmap(file, { resizeWidth: 96, resizeQuality: "medium" });
    const canvas = Object.assign(document.createElement("canvas"), { width: small.width, height: small.height });
    canvas.getContext("2d").drawImage(small, 0, 0);
    picture.src = canvas.toDataURL("image/jpeg", 0.8);
    picture.hidden = false;
  } catch {
    // No picture after all: the desk says so.
  }
}

// The form goes when its last file is there, unless one was refused: then its line says what to do.
function go(form) {
  if (!held.has(form) || form.querySelector("[data-going]")) return;
  const button = held.get(form);
  held.delete(form);
  button?.removeAttribute("aria-busy");
  const refused = form.querySelector("[data-refused] button:not([hidden])");
  if (refused) refused.focus();
  else form.requestSubmit(button);
}

document.addEventListener("change", (event) => {
  if (event.target.type === "file" && event.target.closest(FIELD)) take(event.target);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.querySelector(`${FIELD} [data-going]`)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  held.set(form, event.submitter);
  event.submitter?.setAttribute("aria-busy", "true");
  window.announce(said(form.querySelector(FIELD), "wait"));
}, true);

document.addEventListener("click", (event) => {
  const button = event.target.closest(`${FIELD} [data-part=remove]`);
  if (!button) return;
  const [line, box, form] = [button.closest("li"), button.closest(FIELD), button.closest("form")];
  const id = line.querySelector("input").value;
  line.remove();
  line.call?.abort();
  if (id) remove(box, form, id);
  box.querySelector("input[type=file]").focus();
  go(form);
});

// Chosen before this script had come.
document.querySelectorAll(`${FIELD} input[type=file]`).forEach(take);
