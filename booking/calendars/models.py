"""Calendar links, and the stored bytes of events."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.base.db import Base, UTCDateTime
from booking.bookings.models import Booking
from booking.facilities.models import Facility, Resource, Room
from booking.people.models import Organisation, Project, User, public_id

SCOPES = ("me", "resource", "room", "facility", "project", "organisation")
DETAILS = ("full", "busy")


class Feed(Base):
    """A person's secret link to a calendar; only the token's hash is stored."""

    __tablename__ = "feeds"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=public_id)
    owner_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    scope: Mapped[str] = mapped_column(String(20))
    facility_id: Mapped[int | None] = mapped_column(ForeignKey(Facility.id))
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id))
    resource_id: Mapped[int | None] = mapped_column(ForeignKey(Resource.id))
    project_id: Mapped[int | None] = mapped_column(ForeignKey(Project.id))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey(Organisation.id))
    detail: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(100), default="")
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    fetched_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    fetched_by: Mapped[str] = mapped_column(String(40), default="")

    __table_args__ = (
        CheckConstraint(f"scope IN {SCOPES}", name="scope"),
        CheckConstraint(f"detail IN {DETAILS}", name="detail"),
    )


class EventBytes(Base):
    """A booking's VEVENT as one audience sees it, rendered once for each revision."""

    __tablename__ = "event_bytes"

    booking_id: Mapped[int] = mapped_column(ForeignKey(Booking.id), primary_key=True)
    audience: Mapped[str] = mapped_column(String(60), primary_key=True)
    stamp: Mapped[str] = mapped_column(String(80))
    body: Mapped[bytes] = mapped_column(LargeBinary)
