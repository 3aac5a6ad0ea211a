// Telling this browser: [data-push] is a form with the desk's key (data-push). Its button asks the person, subscribes at
// the browser's push service and sends the form with what that gave. Where it cannot be, the note says so.
const octets = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));

async function subscribe(form) {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("denied");
  await navigator.serviceWorker.register("/sw.js");
  const there = await navigator.serviceWorker.ready;
  const before = await there.pushManager.getSubscription();
  if (before) await before.unsubscribe(); // it may be of a key that the desk has changed
  const made = await there.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: octets(form.dataset.push),
  });
  const { endpoint, keys } = made.toJSON();
  form.elements.endpoint.value = endpoint;
  form.elements.p256dh.value = keys.p256dh;
  form.elements.auth.value = keys.auth;
  form.submit();
}

function note(form, which) {
  for (const one of form.querySelectorAll("[data-push-note]")) one.hidden = one.dataset.pushNote !== which;
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-push]");
  if (!form) return;
  event.preventDefault();
  subscribe(form).catch((error) => note(form, error.message === "denied" ? "denied" : "failed"));
});

document.addEventListener("DOMContentLoaded", () => {
  const can = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  for (const form of document.querySelectorAll("form[data-push]")) {
    form.querySelector("button").hidden = !can;
    note(form, can ? "" : "cannot");
  }
});
