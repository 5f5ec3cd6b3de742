// A draft: a new booking, or an old one being moved, drawn over the timeline and checked by the server as it changes.

const PAUSE = 140;
const UNREAD = { ok: false, refusals: [{ message: "The booking could not be read; please try again." }], alternatives: [] };

export function drafts({ root, tip, ask, clock, time, said }) {
  let now = null;
  let timer = 0;

  const sheet = () => root.querySelector(".timeline-sheet");
  const grid = (row) => time.gridOf(row, clock);

  function draw() {
    const axis = time.axisOf(sheet());
    const { width, name, top } = axis.area();
    const box = now.row.getBoundingClientRect();
    const [a, b] = [axis.share(now.start), axis.share(now.end)];
    Object.assign(now.drawn.style, {
      left: `${name + a * width}px`,
      width: `${Math.max((b - a) * width, 4)}px`,
      top: `${box.top - top}px`,
    });
    now.drawn.querySelector(".bk-title").textContent = clock.when(now.start, now.end).replace(/^.*?, /, "");
    now.drawn.classList.toggle("is-bad", now.verdict?.ok === false);
    const words = now.verdict === null ? ["Checking …"] : now.verdict.ok ? ["Can be booked"] : now.verdict.refusals.map((one) => one.message);
    const head = `${clock.when(now.start, now.end)} (${time.lengthOf(now.end - now.start)})`;
    tip.say([head, ...words.slice(0, 3)], now.drawn.getBoundingClientRect(), now.verdict?.ok === false);
  }

  function announce() {
    if (!now?.aloud || !now.verdict) return;
    const words = now.verdict.ok ? "Can be booked." : now.verdict.refusals.map((one) => one.message).join(" ");
    said(`${now.row.dataset.resource}, ${clock.when(now.start, now.end)}. ${words}`);
  }

  async function checkNow() {
    const asked = now;
    const { turn } = asked;
    await asked.reading;
    if (now !== asked || turn !== asked.turn) return;
    asked.resources = resources();
    const verdict = asked.resources === null ? UNREAD : await ask.check(asked);
    if (verdict === null || now !== asked || turn !== asked.turn) return;
    now.verdict = verdict;
    draw();
    announce();
  }

  function check() {
    clearTimeout(timer);
    now.verdict = null;
    now.turn += 1;
    timer = setTimeout(checkNow, PAUSE);
  }

  /** Name what is wanted: the row's resource, or a booking's own with the moved one replaced; null if unknown. */
  function resources() {
    const { resource, unit } = now.row.dataset;
    if (!now.booking) return [unit ? { code: resource, unit_names: [unit] } : { code: resource, units: now.units ?? 1 }];
    if (resource === now.from) return undefined;
    return now.whole?.map((one) => (one.code === now.from ? { ...one, code: resource } : one)) ?? null;
  }

  /** Read all that a booking takes, so that moving it to another row leaves the rest as it is. */
  async function read(draft) {
    const answer = await ask.show(draft.booking);
    if (answer?.ok) draft.whole = answer.body.resources.map(({ code, units }) => ({ code, units }));
  }

  const api = {
    get current() { return now; },
    begin(fields) {
      api.cancel();
      const drawn = document.createElement("div");
      drawn.className = "bk bk--draft timeline-draft";
      drawn.innerHTML = '<span class="bk-text"><span class="bk-title"></span></span>';
      sheet().append(drawn);
      root.dataset.busy = "yes";
      now = { verdict: null, resources: null, whole: null, turn: 0, ...fields, drawn, from: fields.row.dataset.resource };
      now.origin?.classList.add("bk--moving");
      if (now.booking) now.reading = read(now);
      check();
      draw();
      return now;
    },
    /** Change what is drafted; the answer of the server follows. */
    to(start, end, row = now.row) {
      if (now.start === start && now.end === end && now.row === row) return;
      Object.assign(now, { start, end, row });
      check();
      draw();
    },
    shift(steps) {
      const { step } = grid(now.row);
      api.to(now.start + steps * step, clock.add(now.end, steps * step));
    },
    stretch(steps) {
      const { grid: slot, shortest } = grid(now.row);
      const end = clock.add(now.end, steps * slot);
      if (end - now.start >= Math.min(shortest, now.end - now.start)) api.to(now.start, end);
    },
    /** Wait for the server's word about the draft as it stands. */
    async verdict() {
      clearTimeout(timer);
      const asked = now;
      while (now === asked && now.verdict === null) await checkNow();
      return now === asked ? now.verdict : null;
    },
    /** Take the drawing away and return what was drafted. */
    end() {
      const done = now;
      clearTimeout(timer);
      if (!done) return null;
      done.drawn.remove();
      done.origin?.classList.remove("bk--moving");
      now = null;
      delete root.dataset.busy;
      tip.hide();
      return done;
    },
    cancel() {
      return api.end();
    },
  };
  return api;
}
