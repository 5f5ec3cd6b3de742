"""Whether what is stored makes sense: an audit of the tables that trusts none of the product's own checks."""

from collections import defaultdict
from itertools import combinations

from sqlalchemy import select

from booking.base import audit
from booking.base.db import db
from booking.bookings.models import HOLDING, Booking, BookingResource
from booking.facilities.models import Room
from booking.notifications.models import OutboxMessage
from booking.schedule.models import Hold, Occupancy, Presence
from tests.faults.crowd import Outcome


def faults() -> list[str]:
    """Name everything in the books that does not add up; an empty list is what should be."""
    db.session.remove()
    return [*_double_bookings(), *_crowded_rooms(), *_half_made(), *_untold()]


def _double_bookings() -> list[str]:
    """Two active rows of a unit must not overlap, nor lie nearer than clearance if the clients differ."""
    units: dict[int, list[Occupancy]] = defaultdict(list)
    for row in db.session.scalars(select(Occupancy).where(Occupancy.active)):
        units[row.unit_id].append(row)
    found = []
    for rows in units.values():
        for one, two in combinations(rows, 2):
            foreign = None not in (one.client, two.client) and one.client != two.client
            ends = [(row.cleared_until if foreign else row.held_until) for row in (one, two)]
            if one.starts_at < ends[1] and two.starts_at < ends[0]:
                found.append(f"holds {one.hold_id} and {two.hold_id} meet on unit {one.unit_id}")
    return found


def _crowded_rooms() -> list[str]:
    rows = list(db.session.scalars(select(Presence).where(Presence.active)))
    found = []
    for room in db.session.scalars(select(Room)):
        inside = [row for row in rows if row.room_id == room.id]
        for moment in {row.starts_at for row in inside}:
            people = sum(row.people for row in inside if row.starts_at <= moment < row.ends_at)
            if people > room.max_persons:
                found.append(f"{people} people in {room.code} at {moment}")
    return found


def _half_made() -> list[str]:
    """A hold has a booking; a booking that holds has the units of each of its resources, another has none."""
    bookings = {booking.id: booking for booking in db.session.scalars(select(Booking))}
    holds = set(db.session.scalars(select(Hold.id)))
    found = [f"hold {hold} without booking" for hold in holds - set(bookings)]
    units: dict[tuple[int, int], int] = defaultdict(int)
    for row in db.session.scalars(select(Occupancy).where(Occupancy.active)):
        units[row.hold_id, row.resource_id] += 1
    expected = {
        (link.booking_id, link.resource_id): link.units
        for link in db.session.scalars(select(BookingResource).where(BookingResource.left_at.is_(None)))
        if bookings[link.booking_id].status in (*HOLDING, "completed")
    }
    if dict(units) != expected:
        found.append(f"held {dict(units)}, asked for {expected}")
    return found


def _untold() -> list[str]:
    """Every booking has its first line of history and its first message, and as many lines as versions."""
    lines: dict[int, int] = defaultdict(int)
    for entry in db.session.scalars(
        select(audit.AuditEntry).where(audit.AuditEntry.object_kind == "booking")
    ):
        lines[entry.object_id] += 1
    told: dict[int | None, int] = defaultdict(int)
    for message in db.session.scalars(select(OutboxMessage)):
        told[message.booking_id] += 1
    bookings = list(db.session.scalars(select(Booking)))
    versions = {booking.id: booking.version for booking in bookings}
    found = [] if lines == versions else [f"history {dict(lines)}, versions {versions}"]
    found += [f"series {name} without news" for name in _untold_series(bookings)]
    alone = {booking.id for booking in bookings if booking.series_id is None}
    return found + [f"booking {key} without news" for key in alone if told[key] < versions[key]]


def _untold_series(bookings: list[Booking]) -> set[str]:
    """A series is told of in one message to each person, which names one of its bookings."""
    query = select(OutboxMessage.booking_id).where(OutboxMessage.kind.startswith("series_"))
    told = set(db.session.scalars(query))
    known = {booking.series_id for booking in bookings if booking.id in told}
    return {booking.series_id for booking in bookings if booking.series_id} - known


def must_add_up(outcomes: list[Outcome] = ()) -> None:  # type: ignore[assignment]
    """Raise an AssertionError that names every fault; each booking that was acknowledged must be there."""
    db.session.remove()
    known = set(db.session.scalars(select(Booking.public_id)))
    lost = [outcome.booking for outcome in outcomes if outcome.booking and outcome.booking not in known]
    assert (lost, faults()) == ([], [])


def number_of_bookings() -> int:
    db.session.remove()
    return len(list(db.session.scalars(select(Booking.id))))
