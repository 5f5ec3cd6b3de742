"""Holds, the occupancy of units and the presence of people. The guard over them is in the migrations."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.base.db import Base, UTCDateTime
from booking.facilities.models import Resource, Room, Unit


def only_where(postgresql: str, sqlite: str | None = None) -> dict[str, Any]:
    """Limit an index to some rows; SQLite uses it only if a query says the condition in the same words."""
    return {"postgresql_where": text(postgresql), "sqlite_where": text(sqlite or postgresql)}


NORMAL = only_where("active AND NOT long_stay", "active = 1 AND long_stay = 0")
LONG = only_where("active AND long_stay", "active = 1 AND long_stay = 1")


class Hold(Base):
    """What takes time on the schedule as a whole: one booking (or one outage) with all its rows."""

    __tablename__ = "holds"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), default="booking")


class Occupancy(Base):
    """One unit, held from set-up to the end of changeover, and cleared for another client a while later."""

    __tablename__ = "occupancy"

    id: Mapped[int] = mapped_column(primary_key=True)
    hold_id: Mapped[int] = mapped_column(ForeignKey(Hold.id), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey(Unit.id))
    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id))
    client: Mapped[str | None] = mapped_column(String(40))
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    held_until: Mapped[datetime] = mapped_column(UTCDateTime)
    cleared_until: Mapped[datetime] = mapped_column(UTCDateTime)
    kind: Mapped[str] = mapped_column(String(10), default="booking")
    long_stay: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (
        CheckConstraint("kind IN ('booking', 'outage', 'move')", name="kind"),
        CheckConstraint("starts_at < held_until AND held_until <= cleared_until", name="order"),
        Index("ix_occupancy_unit_held", "unit_id", "held_until", "starts_at", **only_where("active")),
        Index("ix_occupancy_unit_start", "unit_id", "starts_at", **only_where("active")),
        Index("ix_occupancy_window", "resource_id", "starts_at", **NORMAL),
        Index("ix_occupancy_long", "resource_id", "held_until", **LONG),
    )


class Presence(Base):
    """How many people a hold brings into a room, and when."""

    __tablename__ = "presence"

    id: Mapped[int] = mapped_column(primary_key=True)
    hold_id: Mapped[int] = mapped_column(ForeignKey(Hold.id), index=True)
    room_id: Mapped[int] = mapped_column(ForeignKey(Room.id))
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    people: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (
        CheckConstraint("starts_at < ends_at AND people > 0", name="order"),
        Index(
            "ix_presence_room",
            *("room_id", "starts_at", "ends_at", "people", "hold_id"),  # all that is asked for
            **only_where("active", "active = 1"),
        ),
    )
