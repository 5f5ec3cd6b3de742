// The time axis in the browser: columns and moments, local times of the facility, the slot grid.
// Moments are whole minutes since 1970, as in the data attributes of the page.

const DAY = 1440;
const HALF_HOUR = 30;

/** Read a sheet's columns: `data-from` is their beginning, `data-steps` their lengths as `count x minutes`. */
export function axisOf(sheet) {
  const edges = [Number(sheet.dataset.from)];
  for (const run of sheet.dataset.steps.split(",")) {
    const [count, length] = run.split("x").map(Number);
    for (let n = 0; n < count; n += 1) edges.push(edges.at(-1) + length);
  }
  const columns = edges.length - 1;

  /** Where the columns are on the screen. */
  const area = () => {
    const box = sheet.getBoundingClientRect();
    const name = sheet.querySelector(".timeline-corner").getBoundingClientRect().width;
    return { left: box.left + name, top: box.top, width: box.width - name, name };
  };
  const share = (moment) => {
    if (moment <= edges[0]) return 0;
    if (moment >= edges[columns]) return 1;
    const n = edges.findLastIndex((edge) => edge <= moment);
    return (n + (moment - edges[n]) / (edges[n + 1] - edges[n])) / columns;
  };
  const momentAt = (clientX) => {
    const { left, width } = area();
    const place = Math.min(Math.max((clientX - left) / width, 0), 0.999999) * columns;
    const n = Math.floor(place);
    return edges[n] + (place - n) * (edges[n + 1] - edges[n]);
  };
  return { start: edges[0], end: edges[columns], view: sheet.dataset.view, area, share, momentAt };
}

/** The clock of a facility: local readings of moments, and words for them. */
export function clockOf(timeZone) {
  const options = { timeZone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
  const reader = new Intl.DateTimeFormat("en-GB", options);
  const words = new Intl.DateTimeFormat("en-GB", { timeZone, weekday: "short", day: "numeric", month: "short" });

  const read = (moment) => {
    const found = Object.fromEntries(reader.formatToParts(moment * 60000).map((part) => [part.type, part.value]));
    return { date: `${found.year}-${found.month}-${found.day}`, time: `${found.hour}:${found.minute}` };
  };
  const offset = (moment) => {
    const { date, time } = read(moment);
    return Date.parse(`${date}T${time}Z`) / 60000 - moment;
  };
  const minuteOfDay = (moment) => {
    const [hours, minutes] = read(moment).time.split(":").map(Number);
    return hours * 60 + minutes;
  };
  /** Add whole days of the wall clock, or plain minutes. */
  const add = (moment, minutes) => {
    if (minutes % DAY) return moment + minutes;
    const there = moment + minutes;
    return there + offset(moment) - offset(there);
  };
  /** Which of two equal readings a moment is, where the clocks go back. */
  const fold = (moment) => {
    const here = offset(moment);
    if (offset(moment + 180) < here && offset(moment + here - offset(moment + 180)) < here) return "first";
    const before = offset(moment - 180);
    return before > here && offset(moment - (before - here)) > here ? "second" : "";
  };
  const day = (moment) => words.format(moment * 60000).replace(",", "");
  const when = (start, end) => {
    const [a, b] = [read(start), read(end)];
    return a.date === b.date ? `${day(start)}, ${a.time}–${b.time}` : `${day(start)}, ${a.time} – ${day(end)}, ${b.time}`;
  };
  return { read, add, fold, day, when, minuteOfDay, offset };
}

/** A length in words, such as `2 h 30 min`. */
export function lengthOf(minutes) {
  const [days, hours, rest] = [Math.floor(minutes / DAY), Math.floor((minutes % DAY) / 60), minutes % 60];
  const parts = [days && `${days} day${days > 1 ? "s" : ""}`, hours && `${hours} h`, rest && `${rest} min`];
  return parts.filter(Boolean).join(" ");
}

/** The slot grid of a row: from where it is counted, its step, and the shortest booking. */
export function gridOf(row, clock) {
  const grid = Number(row.dataset.grid);
  const step = grid >= DAY ? HALF_HOUR : grid;
  const anchor = grid >= DAY ? 0 : Number(row.dataset.anchor);
  const past = (moment) => (((clock.minuteOfDay(moment) - anchor) % step) + step) % step;
  const floor = (moment) => { const whole = Math.floor(moment); return whole - past(whole); };
  const near = (moment) => floor(moment + step / 2);
  const shortest = Math.max(Number(row.dataset.least), grid);
  /** The end nearest to a moment that makes whole slots, and at least the shortest booking. */
  const endNear = (start, moment) => {
    const slots = Math.max(Math.ceil(shortest / grid), Math.round((moment - start) / grid));
    return clock.add(start, slots * grid);
  };
  return { step, grid, floor, near, endNear, shortest };
}
