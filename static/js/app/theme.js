// ?theme=dark works as a plain link (the server remembers it in a cookie); here it changes without leaving the page.
document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-theme-choice]");
  if (!choice) return;
  event.preventDefault();
  const theme = choice.dataset.themeChoice;
  document.documentElement.dataset.theme = theme;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  document.querySelectorAll("[data-theme-choice]").forEach((link) => {
    if (link === choice) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  });
});
