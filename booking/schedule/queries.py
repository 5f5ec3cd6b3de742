"""Questions about time: what is taken in a window. No query's cost grows with the length of history."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select

from booking.base.db import db
from booking.base.period import Period
from booking.schedule.free import MAX_CLEARANCE, MAX_HOLD, PeopleThere
from booking.schedule.models import Occupancy, Presence


def in_window(start: datetime, end: datetime, long_stays: bool) -> ColumnElement[bool]:
    """Return the condition for active occupancy that is held or being cleared within a window.

    Normal holds are at most `MAX_HOLD` long, so that the start is bounded from both sides.
    """
    earliest = start - MAX_HOLD - MAX_CLEARANCE
    normal = and_(
        Occupancy.active,
        ~Occupancy.long_stay,
        Occupancy.starts_at > earliest,
        Occupancy.starts_at < end,
        Occupancy.cleared_until > start,
    )
    if not long_stays:
        return normal
    long = and_(  # each half says "active" for itself: so each can use its own index
        Occupancy.active,
        Occupancy.long_stay,
        Occupancy.held_until > start - MAX_CLEARANCE,
        Occupancy.starts_at < end,
        Occupancy.cleared_until > start,
    )
    return or_(normal, long)


def people_there(
    room_ids: Collection[int], window: Period, without_hold: int | None = None
) -> list[PeopleThere]:
    """Return who is counted in some rooms during a window, leaving out one hold."""
    if not room_ids:
        return []
    query = (
        select(Presence.room_id, Presence.starts_at, Presence.ends_at, Presence.people)
        .where(Presence.active, Presence.room_id.in_(sorted(room_ids)))
        .where(Presence.starts_at > window.start - MAX_HOLD, Presence.starts_at < window.end)
        .where(Presence.ends_at > window.start)
    )
    if without_hold is not None:
        query = query.where(Presence.hold_id != without_hold)
    return [
        PeopleThere(room, Period(start, end), people)
        for room, start, end, people in db.session.execute(query)
    ]
