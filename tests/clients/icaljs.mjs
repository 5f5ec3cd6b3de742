// Reads a calendar from standard input as two programs' libraries do, and prints the events each of them sees.
// Argument: the folder in which the libraries were installed.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

const require = createRequire(path.resolve(process.argv[2], "package.json"));
const ICAL = require("ical.js");
const nodeIcal = require("node-ical");

const text = (value) => (value && typeof value === "object" ? value.val : value) ?? "";
const pad = (number) => String(number).padStart(2, "0");
// A day as it is on this machine's clock: that is how these libraries keep it.
const localDay = (date) => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;

// As Thunderbird does: ical.js, with the time zones that the calendar brings.
function seenByIcalJs(calendar) {
  const root = new ICAL.Component(ICAL.parse(calendar));
  const when = (time) => (time.isDate ? time.toString() : time.toJSDate().toISOString());
  return root.getAllSubcomponents("vevent").map((component) => {
    const event = new ICAL.Event(component);
    return {
      uid: event.uid,
      start: when(event.startDate),
      end: when(event.endDate),
      summary: event.summary ?? "",
      location: event.location ?? "",
      description: event.description ?? "",
      attendees: component.getAllProperties("attendee").length,
    };
  });
}

function seenByNodeIcal(calendar) {
  const when = (date) => (date.dateOnly ? localDay(date) : date.toISOString());
  return Object.values(nodeIcal.sync.parseICS(calendar))
    .filter((entry) => entry.type === "VEVENT")
    .map((event) => ({
      uid: event.uid,
      start: when(event.start),
      end: when(event.end),
      summary: text(event.summary),
      location: text(event.location),
      description: text(event.description),
      attendees: event.attendee ? [event.attendee].flat().length : 0,
    }));
}

const calendar = readFileSync(0, "utf8");
const seen = { "ical.js": seenByIcalJs(calendar), "node-ical": seenByNodeIcal(calendar) };
process.stdout.write(JSON.stringify(seen));
