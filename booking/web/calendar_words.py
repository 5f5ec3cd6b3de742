"""The words of the calendar: times in the facility's zone, states, units, what a booking is about."""

from datetime import date, datetime, time, timedelta

from booking.base.period import zone
from booking.bookings.queries import Block
from booking.facilities.places import FacilityPlace, ResourcePlace, holiday_name
from booking.web import words
from booking.web.timeline_stretches import Stretch

STATUS = {
    "requested": "Requested",
    "confirmed": "Confirmed",
    "in_use": "In use",
    "completed": "Completed",
    "no_show": "No-show",
}
KINDS = {
    "workstation": "Workstations",
    "incubator": "Incubators",
    "bioreactor": "Bioreactors",
    "downstream": "Downstream",
    "analytical": "Analysis",
    "storage": "Storage",
    "support": "Support",
    "teaching": "Teaching",
    "people": "People",
    "room": "Rooms",
}
DAY = timedelta(days=1)


class Wording:
    """Puts times and bookings into words in one time zone."""

    def __init__(self, timezone: str) -> None:
        self.timezone = timezone
        self.tz = zone(timezone)

    def when(self, what: Stretch) -> str:
        return words.when(what.start, what.end, self.timezone)

    def when_of(self, block: Block) -> str:
        return words.when(block.starts_at, block.ends_at, self.timezone)

    def clock(self, what: Stretch) -> str:
        """`09:00–12:00`, with days where it reaches beyond one."""
        a, b = what.start.astimezone(self.tz), what.end.astimezone(self.tz)
        if a.date() == b.date():
            return f"{a:%H:%M}–{b:%H:%M}"
        if b.time() == time() and b.date() - a.date() == DAY:
            return f"{a:%H:%M}–24:00"
        return f"{a:%a %H:%M} – {b:%a %H:%M}"

    def day_of(self, what: Stretch) -> date:
        return what.start.astimezone(self.tz).date()

    def details(self, block: Block, resource: ResourcePlace) -> str:
        """Say everything about a booking that a glance may want, line by line."""
        lines = [
            block.title,
            f"{self.when_of(block)} ({words.length(block.ends_at - block.starts_at)})",
            f"{block.organiser} · {state_words(block)}",
            units_words(block.units, resource) if block.units > 1 else "",
            self._around(block),
        ]
        return "\n".join(line for line in lines if line)

    def _around(self, block: Block) -> str:
        """Say what is held before and after, where there is anything."""
        if not block.held:
            return ""
        first = min(held.starts_at for held in block.held)
        last = max(held.held_until for held in block.held)
        cleared = max(held.cleared_until for held in block.held)
        start, end = block.starts_at, block.ends_at
        parts = [f"set-up from {self._beside(first, start)}"] if first < start else []
        parts += [f"changeover until {self._beside(last, end)}"] if end < last else []
        parts += [f"cleared for other clients at {self._beside(cleared, end)}"] if last < cleared else []
        text = ", ".join(parts)
        return text[:1].upper() + text[1:]

    def _beside(self, moment: datetime, other: datetime) -> str:
        local, same = moment.astimezone(self.tz), other.astimezone(self.tz)
        return f"{local:%H:%M}" if local.date() == same.date() else f"{local:%a %H:%M}"


def state_words(block: Block) -> str:
    """`Confirmed`, `Requested · mine`."""
    return STATUS.get(block.status, block.status) + (" · mine" if block.mine else "")


def kind_words(kind: str) -> str:
    """Return a kind's name for people."""
    return KINDS.get(kind, kind.capitalize())


def unit_words(name: str, resource: ResourcePlace) -> str:
    """Name one unit: `Shelf 3` where its own name is only a number."""
    return f"{resource.unit_name} {name}".capitalize() if name.isdigit() else name


def units_words(count: int, resource: ResourcePlace) -> str:
    """`8 shelves`, `1 place`, `2 people`."""
    name = resource.unit_name
    return f"{count} {name if count == 1 else _plural(name)}"


def _plural(name: str) -> str:
    if name.endswith("person"):
        return f"{name[:-6]}people"
    if name.endswith("f"):
        return f"{name[:-1]}ves"
    return f"{name}es" if name.endswith(("s", "x", "ch")) else f"{name}s"


def fold_of(local: datetime) -> str | None:
    """Tell which of two equal clock readings a local time is; None where it happens once."""
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return None
    return "second" if local.fold else "first"


def shut_on(facility: FacilityPlace, day: date) -> str:
    """Return the name of a closure or holiday of the whole facility on a day, or an empty text."""
    whole = (c for c in facility.closures if c.room_id is None and c.resource_id is None)
    closed = next((c.name for c in whole if c.first_day <= day <= c.last_day), "")
    return closed or holiday_name(facility.holidays, day)
