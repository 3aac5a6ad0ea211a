// What a browser runs when its push service wakes it (portal/notices/push.py): show the notice; a touch opens its page.
self.addEventListener("push", (event) => {
  const said = event.data.json();
  event.waitUntil(self.registration.showNotification(said.title, {
    body: said.text,
    tag: said.tag,
    data: { path: said.path },
    icon: "/static/favicon.svg",
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { href, origin } = new URL(event.notification.data.path, self.location.origin);
  if (origin !== self.location.origin) return;
  event.waitUntil(self.clients.matchAll({ type: "window" }).then((open) => {
    const there = open.find((one) => one.url === href);
    return there ? there.focus() : self.clients.openWindow(href);
  }));
});

// A browser that changes its subscription by itself has its person name it again: the desk cannot know who asks.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
