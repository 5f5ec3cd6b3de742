"""People, organisations and projects as plain values: what bookings show of them, read once and kept."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, select

from booking.base.db import read
from booking.people.models import Organisation, Project, User


@dataclass(frozen=True)
class PersonName:
    """A person as bookings name them."""

    id: int
    public_id: str
    name: str
    email: str
    role: str
    renamed_at: datetime


@dataclass(frozen=True)
class OrganisationName:
    """An organisation, and the alias by which others know it."""

    id: int
    code: str
    name: str
    alias: str
    kind: str

    @property
    def is_host(self) -> bool:
        return self.kind == "host"


@dataclass(frozen=True)
class ProjectName:
    """A project, and whether it is confidential."""

    id: int
    code: str
    name: str
    confidential: bool


def _by_ids(*columns: Any) -> Select[Any]:
    return select(*columns).where(columns[0].in_(bindparam("ids", expanding=True)))


_PEOPLE = _by_ids(User.id, User.public_id, User.name, User.email, User.role, User.renamed_at)
_ORGANISATIONS = _by_ids(
    Organisation.id, Organisation.code, Organisation.name, Organisation.alias, Organisation.kind
)
_PROJECTS = _by_ids(Project.id, Project.code, Project.name, Project.confidential)


@dataclass
class Names:
    """What has been asked for so far of one version of the directory, by id."""

    people: dict[int, PersonName] = field(default_factory=dict)
    organisations: dict[int, OrganisationName] = field(default_factory=dict)
    projects: dict[int, ProjectName] = field(default_factory=dict)

    def know(
        self,
        people: Collection[int | None] = (),
        organisations: Collection[int | None] = (),
        projects: Collection[int | None] = (),
    ) -> None:
        """Read those of these that are not known yet."""
        _fill(self.people, people, _PEOPLE, PersonName)
        _fill(self.organisations, organisations, _ORGANISATIONS, OrganisationName)
        _fill(self.projects, projects, _PROJECTS, ProjectName)


def _fill(known: dict[int, Any], ids: Collection[int | None], query: Select[Any], kind: Any) -> None:
    missing = {one for one in ids if one is not None and one not in known}
    if missing:
        known.update((row.id, kind(*row)) for row in read(query, {"ids": sorted(missing)}))
