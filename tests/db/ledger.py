"""What tests read back from the database about a booking."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from booking.base import audit
from booking.base.db import Base, db
from booking.bookings.models import Booking, BookingResource, Participant
from booking.facilities.models import Resource
from booking.notifications.models import OutboxMessage
from booking.people.models import Project, User
from booking.schedule.models import Hold, Occupancy, Presence

STORED: tuple[type[Base], ...] = (
    Booking,
    BookingResource,
    Participant,
    Hold,
    Occupancy,
    Presence,
    audit.AuditEntry,
    OutboxMessage,
)


def rows(model: type[Base]) -> int:
    """Count the rows of a table."""
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def everything() -> dict[str, int]:
    """Count the rows of all that a booking writes."""
    return {model.__tablename__: rows(model) for model in STORED}


def whole_state() -> dict[str, list[Any]]:
    """Return every row of all that a booking writes, to see that nothing changed."""
    return {
        model.__tablename__: [tuple(row) for row in db.session.execute(select(model.__table__))]
        for model in STORED
    }


def held(booking: Booking) -> list[Occupancy]:
    """Return what a booking holds now, by unit."""
    query = select(Occupancy).where(Occupancy.hold_id == booking.id, Occupancy.active)
    return list(db.session.scalars(query.order_by(Occupancy.unit_id)))


def units_of(booking: Booking) -> list[int]:
    return [row.unit_id for row in held(booking)]


def presence(booking: Booking) -> list[tuple[datetime, datetime, int]]:
    """Return when a booking's people are in a room."""
    query = select(Presence.starts_at, Presence.ends_at, Presence.people)
    query = query.where(Presence.hold_id == booking.id, Presence.active).order_by(Presence.starts_at)
    return [tuple(row) for row in db.session.execute(query)]


def versions() -> dict[tuple[str, int], int]:
    """Return the version of every resource, user and project."""
    models: tuple[Any, ...] = (Resource, User, Project)
    return {
        (model.__tablename__, row_id): version
        for model in models
        for row_id, version in db.session.execute(select(model.id, model.version))
    }


def risen(before: dict[tuple[str, int], int]) -> set[tuple[str, int]]:
    """Return what has a higher version than before."""
    return {key for key, version in versions().items() if version > before[key]}


def messages(booking: Booking) -> list[tuple[str, int]]:
    """Return the kind and the recipient of each message about a booking, oldest first."""
    query = select(OutboxMessage.kind, OutboxMessage.recipient_id)
    query = query.where(OutboxMessage.booking_id == booking.id).order_by(OutboxMessage.id)
    return [tuple(row) for row in db.session.execute(query)]


def afresh(booking: Booking) -> Booking:
    """Read a booking anew from the database."""
    db.session.expire_all()
    return db.session.get_one(Booking, booking.id)
