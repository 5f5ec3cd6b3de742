// The timeline by keyboard: arrows walk over it; Enter starts a draft that arrows move and Shift with arrows stretches.

const ITEMS = ".timeline tbody :is(a.bk, a.bk-cluster, a.gap, .load, .bk--busy)";

export function keyboard({ root, draft, dialog, finish, said }) {
  const items = () => [...root.querySelectorAll(ITEMS)];
  const middle = (element) => { const box = element.getBoundingClientRect(); return (box.left + box.right) / 2; };

  /** One of all items is reached by Tab, the others by arrows. */
  function rove(current) {
    const all = items();
    const chosen = current ?? all.find((one) => one.tabIndex === 0) ?? all.find((one) => one.matches("a")) ?? all[0];
    for (const one of all) {
      one.tabIndex = one === chosen ? 0 : -1;
      if (one.matches("span") && !one.hasAttribute("role")) one.setAttribute("role", "note");
    }
  }

  function go(target) {
    if (!target) return;
    rove(target);
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function beside(element, direction) {
    const mates = [...element.closest("tr").querySelectorAll(ITEMS)];
    return mates[mates.indexOf(element) + direction];
  }

  function end(element, last) {
    return [...element.closest("tr").querySelectorAll(ITEMS)].at(last ? -1 : 0);
  }

  /** The item above or below that is nearest in time. */
  function across(element, direction) {
    const rows = [...root.querySelectorAll(".timeline tbody tr")].filter((row) => row.querySelector(ITEMS));
    const row = rows[rows.indexOf(element.closest("tr")) + direction];
    const place = middle(element);
    return row && [...row.querySelectorAll(ITEMS)].sort((a, b) => Math.abs(middle(a) - place) - Math.abs(middle(b) - place))[0];
  }

  const walks = {
    ArrowRight: (element) => beside(element, 1),
    ArrowLeft: (element) => beside(element, -1),
    ArrowDown: (element) => across(element, 1),
    ArrowUp: (element) => across(element, -1),
    Home: (element) => end(element, false),
    End: (element) => end(element, true),
  };

  function walk(event) {
    const element = event.target.closest?.(ITEMS);
    const walking = element && walks[event.key];
    if (!walking || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go(walking(element));
  }

  // --- drafts

  const isRunning = (element) => Number(element.dataset.start) * 60 < Number(root.dataset.now);

  function startMoving(element) {
    const { id, version, start, end: until } = element.dataset;
    draft.begin({
      row: element.closest("tr"), booking: id, version: Number(version), start: Number(start), end: Number(until), origin: element, aloud: true, running: isRunning(element),
    });
    const how = isRunning(element) ? "Arrow keys change its end" : "Arrow keys move it, Shift with arrow keys changes its end";
    said(`Moving. ${how}, Enter saves, Escape leaves it where it was.`);
  }

  function startNew(element) {
    const address = new URL(element.href, location.href);
    const start = Number(element.dataset.slotStart);
    const until = Number(element.dataset.slotEnd);
    if (!start || !element.closest("tr").dataset.resource) { location.assign(address); return; }
    draft.begin({ row: element.closest("tr"), start, end: until, aloud: true });
    said("New booking. Arrow keys move it, Shift with arrow keys changes its end, Enter goes on, Escape leaves it.");
  }

  function menu(element) {
    dialog.menu(element.querySelector(".bk-title")?.textContent || element.dataset.tip.split("\n")[0], [
      [isRunning(element) ? "Change its end" : "Move or stretch", () => startMoving(element)],
      ["Open", () => location.assign(element.href)],
      ["Change details", () => location.assign(`${element.href}/edit`)],
      ["Cancel the booking", () => location.assign(`${element.href}/cancel`)],
    ]);
  }

  function otherRow(direction) {
    const { row } = draft.current;
    const rows = [...root.querySelectorAll("tr[data-resource]")].filter((one) => one === row || (one.dataset.kind === row.dataset.kind && !one.dataset.unit));
    return rows[rows.indexOf(row) + direction];
  }

  function steer(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const sideways = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && (event.shiftKey || draft.current.running)) draft.stretch(step);
    else if (step) draft.shift(step);
    else if (sideways && !draft.current.running && otherRow(sideways)) draft.to(draft.current.start, draft.current.end, otherRow(sideways));
    else if (event.key === "Enter") finish();
    else if (event.key === "Escape") { draft.cancel(); said("Left as it was."); }
    else if (!sideways && event.key !== "Shift") return;
    event.preventDefault();
    event.stopPropagation();
  }

  document.addEventListener("keydown", (event) => {
    if (dialog.isOpen) return;
    if (draft.current?.aloud) { steer(event); return; }
    if (!root.contains(event.target)) return;
    const element = event.target.closest("[data-id], a.gap, a.load");
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.shiftKey && element) {
      if (element.dataset.id) { event.preventDefault(); menu(element); } else if (element.dataset.slotStart) { event.preventDefault(); startNew(element); }
      return;
    }
    walk(event);
  }, { capture: true });
  root.addEventListener("focusin", (event) => { if (event.target.matches(ITEMS)) rove(event.target); });
  root.addEventListener("focusout", (event) => {
    if (draft.current?.aloud && !dialog.isOpen && event.relatedTarget && !root.contains(event.relatedTarget)) draft.cancel();
  });
  rove();
  return { rove };
}
