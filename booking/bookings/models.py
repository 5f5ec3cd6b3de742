"""A booking, what it takes and who is in it. Its id is its hold's id; the outside knows `public_id`."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from booking.base.db import Base, UTCDateTime
from booking.facilities.models import DECIDERS, Facility, Resource
from booking.people.models import Organisation, Project, User, public_id
from booking.schedule.models import Hold, only_where

STATUSES = ("requested", "confirmed", "in_use", "completed", "cancelled", "declined", "no_show")
HOLDING = ("requested", "confirmed", "in_use")
OVER = ("cancelled", "declined", "no_show", "completed")


class Series(Base):
    """What bookings that were made together have in common; each of them is a booking of its own."""

    __tablename__ = "series"

    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=public_id)
    rrule: Mapped[str] = mapped_column(Text)
    made_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Booking(Base):
    """Someone's use of one or several resources for a time."""

    __tablename__ = "bookings"

    id: Mapped[int] = mapped_column(ForeignKey(Hold.id), primary_key=True, autoincrement=False)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=public_id)
    uid: Mapped[str] = mapped_column(String(36), unique=True, default=lambda: str(uuid.uuid4()))
    status: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(200))
    notes: Mapped[str] = mapped_column(Text, default="")
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    people: Mapped[int] = mapped_column(default=1)
    client: Mapped[str] = mapped_column(String(40))
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    organiser_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    organisation_id: Mapped[int] = mapped_column(ForeignKey(Organisation.id))
    project_id: Mapped[int | None] = mapped_column(ForeignKey(Project.id))
    supervisor_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    series_id: Mapped[str | None] = mapped_column(ForeignKey(Series.id))
    made_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revised_at: Mapped[datetime] = mapped_column(UTCDateTime)
    answer_due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    offered_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")
    long_stay: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    sequence: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("starts_at < ends_at", name="order"),
        CheckConstraint("people >= 0", name="people"),
        Index("ix_bookings_organiser", "organiser_id", "starts_at"),
        Index("ix_bookings_organisation", "organisation_id", "starts_at"),
        Index("ix_bookings_project", "project_id", "starts_at"),
        Index("ix_bookings_supervisor", "supervisor_id", "starts_at"),
        Index("ix_bookings_series", "series_id", "starts_at", **only_where("series_id IS NOT NULL")),
        Index("ix_bookings_window", "starts_at", **only_where("NOT long_stay", "long_stay = 0")),
        Index("ix_bookings_long", "ends_at", **only_where("long_stay", "long_stay = 1")),
        Index("ix_bookings_requests", "status", "answer_due_at"),
    )


class BookingResource(Base):
    """What a booking asked of one resource; `moved_away` once a change took it elsewhere."""

    __tablename__ = "booking_resources"

    booking_id: Mapped[int] = mapped_column(ForeignKey(Booking.id), primary_key=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id), primary_key=True)
    units: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (Index("ix_booking_resources_window", "resource_id", "starts_at"),)


class Participant(Base):
    """Another person in a booking."""

    __tablename__ = "participants"

    booking_id: Mapped[int] = mapped_column(ForeignKey(Booking.id), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True, index=True)


class Overruled(Base):
    """A refusal that somebody overruled for a booking, until its time, resources or organiser change."""

    __tablename__ = "overruled"

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey(Booking.id), index=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id))
    code: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(String(450))
    set_by: Mapped[str] = mapped_column(String(250))
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    void_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (Index("ix_overruled_facility", "facility_id", "id"),)


class ApprovalStep(Base):
    """An answer that a booking waits for: each is opened when the one before said yes.

    A change that matters asks again: a new round. An open step has `opened_at` and no `closed_at`.
    """

    __tablename__ = "approval_steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey(Booking.id))
    round: Mapped[int]
    position: Mapped[int]
    decider: Mapped[str] = mapped_column(String(20))
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    resource_id: Mapped[int | None] = mapped_column(ForeignKey(Resource.id))
    rule: Mapped[str] = mapped_column(String(200))
    set_by: Mapped[str] = mapped_column(String(200))
    own: Mapped[bool]
    answer_days: Mapped[int]
    opened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    escalated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    approved: Mapped[bool | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    deputy_for_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    note: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (
        CheckConstraint(f"decider IN {DECIDERS}", name="decider"),
        Index("ix_approval_steps_booking", "booking_id", "round"),
        Index(
            "ix_approval_steps_open",
            "facility_id",
            **only_where("opened_at IS NOT NULL AND closed_at IS NULL"),
        ),
    )


class BookingLink(Base):
    """A read-only link to one booking; only its hash is kept."""

    __tablename__ = "booking_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey(Booking.id), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
