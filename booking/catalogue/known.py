"""What the database knows already: a catalogue may refer to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from booking.base.db import db
from booking.facilities.models import Facility, Policy, Resource, Room
from booking.facilities.places import POLICY_DEFAULTS
from booking.people.models import Organisation, Project, User
from booking.training.models import Module

Scope = tuple[str, str | None, str | None, str | None]


@dataclass(frozen=True)
class KnownResource:
    """A resource as far as rules depend on it."""

    facility: str
    kind: str
    long_stay: bool


@dataclass(frozen=True)
class Known:
    """The codes that exist; policies by scope (facility, kind, resource, role)."""

    facilities: frozenset[str] = frozenset()
    rooms: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, KnownResource] = field(default_factory=dict)
    policies: Mapping[Scope, Mapping[str, Any]] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()


def known() -> Known:
    """Read all codes from the database."""
    facilities = {row.id: row.code for row in db.session.scalars(select(Facility))}
    resources = {row.id: row for row in db.session.scalars(select(Resource))}
    return Known(
        facilities=frozenset(facilities.values()),
        rooms={room.code: facilities[room.facility_id] for room in db.session.scalars(select(Room))},
        resources={
            r.code: KnownResource(facilities[r.facility_id], r.kind, r.long_stay) for r in resources.values()
        },
        policies={
            (
                facilities[p.facility_id],
                p.kind,
                resources[p.resource_id].code if p.resource_id else None,
                p.role,
            ): {name: getattr(p, name) for name in POLICY_DEFAULTS if getattr(p, name) is not None}
            for p in db.session.scalars(select(Policy))
        },
        modules=frozenset(db.session.scalars(select(Module.code))),
        organisations=frozenset(db.session.scalars(select(Organisation.code))),
        projects=frozenset(db.session.scalars(select(Project.code))),
        people=frozenset(db.session.scalars(select(User.email))),
    )
