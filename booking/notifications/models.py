"""The outbox of messages that wait to be sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.base.db import Base, UTCDateTime
from booking.bookings.models import Booking
from booking.people.models import User


class OutboxMessage(Base):
    """One piece of news for one person; it exists if and only if what it tells of was stored."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_waiting", "sent_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    recipient_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    booking_id: Mapped[int | None] = mapped_column(ForeignKey(Booking.id))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
