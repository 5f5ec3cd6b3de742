"""Which bookings a change of the catalogue touches. They are listed for staff, never changed by it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select

from booking.base import clock
from booking.base.db import db
from booking.base.period import MAX_MOMENT, Period, midnight
from booking.bookings.models import HOLDING, Booking, BookingResource
from booking.facilities.places import OPEN_TO, Step
from booking.people.models import ROLES, User
from booking.schedule.free import MAX_CLEARANCE, MAX_HOLD
from booking.schedule.models import Occupancy

SHOWN = 50


@dataclass(frozen=True)
class Affected:
    """How many bookings, and the first of them by time."""

    count: int
    first: tuple[Booking, ...] = ()


def touching(resource_ids: Collection[int], window: Period) -> Affected:
    """Return the bookings of some resources that are not over and touch a window."""
    return _find(resource_ids, and_(Booking.starts_at < window.end, Booking.ends_at > window.start))


def outside(resource_ids: Collection[int], steps: Sequence[Step], tz: ZoneInfo) -> Affected:
    """Return the bookings of some resources that a lifecycle would no longer let their organisers make."""
    conditions = list(_refused(steps, tz))
    return _find(resource_ids, or_(*conditions)) if conditions else Affected(0)


def _refused(steps: Sequence[Step], tz: ZoneInfo) -> Iterator[ColumnElement[bool]]:
    for start, end, state in _stretches(steps, tz):
        allowed = OPEN_TO[state]
        if allowed is None:
            continue
        touches = and_(Booking.starts_at < end, Booking.starts_at >= start)
        if state == "closed":
            touches = and_(Booking.starts_at < end, Booking.ends_at > start)
        refused = sorted(set(ROLES) - allowed)
        yield and_(touches, User.role.in_(refused))


def _stretches(steps: Sequence[Step], tz: ZoneInfo) -> Iterable[tuple[datetime, datetime, str]]:
    """Yield each state with its first moment and its end; before the first step all is planned."""
    if not steps:
        return
    ordered = sorted(steps, key=lambda step: step.starts_on)
    days: list[tuple[date, str]] = [(date(1990, 1, 1), "planned"), *((s.starts_on, s.state) for s in ordered)]
    ends = [midnight(day, tz) for day, _ in days[1:]] + [MAX_MOMENT]
    for (day, state), end in zip(days, ends, strict=True):
        yield midnight(day, tz), end, state


def _find(resource_ids: Collection[int], condition: ColumnElement[bool]) -> Affected:
    if not resource_ids:
        return Affected(0)
    now = clock.now()
    taken = select(BookingResource.booking_id).where(
        BookingResource.resource_id.in_(sorted(resource_ids)), BookingResource.left_at.is_(None)
    )
    recent = or_(Booking.long_stay, Booking.starts_at > now - MAX_HOLD)
    ahead: tuple[Any, ...] = (Booking.status.in_(HOLDING), Booking.ends_at > now, recent, condition)
    matching = (
        select(Booking).join(User, User.id == Booking.organiser_id).where(Booking.id.in_(taken)).where(*ahead)
    )
    count = db.session.scalar(select(func.count()).select_from(matching.subquery())) or 0
    first = matching.order_by(Booking.starts_at, Booking.id).limit(SHOWN)
    return Affected(count, tuple(db.session.scalars(first)))


def held_units(unit_ids: Collection[int]) -> set[int]:
    """Return which of some units anything still holds, now or later."""
    query = select(Occupancy.unit_id).where(
        Occupancy.active, Occupancy.unit_id.in_(sorted(unit_ids)), Occupancy.held_until > clock.now()
    )
    return set(db.session.scalars(query.distinct()))


def count_ahead(resource_id: int) -> int:
    """Count the holds of a resource that are not over."""
    now = clock.now()
    recent = or_(Occupancy.long_stay, Occupancy.starts_at > now - MAX_HOLD - MAX_CLEARANCE)
    query = select(func.count(Occupancy.hold_id.distinct())).where(
        Occupancy.active, Occupancy.resource_id == resource_id, Occupancy.held_until > now, recent
    )
    return db.session.scalar(query) or 0
