// Drag to create, to move and to stretch: with a mouse or pen at once, by touch after a long press.

const START = 5;
const EDGE = 8;
const LONG_PRESS = 380;
const SCROLL_ZONE = 36;
const USUAL = 60;

export function dragging({ root, draft, clock, time, finish }) {
  let press = null;

  const rowOf = (element) => element?.closest?.("tr[data-resource]");
  const axis = () => time.axisOf(root.querySelector(".timeline-sheet"));

  /** What a press would do: move or stretch a booking, or make a new one. */
  function intentOf(event) {
    const row = rowOf(event.target);
    if (!row) return null;
    const block = event.target.closest("[data-id]");
    if (block) {
      const box = block.getBoundingClientRect();
      const room = Math.min(EDGE, box.width / 4);
      const running = Number(block.dataset.start) * 60 < Number(root.dataset.now);
      if (box.right - event.clientX <= room && !block.classList.contains("is-on")) return { row, block, does: "end" };
      if (running) return null;
      if (event.clientX - box.left <= room && !block.classList.contains("is-from")) return { row, block, does: "start" };
      return { row, block, does: "move" };
    }
    return event.target.closest(".slot-free, .slot-clearing, .slot-count") ? { row, does: "new" } : null;
  }

  function begin() {
    const { intent, moment } = press;
    const { row, block } = intent;
    if (intent.does === "new") {
      const grid = time.gridOf(row, clock);
      const start = grid.floor(moment);
      draft.begin({ row, start, end: grid.endNear(start, moment) });
    } else {
      const { id, version, start, end } = block.dataset;
      draft.begin({ row, booking: id, version: Number(version), start: Number(start), end: Number(end), origin: block });
    }
    press.active = true;
    press.first = { start: draft.current.start, end: draft.current.end };
    document.documentElement.classList.add("is-dragging");
    follow();
  }

  function update(x, y) {
    const { intent, first, moment } = press;
    const { row } = draft.current;
    const grid = time.gridOf(row, clock);
    const here = axis().momentAt(x);
    if (intent.does === "new") {
      const start = here < first.start ? grid.near(here) : first.start;
      draft.to(start, here < first.start ? first.end : grid.endNear(start, here));
    } else if (intent.does === "end") {
      draft.to(first.start, grid.endNear(first.start, here));
    } else if (intent.does === "start") {
      const start = grid.near(here);
      if (first.end - start >= grid.shortest || start < first.start) draft.to(start, first.end);
    } else {
      move(x, y, first, moment, here);
    }
  }

  function move(x, y, first, moment, here) {
    const row = otherRow(x, y) ?? draft.current.row;
    const grid = time.gridOf(row, clock);
    const start = Math.abs(here - moment) < grid.step / 2 ? first.start : grid.near(first.start + here - moment);
    const days = first.end - first.start;
    draft.to(start, clock.add(start, days), row);
  }

  /** The row under the pointer, if the booking could go there: the same kind of resource. */
  function otherRow(x, y) {
    const { row } = press.intent;
    const under = rowOf(document.elementFromPoint(x, y));
    return under && (under === row || (under.dataset.kind === row.dataset.kind && !under.dataset.unit && !row.dataset.unit)) ? under : null;
  }

  /** Scroll while the pointer stays near the frame's edge. */
  function follow() {
    if (!press?.active) return;
    const frame = root.querySelector(".timeline-scroll");
    const box = frame.getBoundingClientRect();
    const speed = (place, low, high) => (place < low + SCROLL_ZONE ? -10 : place > high - SCROLL_ZONE ? 10 : 0);
    const name = axis().area().name;
    const [dx, dy] = [speed(press.x, box.left + name, box.right), speed(press.y, box.top + SCROLL_ZONE, box.bottom)];
    if (dx || dy) {
      const before = [frame.scrollLeft, frame.scrollTop];
      frame.scrollBy(dx, dy);
      if (before[0] !== frame.scrollLeft || before[1] !== frame.scrollTop) update(press.x, press.y);
    }
    requestAnimationFrame(follow);
  }

  function stop() {
    clearTimeout(press?.timer);
    document.documentElement.classList.remove("is-dragging");
    press = null;
  }

  /** The click that ends a drag opens nothing. */
  function swallowClick() {
    const swallow = (event) => { event.preventDefault(); event.stopPropagation(); };
    window.addEventListener("click", swallow, { capture: true });
    setTimeout(() => window.removeEventListener("click", swallow, { capture: true }), 0);
  }

  root.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary || draft.current) return;
    const intent = intentOf(event);
    if (!intent) return;
    press = { intent, x: event.clientX, y: event.clientY, moment: axis().momentAt(event.clientX), touch: event.pointerType === "touch" };
    if (press.touch) press.timer = setTimeout(() => { if (press) begin(); }, LONG_PRESS);
  });
  window.addEventListener("pointermove", (event) => {
    if (!press || !event.isPrimary) return;
    const far = Math.hypot(event.clientX - press.x, event.clientY - press.y) > START;
    if (!press.active && far) {
      if (press.touch) { stop(); return; }
      begin();
    }
    if (!press.active) return;
    [press.x, press.y] = [event.clientX, event.clientY];
    update(press.x, press.y);
  });
  window.addEventListener("pointerup", () => {
    if (!press) return;
    const { active } = press;
    stop();
    if (!active) return;
    swallowClick();
    finish();
  });
  window.addEventListener("pointercancel", () => { if (press?.active) draft.cancel(); stop(); });
  /** A click on free time books from there; by keyboard or in a new tab the link leads to the form. */
  root.addEventListener("click", (event) => {
    if (!event.detail || event.ctrlKey || event.metaKey || event.shiftKey || draft.current) return;
    const row = rowOf(event.target);
    if (!row || !event.target.closest("a.gap, a.load[data-slot-start]")) return;
    event.preventDefault();
    const grid = time.gridOf(row, clock);
    const start = grid.floor(axis().momentAt(event.clientX));
    draft.begin({ row, start, end: grid.endNear(start, start + USUAL) });
    finish();
  });
  root.addEventListener("dragstart", (event) => event.preventDefault());
  root.addEventListener("touchmove", (event) => { if (press?.active) event.preventDefault(); }, { passive: false });
  root.addEventListener("contextmenu", (event) => { if (press?.active) event.preventDefault(); });
  root.addEventListener("pointermove", (event) => {
    if (press) return;
    root.dataset.intent = intentOf(event)?.does ?? "";
    const gap = event.target.closest(".gap");
    gap?.style.setProperty("--x", `${event.clientX - gap.getBoundingClientRect().left}px`);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && press?.active) { draft.cancel(); stop(); }
  });
}
