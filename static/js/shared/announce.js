// One quiet voice for screen readers: every page has an #announce region.
window.announce = (text) => {
  const region = document.getElementById("announce");
  if (region) region.textContent = text;
};
