"""Questions about the waiting list: whose turn it is, and what somebody waits for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from booking.base.db import db, hold_back, is_sqlite
from booking.base.errors import NotFound
from booking.base.period import Period
from booking.bookings.finding import SlotSearch
from booking.bookings.models import Booking
from booking.bookings.queries import Detail, details
from booking.bookings.request import BookingRequest, Wanted
from booking.bookings.waitlist_models import OPEN, Wait, WaitResource
from booking.facilities.models import Resource, Room
from booking.facilities.places import Places
from booking.facilities.queries import places
from booking.people.models import User
from booking.people.viewer import Viewer

LOOKED_AT = 20  # of those who wait for the same: the first in order
LISTED = 200


@dataclass(frozen=True)
class Waiting:
    """A place on the list as its owner, or staff, sees it; `ahead` is for whom others are no secret."""

    wait: Wait
    request: BookingRequest
    options: tuple[tuple[Wanted, ...], ...]
    offer: Detail | None
    ahead: int | None


def request_of(wait: Wait) -> BookingRequest:
    """Return what would be booked, with the first choices at the earliest time."""
    wish = wait.wish
    first = {choice[0][0]: choice[0][1] for choice in wish["options"]}
    return BookingRequest(
        wait.earliest,
        wait.earliest + timedelta(minutes=wait.minutes),
        tuple(Wanted(code, units) for code, units in first.items()),
        wish["title"],
        project=wish["project"],
        people=wish["people"],
        participants=tuple(wish["participants"]),
        supervisor=wish["supervisor"],
        notes=wish["notes"],
    )


def options_of(wait: Wait) -> tuple[tuple[Wanted, ...], ...]:
    """Return for each place in the booking the resources of which any will do."""
    return tuple(tuple(Wanted(code, units) for code, units in choice) for choice in wait.wish["options"])


def search_of(wait: Wait) -> SlotSearch:
    """Return the search whose first slot would be offered."""
    length = timedelta(minutes=wait.minutes)
    return search_for(options_of(wait), length, wait.earliest, wait.latest, request_of(wait))


def search_for(
    options: tuple[tuple[Wanted, ...], ...],
    length: timedelta,
    earliest: datetime,
    latest: datetime,
    wanted: BookingRequest,
) -> SlotSearch:
    """Return the search for a booking on any of these resources: its project and people count as well."""
    people = (wanted.project, wanted.participants, wanted.supervisor)
    return SlotSearch(options, length, earliest, latest, wanted.people, 1, *people)


def exactly(wanted: BookingRequest) -> SlotSearch:
    """Return the search for the very time and resources of a booking."""
    options = tuple((one,) for one in wanted.resources)
    return search_for(options, wanted.period.length, wanted.starts_at, wanted.ends_at, wanted)


def waiting_for(resource_ids: Collection[int], freed: Period | None = None) -> list[Wait]:
    """List who waits for one of these resources, in a period if one is given: first come, first served."""
    mine = select(WaitResource.wait_id).where(WaitResource.resource_id.in_(sorted(resource_ids)))
    query = select(Wait).where(Wait.id.in_(mine), Wait.status == "waiting")
    if freed is not None:
        query = query.where(Wait.earliest < freed.end, Wait.latest > freed.start)
    query = query.order_by(Wait.created_at, Wait.id).limit(LOOKED_AT)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


# --- locks -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Touched:
    """What must be locked before time is given back, so that it can be offered in the same transaction."""

    resources: frozenset[int] = frozenset()
    rooms: frozenset[int] = frozenset()
    users: frozenset[int] = frozenset()


def touched_by(waits: Sequence[Wait], catalogue: Places) -> Touched:
    """Return everything that an offer to one of these would lock."""
    codes = {wanted.code for wait in waits for choice in options_of(wait) for wanted in choice}
    resources = [catalogue.by_code[code] for code in codes if code in catalogue.by_code]
    names = {one for wait in waits for one in (*wait.wish["participants"], wait.wish["supervisor"]) if one}
    named = or_(User.public_id.in_(names), User.email.in_({name.casefold() for name in names}))
    people = set(db.session.scalars(select(User.id).where(named))) if names else set()
    return Touched(
        frozenset(resource.id for resource in resources),
        frozenset(resource.room.id for resource in resources if resource.room),
        frozenset(people | {wait.user_id for wait in waits}),
    )


def needed_to_free(resources: Collection[int]) -> Touched:
    """Return what those who wait for these resources would need; nothing on SQLite, without such locks."""
    return Touched() if is_sqlite() else touched_by(waiting_for(resources), places())


def hold_back_to_free(resources: Collection[int], users: Collection[int]) -> None:
    """Lock what gives back time, and all that those who wait for it would need: resources, rooms, users."""
    more = needed_to_free(resources)
    hold_back(Resource, more.resources | set(resources))
    hold_back(Room, more.rooms)
    hold_back(User, more.users | set(users))


# --- lists -----------------------------------------------------------------------------------------


def my_waits(by: Viewer) -> list[Waiting]:
    """List what somebody waits for, what is open first, the newest first."""
    query = select(Wait).where(Wait.user_id == by.id)
    return _shown(query.order_by(Wait.status.not_in(OPEN), Wait.id.desc()), by)


def waits_at(by: Viewer) -> list[Waiting]:
    """List everybody who waits at the facilities that somebody staffs, in order."""
    mine = [one.id for one in places().resources.values() if by.staffs(one.facility.id)]
    at_mine = select(WaitResource.wait_id).where(WaitResource.resource_id.in_(mine))
    query = select(Wait).where(Wait.id.in_(at_mine), Wait.status.in_(OPEN))
    return _shown(query.order_by(Wait.created_at, Wait.id), by)


def find_wait(public_id: str, by: Viewer) -> Waiting:
    """Return a place on the list that is the viewer's own; for all others there is nothing here."""
    found = _shown(select(Wait).where(Wait.public_id == public_id, Wait.user_id == by.id), by)
    if not found:
        raise NotFound
    return found[0]


def _shown(query: object, by: Viewer) -> list[Waiting]:
    waits = list(db.session.scalars(query.limit(LISTED)))  # type: ignore[attr-defined]
    offered = {wait.booking_id for wait in waits if wait.booking_id is not None}
    bookings = list(db.session.scalars(select(Booking).where(Booking.id.in_(offered))))
    known = {one.booking.id: one for one in details(bookings, by)}
    return [
        Waiting(
            wait,
            request_of(wait),
            options_of(wait),
            known.get(wait.booking_id) if wait.booking_id else None,
            _ahead(wait) if by.is_host and wait.user_id == by.id and wait.status == "waiting" else None,
        )
        for wait in waits
    ]


def _ahead(wait: Wait) -> int:
    """Count who came before and waits for one of the same resources at some of the same time."""
    mine = select(WaitResource.resource_id).where(WaitResource.wait_id == wait.id)
    same = select(WaitResource.wait_id).where(WaitResource.resource_id.in_(mine))
    query = select(func.count()).where(Wait.id.in_(same), Wait.id < wait.id, Wait.status == "waiting")
    return db.session.scalar(query.where(Wait.earliest < wait.latest, Wait.latest > wait.earliest)) or 0


def open_waits(user_id: int) -> int:
    """Count the places on the list that somebody has."""
    query = select(func.count()).where(Wait.user_id == user_id, Wait.status.in_(OPEN))
    return db.session.scalar(query) or 0


def moment_too_late(wait: Wait) -> datetime:
    """Return from when on nothing that is asked for could start any more."""
    return wait.latest - timedelta(minutes=wait.minutes)
