// Applies the remembered appearance before the first paint, and works the switch in the footer.
(() => {
  const root = document.documentElement;
  const remembered = () => {
    try { return localStorage.getItem("theme") || "auto"; } catch { return "auto"; }
  };
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  const remember = (theme) => {
    try { localStorage.setItem("theme", theme); } catch { /* private windows may forbid it */ }
  };
  const show = (group, theme) => {
    for (const button of group.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
    }
  };

  apply(remembered());
  document.addEventListener("DOMContentLoaded", () => {
    const group = document.querySelector("[data-theme-switch]");
    if (!group) return;
    group.hidden = false;
    show(group, remembered());
    group.addEventListener("click", (event) => {
      const button = event.target.closest("[data-theme-choice]");
      if (!button) return;
      apply(button.dataset.themeChoice);
      remember(button.dataset.themeChoice);
      show(group, button.dataset.themeChoice);
    });
  });
})();
