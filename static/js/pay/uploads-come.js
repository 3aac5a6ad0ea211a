// The field that takes files gets its script when it is first touched: the page itself stays light. (Safari gives a
// button no focus by a click, so what is chosen counts too: the script takes what is there already.)
function come({ target }) {
  const src = target.closest?.("[data-uploads]")?.dataset.script;
  if (src && !document.querySelector(`script[src="${src}"]`)) document.head.append(Object.assign(document.createElement("script"), { src }));
}

for (const touch of ["focusin", "change"]) document.addEventListener(touch, come);
