// The dialogs of the timeline: title of a new booking, why something is refused, what would be accepted, what to do.

const element = (name, fields = {}, ...children) => {
  const made = Object.assign(document.createElement(name), fields);
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
};
const button = (text, look, does) => element("button", { type: "button", className: `button ${look}`, textContent: text, onclick: does });

export function dialogs({ root, clock, time }) {
  let open = null;

  function close() {
    open?.close();
  }

  /** Show a dialog until it is closed; the focus goes back to where it was. */
  function show(title, build, onClose) {
    close();
    const before = document.activeElement;
    const heading = element("h2", { id: "timeline-dialog-title", textContent: title });
    const dialog = element("dialog", { className: "timeline-dialog" }, heading);
    dialog.setAttribute("aria-labelledby", heading.id);
    dialog.append(...build(dialog));
    document.body.append(dialog);
    root.dataset.dialog = "yes";
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (open === dialog) { open = null; delete root.dataset.dialog; }
      if (before?.isConnected) before.focus({ preventScroll: true });
      onClose?.();
    });
    open = dialog;
    dialog.showModal();
    return dialog;
  }

  /** Every reason with its fix and whose rule it is. */
  function reasons(refusals) {
    const list = element("ul", { className: "refusal-list" });
    for (const one of refusals) {
      const rule = one.rule?.name ? `Rule: ${one.rule.name}${one.rule.set_by ? `, set by ${one.rule.set_by}` : ""}` : "";
      list.append(element("li", {},
        element("p", { className: "refusal-message", textContent: one.message }),
        one.fix ? element("p", { className: "refusal-fix", textContent: one.fix }) : null,
        rule ? element("p", { className: "refusal-rule", textContent: rule }) : null));
    }
    return element("div", { className: "panel panel--bad", role: "alert" }, list);
  }

  const minutes = (text) => Date.parse(text) / 60000;

  /** A button for each time or resource that would be accepted. */
  function options(alternatives, take) {
    if (!alternatives.length) return "";
    const list = element("div", { className: "timeline-options" });
    for (const one of alternatives) {
      const [start, end] = [minutes(one.start), minutes(one.end)];
      const codes = one.resources.map(({ code, units }) => (units > 1 ? `${code} × ${units}` : code)).join(", ");
      const words = `${clock.when(start, end)}${one.differs.includes("resource") ? `, ${codes}` : ""}`;
      list.append(button(words, "", () => take({ start, end, resources: one.resources })));
    }
    return element("section", {}, element("h3", { textContent: "These would be accepted" }), list);
  }

  function titleField(dialog) {
    const input = element("input", { id: "timeline-title", className: "control control--full", maxLength: 200, autocomplete: "off" });
    const fault = element("p", { className: "field-error", id: "timeline-title-error", hidden: true, textContent: "Give the booking a title." });
    const field = element("div", { className: "field" }, element("label", { htmlFor: input.id, textContent: "Title" }), fault, input);
    const valid = () => {
      const good = input.value.trim() !== "";
      fault.hidden = good;
      input.setAttribute("aria-invalid", String(!good));
      if (good) input.removeAttribute("aria-describedby"); else { input.setAttribute("aria-describedby", fault.id); input.focus(); }
      return good;
    };
    return { field, input, valid, dialog };
  }

  function unitsField(draft) {
    const most = Number(draft.row.dataset.units);
    if (most < 2) return null;
    const input = element("input", { id: "timeline-units", className: "control control--xs", type: "number", min: "1", max: String(most), value: String(draft.units ?? 1) });
    return { field: element("div", { className: "field" }, element("label", { htmlFor: input.id, textContent: `How many of ${most}` }), input), input };
  }

  /** The address of the full form with what is drafted. */
  function formHref(draft, title) {
    const address = new URL(root.dataset.new, location.href);
    for (const name of ["start", "end"]) {
      const { date, time: clockTime } = clock.read(draft[name]);
      address.searchParams.set(name, `${date}T${clockTime}`);
      const fold = clock.fold(draft[name]);
      if (fold) address.searchParams.set(`${name}_fold`, fold);
    }
    const [first] = draft.resources;
    address.searchParams.set("resource", first.code);
    if (first.units > 1) address.searchParams.set("units", first.units);
    if (title) address.searchParams.set("title", title);
    return address.href;
  }

  return {
    close,
    get isOpen() { return open !== null; },

    /** Ask for the title of a new booking. `save(draft, title)` answers with a verdict where it is refused. */
    create(draft, verdict, save, recheck) {
      const name = `${draft.row.dataset.name} (${draft.row.dataset.resource}${draft.row.dataset.unit ? `, ${draft.row.dataset.unit}` : ""})`;
      return show("New booking", (dialog) => {
        const title = titleField(dialog);
        const units = unitsField(draft);
        const what = element("p", { textContent: name });
        const when = element("p", { className: "timeline-when" });
        const word = element("div", { className: "stack stack--tight" });
        const more = element("a", { className: "button button--quiet", textContent: "More details" });
        const book = element("button", { className: "button button--primary", textContent: "Book" });

        const tell = (answer) => {
          when.textContent = `${clock.when(draft.start, draft.end)} (${time.lengthOf(draft.end - draft.start)})`;
          more.href = formHref(draft, title.input.value);
          book.disabled = !answer.ok;
          word.replaceChildren(...(answer.ok ? [] : [reasons(answer.refusals), options(answer.alternatives, take)].filter(Boolean)));
        };
        const take = async (other) => {
          Object.assign(draft, other);
          if (other.resources[0].code !== draft.row.dataset.resource) what.textContent = other.resources[0].code;
          tell({ ok: true });
          title.input.focus();
          tell(await recheck(draft));
        };
        units?.input.addEventListener("change", async () => {
          draft.units = Math.max(1, Math.min(Number(units.input.value) || 1, Number(units.input.max)));
          draft.resources = [{ code: draft.resources[0].code, units: draft.units }];
          tell(await recheck(draft));
        });
        more.addEventListener("click", () => { more.href = formHref(draft, title.input.value); });
        const form = element("form", { className: "stack stack--tight", method: "dialog", noValidate: true },
          what, when, word, title.field, units?.field ?? null,
          element("div", { className: "buttons" }, book, more, button("Cancel", "button--quiet", () => dialog.close())));
        form.addEventListener("submit", async (event) => {
          event.preventDefault();
          if (!title.valid() || book.disabled) return;
          book.disabled = true;
          const refused = await save(draft, title.input.value.trim());
          if (refused) tell(refused); else dialog.close();
        });
        tell(verdict);
        requestAnimationFrame(() => title.input.focus());
        return [form];
      });
    },

    /** Say why a booking stays where it was, and offer what would be accepted. */
    refuse(verdict, take) {
      return show("It stays where it was", (dialog) => [
        reasons(verdict.refusals),
        options(verdict.alternatives, (other) => { dialog.close(); take(other); }),
        element("div", { className: "buttons" }, button("Leave it", "", () => dialog.close())),
      ].filter(Boolean));
    },

    /** Ask for the reason that the organiser is told. */
    reason(message, save) {
      return show("Say why", (dialog) => {
        const input = element("input", { id: "timeline-reason", className: "control control--full", maxLength: 1000 });
        const form = element("form", { method: "dialog", className: "stack stack--tight" },
          element("div", { className: "field" },
            element("label", { htmlFor: input.id, textContent: "Reason for the change" }),
            element("p", { className: "hint", textContent: message }), input),
          element("div", { className: "buttons" },
            element("button", { className: "button button--primary", textContent: "Save" }),
            button("Leave it", "button--quiet", () => dialog.close())));
        form.addEventListener("submit", (event) => {
          event.preventDefault();
          if (!input.value.trim()) { input.focus(); return; }
          dialog.close();
          save(input.value.trim());
        });
        return [form];
      });
    },

    /** What can be done with a booking, for the keyboard. */
    menu(title, actions) {
      return show(title, (dialog) => [
        element("div", { className: "timeline-options" },
          ...actions.map(([words, does]) => button(words, "", () => { dialog.close(); does(); })),
          button("Close", "button--quiet", () => dialog.close())),
      ]);
    },
  };
}
