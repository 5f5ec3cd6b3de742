"""What staff do with facilities and rooms: each change is audited and makes every cached view of them old."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import pairwise
from zoneinfo import available_timezones

from sqlalchemy import delete, select

from booking.base.db import bump, db, lock, note, transaction
from booking.base.edits import Faults, code_fault, flush_unique, must_be_as_read, record, storable
from booking.base.errors import Forbidden, Invalid, NotFound
from booking.base.events import on
from booking.facilities import pictures
from booking.facilities.models import (
    DUTIES,
    HOURS,
    STATES,
    Directory,
    Duty,
    Facility,
    LifecycleStep,
    OpeningHours,
    Resource,
    Room,
)
from booking.facilities.places import LONE_WORKING, holiday_name
from booking.people.actions import find_person
from booking.people.events import PeopleChanged
from booking.people.models import User
from booking.people.permissions import Permission, must_be_able_to
from booking.people.viewer import Viewer

MAX_POSITION = 100_000
MAX_SUPERVISED = 1000
MAX_SPANS = 4


def directory_changed() -> None:
    """Tell all processes that facilities, rules or names changed; call it inside the transaction."""
    bump(Directory, [1])
    note("directory changed")


@on(PeopleChanged)
def _names_changed(_: PeopleChanged) -> None:
    directory_changed()


# --- facilities ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FacilityDetails:
    """What is said of a facility; its code and its time zone are fixed when it is added."""

    code: str
    name: str
    timezone: str
    holidays: str = ""
    description: str = ""
    position: int = 0
    most_supervised: int | None = None


def add_facility(details: FacilityDetails, by: Viewer) -> Facility:
    """Add a facility."""
    must_be_able_to(by, Permission.ADD_FACILITIES)
    faults = _facility_faults(details)
    faults.add("code", code_fault(details.code.strip()))
    if details.timezone not in available_timezones():
        faults.add("timezone", "Give the name of a time zone, such as Europe/London.")
    faults.stop()
    with transaction():
        facility = Facility(code=details.code.strip(), timezone=details.timezone)
        _write_facility(facility, details)
        db.session.add(facility)
        flush_unique("code", "Another facility has this code.")
        record("added", "facility", facility.id, by.id, {}, pictures.of_facility(facility))
        directory_changed()
    return facility


def change_facility(code: str, details: FacilityDetails, by: Viewer, as_read: str | None = None) -> Facility:
    """Change a facility's name, description and bank holidays."""
    found = find_facility(code)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.id)
    _facility_faults(details).stop()
    with transaction():
        facility = lock(Facility, [found.id])[found.id]
        before = pictures.of_facility(facility)
        must_be_as_read(before, as_read)
        _write_facility(facility, details)
        db.session.flush()
        record("changed", "facility", facility.id, by.id, before, pictures.of_facility(facility))
        directory_changed()
    return facility


def find_facility(code: str) -> Facility:
    """Return a facility by code; raise `NotFound` if there is none."""
    facility = db.session.scalar(select(Facility).where(Facility.code == code)) if storable(code) else None
    if facility is None:
        raise NotFound
    return facility


def _facility_faults(details: FacilityDetails) -> Faults:
    faults = Faults()
    faults.text("name", details.name, 200, "Give the facility's name.")
    faults.text("description", details.description, 5000, lines=True)
    faults.number("position", details.position, 0, MAX_POSITION)
    faults.number("most_supervised", details.most_supervised, 0, MAX_SUPERVISED)
    faults.add("holidays", _holidays_fault(details.holidays.strip()))
    return faults


def _holidays_fault(calendar: str) -> str | None:
    try:
        holiday_name(calendar, date(2026, 1, 1))
    except (NotImplementedError, ValueError, KeyError, AttributeError):
        known = False
    else:
        known = len(calendar) <= 20
    return None if known else "This calendar of bank holidays is not known; GB-ENG is England's."


def _write_facility(facility: Facility, details: FacilityDetails) -> None:
    facility.name = details.name.strip()
    facility.holidays = details.holidays.strip()
    facility.description = details.description
    facility.position = details.position
    facility.most_supervised = details.most_supervised


# --- opening hours ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Span:
    """A stretch of a weekday, in local time; Monday is 0."""

    hours: str
    weekday: int
    opens: time
    closes: time

    @property
    def field(self) -> str:
        """The name under which a form shows this day's hours of this kind."""
        return f"{self.hours}_{self.weekday}"


def set_hours(code: str, spans: Sequence[Span], by: Viewer, as_read: str | None = None) -> None:
    """Replace a facility's weekly hours."""
    found = find_facility(code)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.id)
    _check_spans(spans)
    with transaction():
        lock(Facility, [found.id])
        before = pictures.of_hours(found.id)
        must_be_as_read(before, as_read)
        db.session.execute(delete(OpeningHours).where(OpeningHours.facility_id == found.id))
        db.session.add_all(
            OpeningHours(
                facility_id=found.id,
                hours=span.hours,
                weekday=span.weekday,
                opens=span.opens,
                closes=span.closes,
            )
            for span in spans
        )
        db.session.flush()
        record("hours_changed", "facility", found.id, by.id, before, pictures.of_hours(found.id))
        directory_changed()


def _check_spans(spans: Sequence[Span]) -> None:
    faults = Faults()
    days: dict[str, list[Span]] = {}
    for span in spans:
        if span.hours not in HOURS or span.weekday not in range(7):
            faults.add("hours", "Hours are staffed, extended or prime time, on one of seven days.")
        days.setdefault(span.field, []).append(span)
    for field, day in days.items():
        ordered = sorted(day, key=lambda span: span.opens)
        if any(span.opens >= span.closes for span in day):
            faults.add(field, "Closing must be after opening.")
        elif any(a.closes > b.opens for a, b in pairwise(ordered)):
            faults.add(field, "These hours overlap.")
        if len(day) > MAX_SPANS:
            faults.add(field, f"At most {MAX_SPANS} stretches fit into a day.")
    faults.stop()


# --- lifecycle -------------------------------------------------------------------------------------


def set_facility_steps(
    code: str, steps: Mapping[str, date | None], by: Viewer, as_read: str | None = None
) -> None:
    """Say from which day on a facility is in each state; bookings are never changed by it."""
    facility = find_facility(code)
    _set_steps("facility", facility.id, facility.id, steps, by, as_read)


def set_resource_steps(
    code: str, steps: Mapping[str, date | None], by: Viewer, as_read: str | None = None
) -> None:
    """Say from which day on one resource is in each state; without steps its facility's count alone."""
    resource = find_resource(code)
    _set_steps("resource", resource.id, resource.facility_id, steps, by, as_read)


def find_resource(code: str) -> Resource:
    """Return a resource by code; raise `NotFound` if there is none."""
    resource = db.session.scalar(select(Resource).where(Resource.code == code)) if storable(code) else None
    if resource is None:
        raise NotFound
    return resource


def check_steps(steps: Mapping[str, date | None]) -> dict[str, date]:
    """Check that the states follow each other in time; return those that have a day."""
    faults = Faults()
    given = {state: day for state in STATES if (day := steps.get(state)) is not None}
    last_state, last_day = "", None
    for state, day in given.items():
        faults.day(state, day)
        if last_day is not None and day <= last_day:
            faults.add(state, f"{state.capitalize()} must begin after {last_state} does.")
        last_state, last_day = state, day
    faults.stop()
    return given


def _set_steps(
    kind: str,
    owner_id: int,
    facility_id: int,
    steps: Mapping[str, date | None],
    by: Viewer,
    as_read: str | None,
) -> None:
    must_be_able_to(by, Permission.CHANGE_FACILITY, facility_id)
    given = check_steps(steps)
    owner = {f"{kind}_id": owner_id}
    with transaction():
        lock(Facility if kind == "facility" else Resource, [owner_id])
        before = pictures.of_steps(**owner)
        must_be_as_read(before, as_read)
        column = LifecycleStep.facility_id if kind == "facility" else LifecycleStep.resource_id
        db.session.execute(delete(LifecycleStep).where(column == owner_id))
        db.session.add_all(LifecycleStep(**owner, state=state, starts_on=day) for state, day in given.items())
        db.session.flush()
        record("lifecycle_changed", kind, owner_id, by.id, before, pictures.of_steps(**owner))
        directory_changed()


# --- rooms -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RoomDetails:
    """What is said of a room; its code and its facility are fixed when it is added."""

    code: str
    facility: str
    name: str
    max_persons: int
    room_class: str = ""
    lone_working: str = ""
    second_competent: bool = False
    accessible: str = ""
    note: str = ""
    position: int = 0


def add_room(details: RoomDetails, by: Viewer) -> Room:
    """Add a room to a facility."""
    facility = facility_named(details.facility)
    must_be_able_to(by, Permission.CHANGE_FACILITY, facility.id)
    faults = _room_faults(details)
    faults.add("code", code_fault(details.code.strip()))
    faults.stop()
    with transaction():
        room = Room(code=details.code.strip(), facility_id=facility.id)
        _write_room(room, details)
        db.session.add(room)
        flush_unique("code", "Another room has this code.")
        record("added", "room", room.id, by.id, {}, pictures.of_room(room))
        directory_changed()
    return room


def change_room(code: str, details: RoomDetails, by: Viewer, as_read: str | None = None) -> Room:
    """Change a room; fewer persons than are booked already stay booked, but no more can be."""
    found = find_room(code)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.facility_id)
    _room_faults(details).stop()
    with transaction():
        room = lock(Room, [found.id])[found.id]
        before = pictures.of_room(room)
        must_be_as_read(before, as_read)
        _write_room(room, details)
        db.session.flush()
        record("changed", "room", room.id, by.id, before, pictures.of_room(room))
        directory_changed()
    return room


def find_room(code: str) -> Room:
    """Return a room by code; raise `NotFound` if there is none."""
    room = db.session.scalar(select(Room).where(Room.code == code)) if storable(code) else None
    if room is None:
        raise NotFound
    return room


def facility_named(code: str) -> Facility:
    """Return the facility that an input names; raise `Invalid` at its field if there is none."""
    try:
        return find_facility(code)
    except NotFound:
        raise Invalid({"facility": ["Choose a facility of the list."]}) from None


def _room_faults(details: RoomDetails) -> Faults:
    faults = Faults()
    faults.text("name", details.name, 200, "Give the room's name.")
    for name in ("room_class", "accessible"):
        faults.text(name, getattr(details, name), 200)
    faults.choice("lone_working", details.lone_working, LONE_WORKING)
    faults.text("note", details.note, 5000, lines=True)
    faults.number("max_persons", details.max_persons, 0, 1000)
    faults.number("position", details.position, 0, MAX_POSITION)
    return faults


def _write_room(room: Room, details: RoomDetails) -> None:
    room.name = details.name.strip()
    room.max_persons = details.max_persons
    room.room_class = details.room_class.strip()
    room.lone_working = details.lone_working
    room.second_competent = details.second_competent
    room.accessible = details.accessible.strip()
    room.note = details.note
    room.position = details.position


# --- duties ----------------------------------------------------------------------------------------


def set_duties(
    public_id: str, wanted: Mapping[str, Collection[str]], by: Viewer, as_read: str | None = None
) -> None:
    """Say what a person does at the facilities named; those not named stay as they are."""
    facilities = {code: facility_named(code) for code in wanted}
    for facility in facilities.values():
        must_be_able_to(by, Permission.GIVE_DUTIES, facility.id)
    if not set(_all(wanted.values())) <= set(DUTIES):
        raise Invalid({"duties": ["Choose duties of the list."]})
    found = find_person(public_id)
    with transaction():
        person = lock(User, [found.id])[found.id]
        if person.role == "admin" and not by.is_admin:
            raise Forbidden("Only an administrator can change an administrator.")
        before = pictures.of_duties(person.id)
        must_be_as_read(before, as_read)
        for code, duties in wanted.items():
            _write_duties(person.id, facilities[code].id, duties)
        db.session.flush()
        record("duties_changed", "user", person.id, by.id, before, pictures.of_duties(person.id))
        directory_changed()


def _all(groups: Iterable[Collection[str]]) -> Iterable[str]:
    return (one for group in groups for one in group)


def _write_duties(user_id: int, facility_id: int, duties: Collection[str]) -> None:
    own = (Duty.user_id == user_id, Duty.facility_id == facility_id)
    kept = set(db.session.scalars(select(Duty.duty).where(*own)))
    db.session.execute(delete(Duty).where(*own, Duty.duty.not_in(sorted(duties))))
    new = sorted(set(duties) - kept)
    db.session.add_all(Duty(user_id=user_id, facility_id=facility_id, duty=duty) for duty in new)
