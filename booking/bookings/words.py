"""How rules put days, times, lengths and roles into words, and how history puts what changed."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from booking.base import words
from booking.facilities.places import ResourcePlace

DAY = 24 * 60

# Each refusal code in words, for lists of reasons: a refusal itself says more.
REFUSALS = {
    "refused": "Several reasons at once: refusals lists them all",
    "slot_taken": "Somebody else holds it at this time",
    "changeover": "Set-up or changeover next to another booking",
    "room_full": "The room takes no more people",
    "not_open_yet": "It is not in use yet, or not for your role",
    "retired": "It is no longer in use",
    "in_past": "The time has passed",
    "too_short": "Shorter than the shortest booking",
    "too_long": "Longer than the longest booking",
    "off_grid": "Not on the steps in which it is booked",
    "outside_hours": "Outside opening hours",
    "closed": "A day on which it is closed",
    "quota": "More than your quota, or your group's, leaves you",
    "notice": "Too soon: it needs notice",
    "horizon": "Too far ahead",
    "not_allowed": "Your role may not book it",
    "training_missing": "You lack a module that it asks for",
    "training_expires": "Your training does not last through the end",
    "supervisor_needed": "You may not work there alone: name a second person, or a supervisor who is free",
    "permit_missing": "A permit is asked for and none fits",
    "permit_expires": "The permit does not last through the end",
    "certificate_expires": "It has to be examined before the end",
}


def refusal_words(code: str) -> str:
    """Return what a refusal code means."""
    return REFUSALS.get(code, code.replace("_", " ").capitalize())


def day(value: date | datetime) -> str:
    """`Mon 23 Nov 2026`."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def moment(value: datetime, resource: ResourcePlace) -> str:
    """`Mon 23 Nov 2026, 09:00` by the facility's clock."""
    local = value.astimezone(resource.facility.tz)
    return f"{day(local)}, {local:%H:%M}"


def length(minutes: int) -> str:
    """Say a length in the largest unit that fits it."""
    for size, unit in ((7 * DAY, "week"), (DAY, "day"), (60, "h")):
        if minutes and minutes % size == 0:
            count = minutes // size
            return f"{count} h" if unit == "h" else f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{minutes // 60} h {minutes % 60} min" if minutes > 60 else f"{minutes} min"


def roles(names: Iterable[object]) -> str:
    """Name roles as people speak of them: `researchers, students and staff`."""
    plural = {"industry": "industry users", "staff": "staff", "admin": "staff"}
    found = sorted({plural.get(str(name), f"{name}s") for name in names})
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found) or "staff"


FIELDS = {
    "status": "Status",
    "title": "Title",
    "start": "Start",
    "end": "End",
    "resources": "Resources",
    "people": "People in the room",
    "notes": "Notes",
    "participants": "Participants",
    "project": "Project",
    "supervisor": "Supervisor",
    "organiser": "Organiser",
    "series": "Series",
    "overruled": "Overruled",
}


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], timezone: str
) -> Iterator[tuple[str, str, str]]:
    """Put what changed into words: the field, what it was and what it is."""
    for name, label in FIELDS.items():
        if name in after:
            yield label, _plain(name, before.get(name), timezone), _plain(name, after[name], timezone)


def _plain(name: str, value: Any, timezone: str) -> str:
    if value is None or value == []:
        return ""
    if name in ("start", "end"):
        return words.moment(datetime.fromisoformat(value), timezone)
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value).replace("_", " ")
