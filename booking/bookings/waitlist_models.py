"""Who waits for what: a wish for time that others hold, until it is offered, given up or too late."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.base.db import Base, UTCDateTime
from booking.bookings.models import Booking
from booking.facilities.models import Resource
from booking.people.models import User, public_id

STATES = ("waiting", "offered", "booked", "left", "over")
OPEN = ("waiting", "offered")


class Wait(Base):
    """A place on the waiting list; `wish` keeps what is asked for as plain values.

    `left`: its owner gave it up, or an offer; `over`: an offer was not taken in time, or the time passed.
    """

    __tablename__ = "waits"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=public_id)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    status: Mapped[str] = mapped_column(String(8), default="waiting")
    wish: Mapped[dict[str, Any]] = mapped_column(JSON)
    minutes: Mapped[int]
    earliest: Mapped[datetime] = mapped_column(UTCDateTime)
    latest: Mapped[datetime] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    booking_id: Mapped[int | None] = mapped_column(ForeignKey(Booking.id))

    __table_args__ = (
        CheckConstraint(f"status IN {STATES}", name="status"),
        CheckConstraint("earliest < latest AND minutes > 0", name="order"),
        Index("ix_waits_user", "user_id", "id"),
        Index("ix_waits_booking", "booking_id"),
    )


class WaitResource(Base):
    """A resource that a wish could be fulfilled with; gone when nobody waits with it any more."""

    __tablename__ = "wait_resources"

    wait_id: Mapped[int] = mapped_column(ForeignKey(Wait.id), primary_key=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id), primary_key=True, index=True)
