// Details of a booking or a gap on hover and focus: they stay while the pointer is on them, Escape hides them.

const DELAY = 120;

export function tips(root, tip) {
  let owner = null;
  let timer = 0;

  function hide() {
    clearTimeout(timer);
    if (owner) owner.removeAttribute("aria-describedby");
    owner = null;
    tip.hidden = true;
    tip.classList.remove("is-bad");
  }

  function write(lines) {
    tip.replaceChildren(...lines.map((line, n) => {
      const part = document.createElement(n ? "span" : "strong");
      part.textContent = line;
      return part;
    }));
  }

  /** Put the box below a place on the screen, above where there is no room below. */
  function place(box) {
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.min(Math.max(box.left, 8), document.documentElement.clientWidth - width - 8);
    const below = box.bottom + 6;
    const top = below + height > window.innerHeight - 8 ? box.top - height - 6 : below;
    tip.style.left = `${left}px`;
    tip.style.top = `${Math.max(top, 8)}px`;
  }

  /** The part of something that can be seen: long bookings begin far to the left. */
  function seen(element) {
    const box = element.getBoundingClientRect();
    const frame = element.closest(".timeline-scroll")?.getBoundingClientRect() ?? box;
    return { left: Math.max(box.left, frame.left + 8), top: box.top, bottom: Math.min(box.bottom, frame.bottom) };
  }

  function show(element) {
    if (root.dataset.busy || !element.isConnected) return;
    hide();
    owner = element;
    write(element.dataset.tip.split("\n"));
    owner.setAttribute("aria-describedby", tip.id);
    place(seen(element));
  }

  root.addEventListener("pointerover", (event) => {
    const element = event.target.closest("[data-tip]");
    clearTimeout(timer);
    if (element && element !== owner && event.pointerType !== "touch") timer = setTimeout(() => show(element), DELAY);
  });
  root.addEventListener("pointerout", (event) => {
    clearTimeout(timer);
    if (owner && !owner.contains(event.relatedTarget) && !tip.contains(event.relatedTarget) && owner !== document.activeElement) hide();
  });
  tip.addEventListener("pointerleave", (event) => {
    if (owner && !owner.contains(event.relatedTarget) && owner !== document.activeElement) hide();
  });
  root.addEventListener("focusin", (event) => {
    const element = event.target.closest("[data-tip]");
    if (element?.matches(":focus-visible")) show(element);
  });
  root.addEventListener("focusout", hide);
  root.addEventListener("scroll", hide, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  return {
    hide,
    /** Say something about a draft, beside it. */
    say(lines, box, bad) {
      hide();
      write(lines);
      tip.classList.toggle("is-bad", Boolean(bad));
      place(box);
    },
  };
}
