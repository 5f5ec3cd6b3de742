"""Taking and giving back time. Called inside a transaction, after the resources are locked."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from booking.base.db import db, read, write
from booking.base.period import Period
from booking.schedule.free import Claim, PeopleThere
from booking.schedule.guard import guard_that_refused
from booking.schedule.models import Hold, Occupancy, Presence


class UnitTaken(Exception):
    """The database's guard refused: somebody else holds the unit."""


def open_hold(kind: str = "booking") -> int:
    """Make the row under which everything that one booking takes is kept."""
    ((hold_id,),) = read(_HOLD, {"kind": kind})
    return int(hold_id)


_HOLD = insert(Hold).returning(Hold.id)
_OCCUPANCY, _PRESENCE = insert(Occupancy), insert(Presence)


def occupy(
    hold_id: int,
    claims: Iterable[tuple[Claim, list[int]]],
    long_stays: Mapping[int, bool],
    there: Iterable[PeopleThere],
    kind: str = "booking",
) -> None:
    """Write which units a hold takes and which people it brings; raise `UnitTaken` if the guard refuses."""
    rows: list[dict[str, Any]] = [
        {
            "hold_id": hold_id,
            "unit_id": unit_id,
            "resource_id": claim.resource_id,
            "client": claim.client,
            "starts_at": claim.starts_at,
            "held_until": claim.held_until,
            "cleared_until": claim.cleared_until,
            "kind": kind,
            "long_stay": long_stays[claim.resource_id],
            "active": True,
        }
        for claim, units in claims
        for unit_id in units
    ]
    try:
        write(_OCCUPANCY, rows)
    except IntegrityError as error:
        if guard_that_refused(error):
            raise UnitTaken from error
        raise
    _bring_people(hold_id, there)


def _bring_people(hold_id: int, there: Iterable[PeopleThere]) -> None:
    rows = [
        {
            "hold_id": hold_id,
            "room_id": people.room_id,
            "starts_at": people.period.start,
            "ends_at": people.period.end,
            "people": people.people,
            "active": True,
        }
        for people in there
    ]
    if rows:
        write(_PRESENCE, rows)


def release(hold_id: int) -> None:
    """Give back everything that a hold takes; the rows stay as history."""
    for model in (Occupancy, Presence):
        db.session.execute(
            update(model).where(model.hold_id == hold_id, model.active).values(active=False),
            execution_options={"synchronize_session": False},
        )


def shorten(hold_id: int, planned_end: datetime, end: datetime) -> None:
    """Let a running hold end early: the same units with the same changeover after the new end."""
    rows = list(db.session.scalars(select(Occupancy).where(Occupancy.hold_id == hold_id, Occupancy.active)))
    people = list(db.session.scalars(select(Presence).where(Presence.hold_id == hold_id, Presence.active)))
    kept = ("unit_id", "resource_id", "client", "starts_at", "kind", "long_stay")
    shorter = [
        {name: getattr(row, name) for name in kept}
        | {
            "hold_id": hold_id,
            "held_until": end + (row.held_until - planned_end),
            "cleared_until": end + (row.cleared_until - planned_end),
            "active": True,
        }
        for row in rows
    ]
    stays = [
        PeopleThere(row.room_id, Period(row.starts_at, min(row.ends_at, end)), row.people)
        for row in people
        if row.starts_at < end
    ]
    release(hold_id)
    if shorter:
        write(_OCCUPANCY, shorter)
    _bring_people(hold_id, stays)
