"""Questions about people, organisations and projects: lists by page, and what history keeps of each."""

from collections.abc import Collection
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from booking.base.db import db
from booking.base.edits import storable
from booking.people.models import Coordinator, Membership, Organisation, Project, User

PAGE = 50
MAX_CHOICES = 500
Row = TypeVar("Row", Organisation, Project, User)


def people(
    text: str = "",
    role: str | None = None,
    organisation_ids: Collection[int] | None = None,
    active: bool | None = True,
    after: str = "",
    limit: int = PAGE,
) -> list[tuple[User, Organisation]]:
    """List people by name, one more than a page holds; `after` is the last one's public id."""
    query = select(User, Organisation).join(Organisation, Organisation.id == User.organisation_id)
    query = query.where(_contains(text, User.name, User.email, User.group, Organisation.name))
    if role:
        query = query.where(User.role == role)
    if organisation_ids is not None:
        query = query.where(User.organisation_id.in_(sorted(organisation_ids)))
    if active is not None:
        query = query.where(User.active.is_(active))
    last = _one(User, User.public_id == after) if after and storable(after) else None
    if last is not None:
        query = query.where(or_(User.name > last.name, and_(User.name == last.name, User.id > last.id)))
    rows = db.session.execute(query.order_by(User.name, User.id).limit(limit + 1))
    return [(row[0], row[1]) for row in rows]


def organisations(
    text: str = "", kind: str | None = None, after: str = "", limit: int = PAGE
) -> list[Organisation]:
    """List organisations by code, one more than a page holds; `after` is the last one's code."""
    query = select(Organisation).where(
        _contains(text, Organisation.code, Organisation.name, Organisation.alias)
    )
    if kind:
        query = query.where(Organisation.kind == kind)
    if after and storable(after):
        query = query.where(Organisation.code > after)
    return list(db.session.scalars(query.order_by(Organisation.code).limit(limit + 1)))


def projects(
    text: str = "", organisation_id: int | None = None, after: str = "", limit: int = PAGE
) -> list[tuple[Project, Organisation]]:
    """List projects by code, one more than a page holds; `after` is the last one's code."""
    query = select(Project, Organisation).join(Organisation, Organisation.id == Project.organisation_id)
    query = query.where(_contains(text, Project.code, Project.name, Organisation.name))
    if organisation_id is not None:
        query = query.where(Project.organisation_id == organisation_id)
    if after and storable(after):
        query = query.where(Project.code > after)
    rows = db.session.execute(query.order_by(Project.code).limit(limit + 1))
    return [(row[0], row[1]) for row in rows]


def _contains(text: str, *columns: Any) -> ColumnElement[bool]:
    needle = "".join(c for c in text if c.isprintable()).strip()[:100]
    return or_(*(column.icontains(needle, autoescape=True) for column in columns)) if needle else true()


def _one(model: type[Row], condition: Any) -> Row | None:
    return db.session.scalar(select(model).where(condition))


def organisation_by_code(code: str, also_inactive: bool = False) -> Organisation | None:
    """Return an organisation that is in use (or any) by its code."""
    if not storable(code):
        return None
    organisation = _one(Organisation, Organisation.code == code)
    return organisation if organisation and (organisation.active or also_inactive) else None


def organisation_choices() -> dict[str, str]:
    """Return the organisations in use, for a list to choose from: code → name."""
    query = select(Organisation.code, Organisation.name).where(Organisation.active)
    rows = db.session.execute(query.order_by(Organisation.name).limit(MAX_CHOICES))
    return {row.code: f"{row.name} ({row.code})" for row in rows}


def counts() -> dict[str, int]:
    """Count what the start page of administration shows."""
    queries = {
        "people": select(func.count()).select_from(User).where(User.active),
        "organisations": select(func.count()).select_from(Organisation).where(Organisation.active),
        "projects": select(func.count()).select_from(Project).where(Project.active),
    }
    return {name: db.session.scalar(query) or 0 for name, query in queries.items()}


def coordinators_of(organisation_id: int) -> list[User]:
    """List who looks after an organisation."""
    query = select(User).join(Coordinator, Coordinator.user_id == User.id)
    return list(
        db.session.scalars(query.where(Coordinator.organisation_id == organisation_id).order_by(User.name))
    )


def members_of(project_id: int) -> list[tuple[User, bool]]:
    """List who is in a project, with whether they lead it: leads first."""
    query = select(User, Membership.lead).join(Membership, Membership.user_id == User.id)
    query = query.where(Membership.project_id == project_id).order_by(Membership.lead.desc(), User.name)
    return [(user, lead) for user, lead in db.session.execute(query)]


def projects_of(user_id: int) -> list[tuple[Project, bool]]:
    """List somebody's projects, with whether they lead them."""
    query = select(Project, Membership.lead).join(Membership, Membership.project_id == Project.id)
    query = query.where(Membership.user_id == user_id).order_by(Project.code)
    return [(project, lead) for project, lead in db.session.execute(query)]


def coordinated_by(user_id: int) -> list[Organisation]:
    """List the organisations that somebody looks after."""
    query = select(Organisation).join(Coordinator, Coordinator.organisation_id == Organisation.id)
    return list(db.session.scalars(query.where(Coordinator.user_id == user_id).order_by(Organisation.code)))


def names_of(user_ids: Collection[int]) -> dict[int, str]:
    """Return people's names by id."""
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(sorted(user_ids))))
    return {row.id: row.name for row in rows}


# --- what history keeps ----------------------------------------------------------------------------


def picture_of_person(person: User, organisation: Organisation | None = None) -> dict[str, Any]:
    """Return what an account says, in names that people use."""
    if organisation is None:
        organisation = db.session.get_one(Organisation, person.organisation_id)
    return {
        "email": person.email,
        "name": person.name,
        "role": person.role,
        "organisation": organisation.code,
        "group": person.group,
        "active": person.active,
    }


def picture_of_organisation(organisation: Organisation) -> dict[str, Any]:
    """Return what is known of an organisation, with its coordinators' addresses."""
    names = ("code", "name", "alias", "kind", "tier", "note", "active")
    picture = {name: getattr(organisation, name) for name in names}
    return picture | {"coordinators": sorted(person.email for person in coordinators_of(organisation.id))}


def picture_of_project(project: Project) -> dict[str, Any]:
    """Return what is known of a project, with its people's addresses."""
    picture = {
        name: getattr(project, name) for name in ("code", "name", "confidential", "cost_code", "active")
    }
    people = members_of(project.id)
    return picture | {
        "organisation": db.session.get_one(Organisation, project.organisation_id).code,
        "leads": sorted(person.email for person, lead in people if lead),
        "members": sorted(person.email for person, lead in people if not lead),
    }
