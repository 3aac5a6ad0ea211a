// The list of /docs/search narrows while one types; every word has to be there. The server does the same for `?q=`.
const found = document.getElementById("found"), box = document.querySelector(".docs-search input");

if (found && box) {
  box.addEventListener("input", () => {
    const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let any = false;
    for (const one of found.children) {
      one.hidden = !wanted.every((word) => one.dataset.words.includes(word));
      any ||= !one.hidden;
    }
    document.getElementById("nothing-found").hidden = any;
    const address = new URL(location);
    address.searchParams.set("q", box.value);
    history.replaceState(null, "", address);
  });
}
