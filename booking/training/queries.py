"""Questions about training: what a resource asks for, what a person has shown and is permitted."""

from collections.abc import Collection

from sqlalchemy import or_, select

from booking.base.db import db
from booking.training.models import Competence, Module, Permit, ResourceModule


def modules_of(resource_id: int) -> list[Module]:
    """List the modules that working with a resource asks for."""
    query = select(Module).join(ResourceModule, ResourceModule.module_id == Module.id)
    return list(
        db.session.scalars(query.where(ResourceModule.resource_id == resource_id).order_by(Module.code))
    )


def competences_of(user_id: int) -> list[tuple[Competence, Module]]:
    """List what a person has shown, by module."""
    query = select(Competence, Module).join(Module, Module.id == Competence.module_id)
    rows = db.session.execute(query.where(Competence.user_id == user_id).order_by(Module.code))
    return [(row[0], row[1]) for row in rows]


def permits_of(user_id: int, project_ids: Collection[int]) -> list[Permit]:
    """List a person's own permits and those of their projects, the one that ends last first."""
    own = or_(Permit.user_id == user_id, Permit.project_id.in_(sorted(project_ids)))
    return list(
        db.session.scalars(select(Permit).where(own).order_by(Permit.valid_through.desc(), Permit.id))
    )
