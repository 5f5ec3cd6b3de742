// Niceties on every page; each page works without them.

const RESEND_AFTER = 3000;

/** Copy a value and say so beside the button and to screen readers. */
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const words = button.querySelector("[data-copy-label]");
  const said = button.closest(".copy-box").querySelector("[data-copy-said]");
  try {
    await navigator.clipboard.writeText(source.value);
    words.textContent = "Copied";
    said.textContent = "Copied.";
  } catch {
    source.select();
    words.textContent = "Press Ctrl+C";
    said.textContent = "It is selected: copy it with the keyboard.";
  }
  setTimeout(() => { words.textContent = "Copy"; said.textContent = ""; }, RESEND_AFTER);
}

/** Close menus that the pointer or the focus has left. */
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

/** Let a double click send a form once only. */
function sendOnce(event) {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, RESEND_AFTER);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("focusin", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
document.addEventListener("submit", sendOnce);
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
