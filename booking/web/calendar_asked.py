"""What the address of the calendar asks for: view, day, facility, filters, what is opened."""

from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import date, timedelta
from re import fullmatch
from typing import Any

from flask import url_for
from werkzeug.datastructures import MultiDict

from booking.base.period import MAX_MOMENT, MIN_MOMENT
from booking.facilities.models import KINDS
from booking.facilities.places import FacilityPlace, Places, ResourcePlace, RoomPlace

VIEWS = {"day": "Day", "week": "Week", "month": "Month", "list": "List"}
STEP_DAYS = {"day": 1, "week": 7, "list": 7}
LONGEST_TEXT = 100
SHOWN_OF_FAULT = 40


@dataclass(frozen=True)
class Asked:
    """What the address asks for, with a sentence for each part that was not understood."""

    view: str
    day: date
    facility: FacilityPlace
    room: RoomPlace | None = None
    kind: str | None = None
    text: str = ""
    opened: frozenset[str] = frozenset()
    whole: bool = False
    marked: bool = False
    faults: tuple[str, ...] = ()

    @property
    def first(self) -> date:
        """Return the first day that is shown."""
        return first_of(self.view, self.day)

    def beside(self, direction: int) -> date:
        """Return the day to go to for the next (1) or the previous (-1) page."""
        if self.view != "month":
            return self.day + timedelta(days=direction * STEP_DAYS[self.view])
        first = self.day.replace(day=1)
        return (first + timedelta(days=32 if direction > 0 else -1)).replace(day=1)

    def href(self, fragment: int = 0, **changes: Any) -> str:
        """Return the address of this calendar with something changed."""
        now = replace(self, **changes)
        return url_for(
            "calendar.calendar",
            facility=now.facility.code,
            view=now.view,
            date=now.day.isoformat(),
            room=now.room.code if now.room else None,
            kind=now.kind,
            q=now.text or None,
            open=sorted(now.opened) or None,
            whole=1 if now.whole and now.view == "day" else None,
            marked=1 if now.marked else None,
            fragment=fragment or None,
        )

    def resources(self, catalogue: Places) -> list[ResourcePlace]:
        room_id = self.room.id if self.room else None
        return catalogue.resources_of(self.facility.id, room_id, self.kind, self.text)


def first_of(view: str, day: date) -> date:
    """Return the first day that a view of a day shows."""
    if view == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if view == "month" else day


def read(args: "MultiDict[str, str]", catalogue: Places, today: date) -> Asked | None:
    """Read an address; what is not understood gets its usual value and a sentence.

    None if there is no facility at all.
    """
    faults: list[str] = []
    facility = _facility(args.get("facility", ""), catalogue, today, faults)
    if facility is None:
        return None
    return Asked(
        view=_one_of(VIEWS, args.get("view", ""), "view", "this is the day", faults) or "day",
        day=_day(args.get("date", ""), today, faults),
        facility=facility,
        room=_room(args.get("room", ""), facility, catalogue, faults),
        kind=_one_of(KINDS, args.get("kind", ""), "kind", "all kinds are shown", faults),
        text=args.get("q", "").strip()[:LONGEST_TEXT],
        opened=frozenset(code for code in args.getlist("open") if code in catalogue.by_code),
        whole=args.get("whole") == "1",
        marked=args.get("marked") == "1",
        faults=tuple(faults),
    )


def _one_of(known: Container[str], text: str, name: str, instead: str, faults: list[str]) -> str | None:
    if not text or text in known:
        return text or None
    faults.append(f"There is no {name} “{text[:SHOWN_OF_FAULT]}”: {instead}.")
    return None


def _room(code: str, facility: FacilityPlace, catalogue: Places, faults: list[str]) -> RoomPlace | None:
    room = catalogue.room(code)
    if room is not None and room.facility_id == facility.id:
        return room
    if code:
        faults.append(f"{facility.code} has no room “{code[:SHOWN_OF_FAULT]}”: all rooms are shown.")
    return None


def _facility(code: str, catalogue: Places, today: date, faults: list[str]) -> FacilityPlace | None:
    found = catalogue.facility(code)
    if found is None and code:
        faults.append(f"There is no facility “{code[:SHOWN_OF_FAULT]}”.")
    return found or first_live(catalogue, today)


def first_live(catalogue: Places, today: date) -> FacilityPlace | None:
    """Return the first facility in use on a day, else the first of all."""
    everything = list(catalogue.facilities.values())
    return next((f for f in everything if state_of(f, today) == "live"), next(iter(everything), None))


def state_of(facility: FacilityPlace, day: date) -> str:
    """Return the state of a facility as a whole on a day."""
    states = [step.state for step in facility.steps if step.starts_on <= day]
    return states[-1] if states else "planned" if facility.steps else "live"


def _day(text: str, today: date, faults: list[str]) -> date:
    if not text:
        return today
    day = None
    if fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
    if day is None or not MIN_MOMENT.date() < day < MAX_MOMENT.date() - timedelta(days=60):
        faults.append(f"“{text[:SHOWN_OF_FAULT]}” is not a date this calendar knows: this is today.")
        return today
    return day
