"""Questions about time: what is taken in a window. No query's cost grows with the length of history."""

from collections.abc import Collection
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Executable, and_, bindparam, or_, select

from booking.base.db import read
from booking.base.period import Period
from booking.schedule.free import MAX_CLEARANCE, MAX_HOLD, PeopleThere
from booking.schedule.models import Occupancy, Presence


def in_window(long_stays: bool) -> ColumnElement[bool]:
    """Return the condition for active occupancy that is held or being cleared within a window.

    Its values come from `window_values`. Normal holds are at most `MAX_HOLD` long, so that the start is
    bounded from both sides.
    """
    normal = and_(
        Occupancy.active,
        ~Occupancy.long_stay,
        Occupancy.starts_at > bindparam("window_reach"),
        Occupancy.starts_at < bindparam("window_end"),
        Occupancy.cleared_until > bindparam("window_start"),
    )
    if not long_stays:
        return normal
    long = and_(  # each half says "active" for itself: so each can use its own index
        Occupancy.active,
        Occupancy.long_stay,
        Occupancy.held_until > bindparam("window_clearing"),
        Occupancy.starts_at < bindparam("window_end"),
        Occupancy.cleared_until > bindparam("window_start"),
    )
    return or_(normal, long)


def window_values(window: Period) -> dict[str, datetime]:
    """Return the values that `in_window` asks for."""
    return {
        "window_start": window.start,
        "window_end": window.end,
        "window_clearing": window.start - MAX_CLEARANCE,
        "window_reach": window.start - MAX_HOLD - MAX_CLEARANCE,
    }


def people_there(
    room_ids: Collection[int], window: Period, without_hold: int | None = None
) -> list[PeopleThere]:
    """Return who is counted in some rooms during a window, leaving out one hold."""
    if not room_ids:
        return []
    values = {
        "rooms": sorted(room_ids),
        "reach": window.start - MAX_HOLD,
        "start": window.start,
        "end": window.end,
        "without": without_hold or 0,
    }
    rows = read(_there(), values)
    return [PeopleThere(room, Period(start, end), people) for room, start, end, people in rows]


@cache
def _there() -> Executable:
    return (
        select(Presence.room_id, Presence.starts_at, Presence.ends_at, Presence.people)
        .where(Presence.active, Presence.room_id.in_(bindparam("rooms", expanding=True)))
        .where(Presence.starts_at > bindparam("reach"), Presence.starts_at < bindparam("end"))
        .where(Presence.ends_at > bindparam("start"), Presence.hold_id != bindparam("without"))
    )
