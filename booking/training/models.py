"""Modules with prerequisites, who is competent until when, and permits."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.base.db import Base
from booking.facilities.models import Resource, Room
from booking.people.models import Project, User

LEVELS = ("trainee", "competent", "trainer")


class Module(Base):
    """A piece of training."""

    __tablename__ = "modules"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    mode: Mapped[str] = mapped_column(String(40), default="")
    minutes: Mapped[int] = mapped_column(default=0)
    valid_months: Mapped[int] = mapped_column(default=0)
    lapse_months: Mapped[int] = mapped_column(default=0)
    assessed: Mapped[str] = mapped_column(String(200), default="")


class Prerequisite(Base):
    """A module that must be passed before another."""

    __tablename__ = "prerequisites"

    module_id: Mapped[int] = mapped_column(ForeignKey(Module.id), primary_key=True)
    first_id: Mapped[int] = mapped_column(ForeignKey(Module.id), primary_key=True)


class ResourceModule(Base):
    """A module that working with a resource asks for."""

    __tablename__ = "resource_modules"

    resource_id: Mapped[int] = mapped_column(ForeignKey(Resource.id), primary_key=True)
    module_id: Mapped[int] = mapped_column(ForeignKey(Module.id), primary_key=True)


class Competence(Base):
    """What a person has shown, and through which day it is valid."""

    __tablename__ = "competences"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    module_id: Mapped[int] = mapped_column(ForeignKey(Module.id))
    level: Mapped[str] = mapped_column(String(12), default="competent")
    awarded_on: Mapped[date]
    valid_through: Mapped[date | None]

    __table_args__ = (
        CheckConstraint(f"level IN {LEVELS}", name="level"),
        UniqueConstraint("user_id", "module_id", name="uq_competences"),
    )


class Permit(Base):
    """A permission with a reference, a scope and an end."""

    __tablename__ = "permits"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(60))
    project_id: Mapped[int | None] = mapped_column(ForeignKey(Project.id))
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id))
    granted_by: Mapped[str] = mapped_column(String(200), default="")
    valid_from: Mapped[date]
    valid_through: Mapped[date]
    note: Mapped[str] = mapped_column(Text, default="")
