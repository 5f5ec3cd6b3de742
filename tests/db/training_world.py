"""Training for the small world: two modules, who holds them, and sessions to come."""

from datetime import date, datetime, timedelta
from typing import Any

from booking.base import clock
from booking.base.db import db, transaction
from booking.facilities.actions import directory_changed
from booking.facilities.models import ServiceCertificate
from booking.training.models import (
    Competence,
    Module,
    Permit,
    PermitNeed,
    Prerequisite,
    ResourceModule,
    TrainingSession,
)
from tests.factories import World


def today() -> date:
    return clock.now().date()


def a_module(code: str, world: World, *resources: str, first: Module | None = None, **more: Any) -> Module:
    """Add a module that some resources ask for."""
    with transaction():
        module = Module(code=code, title=more.pop("title", f"Module {code}"), **more)
        db.session.add(module)
        db.session.flush()
        for resource in resources:
            db.session.add(ResourceModule(resource_id=world.resources[resource], module_id=module.id))
        if first is not None:
            db.session.add(Prerequisite(module_id=module.id, first_id=first.id))
        db.session.flush()
        directory_changed()
    return module


def competent(world: World, name: str, module: Module, through: date | None = None, **more: Any) -> None:
    """Let somebody hold a module."""
    with transaction():
        values = {"level": "competent", "awarded_on": today()} | more
        db.session.add(
            Competence(user_id=world.users[name], module_id=module.id, valid_through=through, **values)
        )


def a_session(
    world: World, module: Module, start: datetime, places: int = 4, hours: int = 2
) -> TrainingSession:
    """Plan a session."""
    with transaction():
        session = TrainingSession(
            module_id=module.id,
            facility_id=world.facilities["HUB"],
            trainer_id=world.users["staff"],
            starts_at=start,
            ends_at=start + timedelta(hours=hours),
            places=places,
        )
        db.session.add(session)
    return session


def a_need(world: World, kind: str = "Risk assessment", **scope: Any) -> None:
    """Let work at the hub ask for a permit."""
    with transaction():
        need = PermitNeed(
            facility_id=world.facilities["HUB"], permit_kind=kind, set_by="Safety office", **scope
        )
        db.session.add(need)
        directory_changed()


def a_permit(kind: str = "Risk assessment", **more: Any) -> Permit:
    """Grant a permit for a year."""
    with transaction():
        values = {
            "reference": f"RA-{len(more)}-{kind[:2]}",
            "valid_from": today() - timedelta(days=5),
            "valid_through": today() + timedelta(days=365),
        } | more
        permit = Permit(kind=kind, **values)
        db.session.add(permit)
    return permit


def a_certificate(world: World, resource: str, through: date) -> None:
    """Let a resource be serviceable through a day."""
    with transaction():
        certificate = ServiceCertificate(
            resource_id=world.resources[resource],
            kind="Cabinet examination",
            examined_on=today() - timedelta(days=300),
            valid_through=through,
        )
        db.session.add(certificate)
        directory_changed()
