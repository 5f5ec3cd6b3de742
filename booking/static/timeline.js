// The timeline's life in the browser: details, drag, keyboard and news. Without it the page is links and forms.
// The parts are imported by addresses that the page gives, so that each is fetched anew when it changes.

const root = document.getElementById("timeline");
const parts = document.getElementById("timeline-script").dataset;
const names = ["time", "ask", "tip", "draft", "drag", "keys", "dialog", "live"];
const loaded = await Promise.all(names.map((name) => import(parts[name])));
const [time, { asker, bodyOf }, { tips }, { drafts }, { dragging }, { keyboard }, { dialogs }, { live }] = loaded;

const clock = time.clockOf(root.dataset.timezone);
const token = document.querySelector('meta[name="csrf-token"]').content;
const ask = asker({ check: root.dataset.check, bookings: root.dataset.bookings, token });
const toastBox = document.getElementById("timeline-toast");
const saidBox = document.getElementById("timeline-said");
let toastTimer = 0;

/** Tell screen readers. */
function said(words) {
  saidBox.textContent = "";
  requestAnimationFrame(() => { saidBox.textContent = words; });
}

/** Tell everybody for a while, with something to do about it. */
function toast(words, actions = []) {
  const buttons = actions.map(([text, does]) => Object.assign(document.createElement("button"), {
    type: "button", className: "button button--small", textContent: text, onclick: () => { toastBox.hidden = true; does(); },
  }));
  toastBox.replaceChildren(Object.assign(document.createElement("p"), { textContent: words }), ...buttons);
  toastBox.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { toastBox.hidden = true; }, 12_000);
  said(words);
}

if (root.querySelector(".timeline-sheet")) {
  const tip = tips(root, document.getElementById("timeline-tip"));
  const dialog = dialogs({ root, clock, time });
  const draft = drafts({ root, tip, ask, clock, time, said });
  const faults = (body) => ({
    ok: false,
    refusals: body.refusals ?? Object.values(body.errors ?? {}).flat().concat(body.errors ? [] : body.detail ?? []).map((message) => ({ message })),
    alternatives: body.alternatives ?? [],
  });

  /** Store a new booking; what is refused comes back as a verdict. */
  async function book(done, title) {
    const body = { ...bodyOf(done), title };
    const answer = await ask.book(body, crypto.randomUUID?.() ?? String(Math.random()).slice(2));
    if (!answer.ok) return faults(answer.body);
    const words = answer.body.status === "requested" ? "Requested" : "Booked";
    toast(`${words}: ${title}, ${clock.when(done.start, done.end)}.`, [["Open", () => location.assign(root.dataset.show + answer.body.id)]]);
    await news.refresh(true);
    focusBooking(answer.body.id);
    return null;
  }

  function focusBooking(id) {
    const link = root.querySelector(`[data-key^="b-${CSS.escape(id)}"]`);
    if (link) link.focus({ preventScroll: true });
  }

  /** Store a move; `before` makes it undone. */
  async function save(done, before, reason = "") {
    const body = { ...bodyOf(done), ...(reason ? { reason } : {}) };
    const answer = await ask.change(done.booking, done.version, body);
    if (answer.ok) {
      const undo = { ...before, booking: done.booking, version: answer.body.version };
      toast(`Moved to ${clock.when(done.start, done.end)}.`, before ? [["Undo", () => save(undo, null, reason)]] : []);
      await news.refresh(true);
      focusBooking(done.booking);
    } else if (answer.status === 412) {
      toast("Somebody changed this booking meanwhile: here it is as it stands now.");
      await news.refresh(true);
    } else if (answer.body.errors?.reason) {
      dialog.reason(answer.body.errors.reason.join(" "), (words) => save(done, before, words));
    } else {
      refuse(done, before, faults(answer.body));
    }
  }

  function refuse(done, before, verdict) {
    said(verdict.refusals.map((one) => one.message).join(" "));
    dialog.refuse(verdict, (other) => save({ ...done, ...other }, before));
  }

  /** What a draft becomes when it is let go: a dialog for a new booking, a change of an old one. */
  async function finish() {
    const { current } = draft;
    if (!current) return;
    const [start, end] = current.origin ? [Number(current.origin.dataset.start), Number(current.origin.dataset.end)] : [];
    if (current.booking && start === current.start && end === current.end && current.row.dataset.resource === current.from) {
      draft.end();
      said("Left as it was.");
      return;
    }
    const verdict = await draft.verdict();
    if (verdict === null || draft.current !== current) return;
    const done = draft.end();
    if (!done.booking) dialog.create(done, verdict, book, async (again) => (await ask.check(again)) ?? verdict);
    else {
      const before = { start, end, ...(done.whole ? { resources: done.whole } : {}) };
      if (verdict.ok) await save(done, before); else refuse(done, before, verdict);
    }
  }

  const keys = keyboard({ root, draft, dialog, finish, said });
  dragging({ root, draft, clock, time, finish });
  const news = live({ root, time, said, toast, onSwap: () => { tip.hide(); keys.rove(); } });
  document.getElementById("timeline-hint").hidden = false;
  scrollToNow();

  /** Begin where the day is: at the present moment if it is shown, else at seven. */
  function scrollToNow() {
    const frame = root.querySelector(".timeline-scroll");
    const axis = time.axisOf(root.querySelector(".timeline-sheet"));
    const moment = Number(root.dataset.now) / 60;
    const shown = moment >= axis.start && moment < axis.end;
    const changes = (axis.end - axis.start) % 1440 && axis.end - axis.start > 1320;
    const wanted = changes ? axis.start : shown ? moment - 60 : axis.start + (7 * 60 - clock.minuteOfDay(axis.start));
    frame.scrollLeft = axis.share(Math.max(wanted, axis.start)) * axis.area().width;
  }
} else {
  live({ root, time, said, toast, onSwap: () => {} });
}
const moment = Math.floor(Number(root.dataset.now) / 60);
document.getElementById("timeline-zone").hidden = clock.offset(moment) === -new Date(moment * 60000).getTimezoneOffset();
root.dataset.ready = "yes";
