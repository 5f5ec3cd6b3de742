"""Modules, sessions, who is competent until when, and permits: what a person needs before they book."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.base.db import Base, UTCDateTime
from booking.facilities.models import KINDS, Facility, Resource, Room
from booking.people.models import Project, User
from booking.training.words import LEVELS, OUTCOMES, TIMES


class Module(Base):
    """A piece of training; who passed it is competent for some months, if they keep in practice."""

    __tablename__ = "modules"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    mode: Mapped[str] = mapped_column(String(40), default="")
    minutes: Mapped[int] = mapped_column(default=0)
    valid_months: Mapped[int] = mapped_column(default=0)
    lapse_months: Mapped[int] = mapped_column(default=0)
    assessed: Mapped[str] = mapped_column(String(200), default="")
    set_by: Mapped[str] = mapped_column(String(200), default="")


class Prerequisite(Base):
    """A module that must be passed before another."""

    __tablename__ = "prerequisites"

    module_id: Mapped[int] = mapped_column(ForeignKey(Module.id), primary_key=True)
    first_id: Mapped[int] = mapped_column(ForeignKey(Module.id), primary_key=True)


class ResourceModule(Base):
    """A module that working with a resource asks for, and the level at which one may work alone."""

    __tablename__ = "resource_modules"

    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id), primary_key=True)
    module_id: Mapped[int] = mapped_column(ForeignKey(Module.id), primary_key=True)
    level: Mapped[str] = mapped_column(String(12), default="competent")


class Competence(Base):
    """What a person has shown, through which day it is valid, and when it was last used elsewhere."""

    __tablename__ = "competences"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    module_id: Mapped[int] = mapped_column(ForeignKey(Module.id))
    level: Mapped[str] = mapped_column(String(12), default="competent")
    awarded_on: Mapped[date]
    valid_through: Mapped[date | None]
    used_on: Mapped[date | None]

    __table_args__ = (
        CheckConstraint(f"level IN {LEVELS}", name="level"),
        UniqueConstraint("user_id", "module_id", name="uq_competences"),
        Index("ix_competences_valid_through", "valid_through"),
    )


class TrainingSession(Base):
    """A time at which a trainer teaches or assesses a module, with places that people book."""

    __tablename__ = "training_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    module_id: Mapped[int] = mapped_column(ForeignKey(Module.id))
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    trainer_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    places: Mapped[int]
    place: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        CheckConstraint("places > 0", name="places"),
        Index("ix_training_sessions_module", "module_id", "starts_at"),
        Index("ix_training_sessions_starts", "starts_at"),
    )


class SessionPlace(Base):
    """A person's place in a session and, once the trainer says so, how it went."""

    __tablename__ = "session_places"

    session_id: Mapped[int] = mapped_column(ForeignKey(TrainingSession.id), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True, index=True)
    booked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    outcome: Mapped[str | None] = mapped_column(String(12))

    __table_args__ = (CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),)


class Permit(Base):
    """A permission with a reference, an end and a scope: what is left out of the scope may be any."""

    __tablename__ = "permits"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(60))
    project_id: Mapped[int | None] = mapped_column(ForeignKey(Project.id), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id), index=True)
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id))
    granted_by: Mapped[str] = mapped_column(String(200), default="")
    valid_from: Mapped[date]
    valid_through: Mapped[date]
    note: Mapped[str] = mapped_column(Text, default="")
    withdrawn_on: Mapped[date | None]

    __table_args__ = (Index("ix_permits_valid_through", "valid_through"),)


class PermitResource(Base):
    """A resource that a permit is for; a permit without any is for all."""

    __tablename__ = "permit_resources"

    permit_id: Mapped[int] = mapped_column(ForeignKey(Permit.id), primary_key=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id), primary_key=True)


class PermitDocument(Base):
    """The signed paper of a permit."""

    __tablename__ = "permit_documents"

    permit_id: Mapped[int] = mapped_column(ForeignKey(Permit.id), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    media_type: Mapped[str] = mapped_column(String(40))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class PermitNeed(Base):
    """What asks for a permit: where, for which kind of work and at what times."""

    __tablename__ = "permit_needs"

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    permit_kind: Mapped[str] = mapped_column(String(60))
    set_by: Mapped[str] = mapped_column(String(200))
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id))
    resource_id: Mapped[int | None] = mapped_column(ForeignKey(Resource.id))
    resource_kind: Mapped[str | None] = mapped_column(String(20))
    work: Mapped[str | None] = mapped_column(String(60))
    at_times: Mapped[str] = mapped_column(String(12), default="always")

    __table_args__ = (
        CheckConstraint(f"resource_kind IN {KINDS}", name="resource_kind"),
        CheckConstraint(f"at_times IN {TIMES}", name="at_times"),
    )


class ProjectWork(Base):
    """A kind of work that a project does and that may need a permit, such as work with donor material."""

    __tablename__ = "project_works"

    project_id: Mapped[int] = mapped_column(ForeignKey(Project.id), primary_key=True)
    work: Mapped[str] = mapped_column(String(60), primary_key=True)
