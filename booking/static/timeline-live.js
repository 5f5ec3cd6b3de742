// Keeps the board up to date: asks every 15 s, cheaply, and swaps it without losing focus or place.

const EVERY = 15_000;

export function live({ root, time, onSwap, said, toast }) {
  let tag = "";
  let timer = 0;
  let asking = null;

  const isBusy = () => document.hidden || root.dataset.busy || root.dataset.dialog;

  /** What has the focus, in words that still mean something after the swap. */
  function focused() {
    const element = document.activeElement;
    if (!element || !root.contains(element)) return null;
    const keyed = element.closest("[data-key]");
    if (keyed) return `[data-key="${CSS.escape(keyed.dataset.key)}"]`;
    return element.getAttribute("href") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : ".timeline-scroll";
  }

  function swap(html) {
    const frame = root.querySelector(".timeline-scroll");
    const place = frame && [frame.scrollLeft, frame.scrollTop];
    const focus = focused();
    root.innerHTML = html;
    const fresh = root.querySelector(".timeline-scroll");
    if (place && fresh) [fresh.scrollLeft, fresh.scrollTop] = place;
    onSwap();
    if (focus) (root.querySelector(focus) ?? fresh)?.focus({ preventScroll: true });
    drawNow();
  }

  async function refresh(force = false) {
    clearTimeout(timer);
    if (!force && isBusy()) { later(); return; }
    const address = root.dataset.fragment;
    asking?.abort();
    asking = new AbortController();
    try {
      const headers = tag && !force ? { "If-None-Match": tag } : {};
      const response = await fetch(address, { headers, credentials: "same-origin", cache: "no-store", signal: asking.signal });
      if (response.redirected) { signedOut(); return; }
      if (response.status === 200 && address === root.dataset.fragment && (force || !isBusy())) {
        const html = await response.text();
        tag = response.headers.get("ETag") ?? "";
        swap(html);
      }
    } catch (error) {
      if (error.name === "AbortError") return;
    }
    later();
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(refresh, EVERY);
  }

  function signedOut() {
    toast("You have been signed out.", [["Sign in again", () => location.reload()]]);
    said("You have been signed out.");
  }

  /** Put the line of this moment where it belongs, by the server's clock. */
  const ahead = Number(root.dataset.now) - Date.now() / 1000;
  function drawNow() {
    const sheet = root.querySelector(".timeline-sheet");
    if (!sheet) return;
    const axis = time.axisOf(sheet);
    const moment = (Date.now() / 1000 + ahead) / 60;
    const line = sheet.querySelector(".timeline-now");
    line.toggleAttribute("hidden", moment < axis.start || moment >= axis.end);
    const x = `${axis.share(moment) * 100}%`;
    if (!line.querySelector("line")) line.innerHTML = '<line class="now" y1="0" y2="100%"/>';
    for (const name of ["x1", "x2"]) line.querySelector("line").setAttribute(name, x);
  }

  /** Open or close the units of a resource in place, and keep it so while one walks through time. */
  async function toggle(link) {
    const address = new URL(link.href, location.href);
    history.replaceState(null, "", address);
    carry(address.searchParams.getAll("open"));
    address.searchParams.set("fragment", "1");
    root.dataset.fragment = `${address.pathname}${address.search}`;
    await refresh(true);
  }

  function carry(codes) {
    for (const link of document.querySelectorAll('main a[href*="/calendar?"]')) {
      if (root.contains(link)) continue;
      const address = new URL(link.href, location.href);
      address.searchParams.delete("open");
      for (const code of codes) address.searchParams.append("open", code);
      link.href = `${address.pathname}${address.search}`;
    }
    const form = document.querySelector(".calendar-filters");
    for (const old of form.querySelectorAll('[name="open"]')) old.remove();
    for (const code of codes) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "open", value: code }));
  }

  root.addEventListener("click", (event) => {
    const link = event.target.closest("[data-toggle]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    toggle(link);
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  setInterval(drawNow, 30_000);
  drawNow();
  later();
  return { refresh };
}
