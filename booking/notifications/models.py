"""The outbox of mails, and what each person wants to be mailed."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.base.db import Base, UTCDateTime
from booking.base.work import Work, due_index
from booking.bookings.models import Booking
from booking.people.models import User, public_id

OPEN = text("done_at IS NULL AND dead_at IS NULL")
DEAD = text("dead_at IS NOT NULL")


class OutboxMessage(Work):
    """One mail to one person; it exists if and only if what it tells of was stored.

    It was sent if `sent_at` says when; if it is done and not sent, `last_error` says why, or `digest_id`
    in which digest it went. An open one without a next try waits for the digest.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        due_index("outbox"),
        Index("ix_outbox_open", "recipient_id", postgresql_where=OPEN, sqlite_where=OPEN),
        Index("ix_outbox_dead", "dead_at", postgresql_where=DEAD, sqlite_where=DEAD),
        Index("ix_outbox_booking", "booking_id"),
        Index("ix_outbox_digest", "digest_id"),
    )

    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=public_id)
    kind: Mapped[str] = mapped_column(String(40))
    recipient_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    booking_id: Mapped[int | None] = mapped_column(ForeignKey(Booking.id))
    digest_id: Mapped[int | None] = mapped_column(ForeignKey("outbox.id"))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class MailPreference(Base):
    """How somebody wants mails of a topic, where that is not as usual."""

    __tablename__ = "mail_preferences"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True)
    topic: Mapped[str] = mapped_column(String(20), primary_key=True)
    how: Mapped[str] = mapped_column(String(10))
