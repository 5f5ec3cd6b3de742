"""Facility > room > resource > unit; lifecycle by date, opening hours, closures, policies, duties."""

from datetime import date, datetime, time

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from booking.base.db import Base, UTCDateTime
from booking.people.models import Organisation, Project, User

STATES = ("planned", "commissioning", "pilot", "live", "retiring", "closed")
RUNNING = ("attended", "ends", "free")
DUTIES = ("facility_manager", "technician", "trainer", "quality_officer", "observer")
DECIDERS = ("supervisor", "owner", "quality_officer", "staff", "facility_manager")
HOURS = ("staffed", "extended", "prime")
SHARED_BY = ("user", "project", "organisation")
SPANS = ("day", "week", "month", "open")
# Refusals that a policy may let managers overrule: never what keeps bookings apart.
OVERRIDABLE = (
    "notice",
    "horizon",
    "too_short",
    "too_long",
    "off_grid",
    "outside_hours",
    "closed",
    "quota",
    "not_allowed",
    "training_missing",
    "training_expires",
    "supervisor_needed",
)
KINDS = (
    "workstation",
    "incubator",
    "bioreactor",
    "downstream",
    "analytical",
    "storage",
    "support",
    "teaching",
    "people",
    "room",
)


class Directory(Base):
    """One row that counts every change of facilities, rules, people's names: the key of all caches."""

    __tablename__ = "directory"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=0)


class Facility(Base):
    """A site with its own zone, hours and staff."""

    __tablename__ = "facilities"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    timezone: Mapped[str] = mapped_column(String(64))
    holidays: Mapped[str] = mapped_column(String(20), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(default=0)
    most_supervised: Mapped[int | None]


class Room(Base):
    """A room with its class and the most persons it takes."""

    __tablename__ = "rooms"

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id), index=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    room_class: Mapped[str] = mapped_column(String(200), default="")
    max_persons: Mapped[int]
    lone_working: Mapped[str] = mapped_column(String(200), default="")
    second_competent: Mapped[bool] = mapped_column(default=False, server_default=false())
    accessible: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=0)

    __table_args__ = (CheckConstraint("max_persons >= 0", name="max_persons"),)


class Resource(Base):
    """Something that can be booked: a machine, a place, a room as a whole, a person's time."""

    __tablename__ = "resources"

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id), index=True)
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id), index=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    model_class: Mapped[str] = mapped_column(String(200), default="")
    unit_name: Mapped[str] = mapped_column(String(40), default="place")
    running: Mapped[str] = mapped_column(String(10), default="attended")
    approval: Mapped[bool] = mapped_column(default=False)
    needs: Mapped[str] = mapped_column(String(200), default="")
    long_stay: Mapped[bool] = mapped_column(default=False)
    outlook: Mapped[str] = mapped_column(String(200), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=0, server_default="0")
    renamed_at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (
        CheckConstraint(f"running IN {RUNNING}", name="running"),
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
    )


class Unit(Base):
    """A physical place of a resource: one shelf of an incubator, the one seat at a cabinet."""

    __tablename__ = "units"
    __table_args__ = (UniqueConstraint("resource_id", "number", name="uq_units_resource_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(60))
    active: Mapped[bool] = mapped_column(default=True)


class Substitute(Base):
    """A twin: another resource that does the same job."""

    __tablename__ = "substitutes"

    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id), primary_key=True)
    twin_id: Mapped[int] = mapped_column(ForeignKey(Resource.id), primary_key=True)


class LifecycleStep(Base):
    """From this local day on, a facility or one resource is in this state."""

    __tablename__ = "lifecycle_steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int | None] = mapped_column(ForeignKey(Facility.id), index=True)
    resource_id: Mapped[int | None] = mapped_column(ForeignKey(Resource.id), index=True)
    state: Mapped[str] = mapped_column(String(20))
    starts_on: Mapped[date]

    __table_args__ = (
        CheckConstraint("(facility_id IS NULL) <> (resource_id IS NULL)", name="one_owner"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        UniqueConstraint("facility_id", "starts_on", name="uq_lifecycle_steps_facility"),
        UniqueConstraint("resource_id", "starts_on", name="uq_lifecycle_steps_resource"),
    )


class OpeningHours(Base):
    """A weekday's staffed or extended hours, or its prime time, in local time; Monday is 0."""

    __tablename__ = "opening_hours"
    __table_args__ = (
        CheckConstraint("opens < closes", name="order"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        UniqueConstraint("facility_id", "hours", "weekday", "opens", name="uq_opening_hours"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    hours: Mapped[str] = mapped_column(String(10))
    weekday: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]


class Closure(Base):
    """Local days, both ends included, on which a facility, a room or a resource is closed."""

    __tablename__ = "closures"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="order"),
        Index("ix_closures_facility", "facility_id", "last_day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id))
    resource_id: Mapped[int | None] = mapped_column(ForeignKey(Resource.id))
    name: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text, default="")
    first_day: Mapped[date]
    last_day: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Banner(Base):
    """A notice to everybody at a facility, or in one of its rooms, on local days, both ends included."""

    __tablename__ = "banners"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="order"),
        Index("ix_banners_facility", "facility_id", "last_day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id))
    text: Mapped[str] = mapped_column(String(300))
    first_day: Mapped[date]
    last_day: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Favourite(Base):
    """A resource that a person has marked, to have it first wherever they choose one."""

    __tablename__ = "favourites"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id), primary_key=True)


class Policy(Base):
    """Booking rules as data, for a facility, a kind or a resource, for all or for one role.

    The most specific policy that says something wins, value by value (facility < kind < resource;
    for one role before for all). Times are minutes, the horizon is days.
    """

    __tablename__ = "policies"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    set_by: Mapped[str] = mapped_column(String(200))
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id), index=True)
    kind: Mapped[str | None] = mapped_column(String(20))
    resource_id: Mapped[int | None] = mapped_column(ForeignKey(Resource.id), index=True)
    role: Mapped[str | None] = mapped_column(String(20))
    roles: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    opens_on: Mapped[date | None]
    min_minutes: Mapped[int | None]
    max_minutes: Mapped[int | None]
    grid_minutes: Mapped[int | None]
    notice_minutes: Mapped[int | None]
    horizon_days: Mapped[int | None]
    setup_minutes: Mapped[int | None]
    changeover_minutes: Mapped[int | None]
    clearance_minutes: Mapped[int | None]
    overridable: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class Quota(Base):
    """How many hours or bookings each person, project or organisation may have in a day, week or month.

    All quotas that speak of a booking count, each by itself. `minutes` are hours of each unit booked, or
    `bookings` are counted; `open` has no end: it counts what is not over yet.
    """

    __tablename__ = "quotas"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    set_by: Mapped[str] = mapped_column(String(200))
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    kind: Mapped[str | None] = mapped_column(String(20))
    running: Mapped[str | None] = mapped_column(String(10))
    resource_id: Mapped[int | None] = mapped_column(ForeignKey(Resource.id))
    each_resource: Mapped[bool] = mapped_column(default=False)
    role: Mapped[str | None] = mapped_column(String(20))
    project_id: Mapped[int | None] = mapped_column(ForeignKey(Project.id))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey(Organisation.id))
    shared_by: Mapped[str] = mapped_column(String(12), default="user")
    prime: Mapped[bool] = mapped_column(default=False)
    span: Mapped[str] = mapped_column(String(8))
    minutes: Mapped[int | None]
    bookings: Mapped[int | None]

    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"running IN {RUNNING}", name="running"),
        CheckConstraint(f"shared_by IN {SHARED_BY}", name="shared_by"),
        CheckConstraint(f"span IN {SPANS}", name="span"),
        CheckConstraint("(minutes IS NULL) <> (bookings IS NULL)", name="one_measure"),
        CheckConstraint("minutes >= 0 AND bookings >= 0", name="amount"),
        UniqueConstraint("facility_id", "name", name="uq_quotas_name"),
    )


class ServiceCertificate(Base):
    """An examination or calibration of a resource, and through which day it may be used by it."""

    __tablename__ = "service_certificates"
    __table_args__ = (
        CheckConstraint("examined_on <= valid_through", name="order"),
        Index("ix_service_certificates_resource", "resource_id", "valid_through"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id))
    kind: Mapped[str] = mapped_column(String(60))
    reference: Mapped[str] = mapped_column(String(60), default="")
    examined_on: Mapped[date]
    valid_through: Mapped[date]
    issued_by: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")


class ApprovalRule(Base):
    """When bookings of a facility, a kind or a resource need approval, and who gives it, in order."""

    __tablename__ = "approval_rules"
    __table_args__ = (
        CheckConstraint(f"first IN {DECIDERS}", name="first"),
        CheckConstraint(f"second IN {DECIDERS}", name="second"),
        CheckConstraint("first <> second", name="two"),
        CheckConstraint("answer_days BETWEEN 1 AND 20", name="answer_days"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id), index=True)
    name: Mapped[str] = mapped_column(String(200))
    set_by: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str | None] = mapped_column(String(20))
    resource_id: Mapped[int | None] = mapped_column(ForeignKey(Resource.id), index=True)
    role: Mapped[str | None] = mapped_column(String(20))
    longer_than_minutes: Mapped[int | None]
    outside_hours: Mapped[bool] = mapped_column(default=False)
    first: Mapped[str] = mapped_column(String(20))
    second: Mapped[str | None] = mapped_column(String(20))
    own: Mapped[bool] = mapped_column(default=False)
    answer_days: Mapped[int] = mapped_column(default=2)


class ResourceOwner(Base):
    """A person who answers for a resource and may be asked about it."""

    __tablename__ = "resource_owners"

    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True, index=True)


class Duty(Base):
    """What a person does at a facility, or may read there."""

    __tablename__ = "duties"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    duty: Mapped[str] = mapped_column(String(20))

    __table_args__ = (
        CheckConstraint(f"duty IN {DUTIES}", name="duty"),
        UniqueConstraint("user_id", "facility_id", "duty", name="uq_duties"),
    )
