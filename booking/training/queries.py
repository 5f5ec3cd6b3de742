"""Questions about training: what resources ask for, what people have shown and are permitted."""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Date, Engine, Integer, String, cast, func, null, or_, select, union_all

from booking.base.db import db, noted
from booking.facilities.places import Places
from booking.training.models import (
    Competence,
    Module,
    Permit,
    PermitNeed,
    PermitResource,
    Prerequisite,
    ProjectWork,
    ResourceModule,
    SessionPlace,
    TrainingSession,
)
from booking.training.standing import (
    Held,
    HeldPermit,
    Holdings,
    ModuleAsked,
    NextSession,
    PermitAsked,
    Requirements,
)

SESSIONS_OFFERED = 50

# --- what is asked ---------------------------------------------------------------------------------

_snapshots: WeakKeyDictionary[Engine, Requirements] = WeakKeyDictionary()
_building = threading.Lock()


def requirements(places: Places) -> Requirements:
    """Return what resources ask of people, from memory unless the catalogue changed."""
    known = _snapshots.get(db.engine)
    if known is not None and known.version == places.version:
        return known
    if noted("directory changed"):  # what is not committed yet must not be kept: it may be rolled back
        return _build(places.version)
    with _building:
        known = _snapshots[db.engine] = _build(places.version)
    return known


def _build(version: int) -> Requirements:
    modules: dict[int, list[ModuleAsked]] = defaultdict(list)
    query = select(ResourceModule.resource_id, ResourceModule.level, Module)
    query = query.join(Module, Module.id == ResourceModule.module_id).order_by(Module.code)
    for resource_id, level, module in db.session.execute(query):
        modules[resource_id].append(_asked(module, level))
    works: dict[int, set[str]] = defaultdict(set)
    for row in db.session.scalars(select(ProjectWork)):
        works[row.project_id].add(row.work)
    needs = db.session.scalars(select(PermitNeed).order_by(PermitNeed.id))
    return Requirements(
        version,
        {resource_id: tuple(asked) for resource_id, asked in modules.items()},
        tuple(_need(need) for need in needs),
        {project_id: frozenset(found) for project_id, found in works.items()},
    )


def _asked(module: Module, level: str) -> ModuleAsked:
    return ModuleAsked(
        module.id,
        module.code,
        module.title,
        level,
        module.valid_months,
        module.lapse_months,
        module.set_by,
    )


def _need(row: PermitNeed) -> PermitAsked:
    return PermitAsked(
        row.id,
        row.permit_kind,
        row.set_by,
        row.facility_id,
        row.room_id,
        row.resource_id,
        row.resource_kind,
        row.work,
        row.at_times,
    )


# --- what people hold ------------------------------------------------------------------------------


def holdings(
    user_ids: Collection[int],
    module_ids: Collection[int],
    project_ids: Collection[int] = (),
    permit_kinds: Collection[str] = (),
) -> Holdings:
    """Return what people hold of some modules, and they and projects of some permits; one statement."""
    parts = []
    if module_ids:
        parts.append(_competences_part(user_ids, module_ids))
    if permit_kinds:
        parts.append(_permits_part(user_ids, project_ids, permit_kinds))
    if not parts:
        return Holdings()
    return _read_holdings(db.session.execute(union_all(*parts)))


_COLUMNS = (
    "id",
    "user_id",
    "module_id",
    "name",
    "since",
    "used_on",
    "through",
    "kind",
    "project_id",
    "room_id",
    "resource_id",
)


def _row(*values: Any) -> Any:
    """Select values under the names that both parts of the question share."""
    return select(*(value.label(name) for name, value in zip(_COLUMNS, values, strict=True)))


def _competences_part(user_ids: Collection[int], module_ids: Collection[int]) -> Any:
    query = _row(
        Competence.id,
        Competence.user_id,
        Competence.module_id,
        Competence.level,
        Competence.awarded_on,
        Competence.used_on,
        Competence.valid_through,
        cast(null(), String),
        cast(null(), Integer),
        cast(null(), Integer),
        cast(null(), Integer),
    )
    return query.where(Competence.user_id.in_(sorted(user_ids)), Competence.module_id.in_(sorted(module_ids)))


def _permits_part(user_ids: Collection[int], project_ids: Collection[int], kinds: Collection[str]) -> Any:
    query = _row(
        Permit.id,
        Permit.user_id,
        cast(null(), Integer),
        Permit.reference,
        Permit.valid_from,
        cast(null(), Date),
        Permit.valid_through,
        Permit.kind,
        Permit.project_id,
        Permit.room_id,
        PermitResource.resource_id,
    )
    return query.outerjoin(PermitResource, PermitResource.permit_id == Permit.id).where(
        Permit.withdrawn_on.is_(None),
        Permit.kind.in_(sorted(kinds)),
        or_(Permit.user_id.is_(None), Permit.user_id.in_(sorted(user_ids))),
        or_(Permit.project_id.is_(None), Permit.project_id.in_(sorted(project_ids))),
    )


def _read_holdings(rows: Iterable[Any]) -> Holdings:
    competences: dict[int, dict[int, Held]] = defaultdict(dict)
    permits: dict[int, Any] = {}
    resources: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        if row.kind is None:
            used = max(row.since, row.used_on or row.since)
            competences[row.user_id][row.module_id] = Held(row.name, row.through, used)
        else:
            permits[row.id] = row
            resources[row.id] |= {row.resource_id} if row.resource_id else set()
    return Holdings(competences, tuple(_permit(row, resources[key]) for key, row in permits.items()))


def _permit(row: Any, resources: set[int]) -> HeldPermit:
    return HeldPermit(
        row.kind,
        row.name,
        row.user_id,
        row.project_id,
        row.room_id,
        frozenset(resources),
        row.since,
        row.through,
    )


def competences_of(user_id: int) -> list[tuple[Competence, Module]]:
    """List what a person has shown, by module."""
    query = select(Competence, Module).join(Module, Module.id == Competence.module_id)
    rows = db.session.execute(query.where(Competence.user_id == user_id).order_by(Module.code))
    return [(row[0], row[1]) for row in rows]


def permits_of(user_id: int, project_ids: Collection[int]) -> list[Permit]:
    """List a person's own permits and those of their projects that stand, the one that ends last first."""
    own = or_(Permit.user_id == user_id, Permit.project_id.in_(sorted(project_ids)))
    query = select(Permit).where(own, Permit.withdrawn_on.is_(None))
    return list(db.session.scalars(query.order_by(Permit.valid_through.desc(), Permit.id)))


# --- modules and sessions --------------------------------------------------------------------------


def modules_of(resource_id: int) -> list[tuple[Module, str]]:
    """List the modules that working with a resource asks for, with the level that each asks."""
    query = select(Module, ResourceModule.level).join(ResourceModule, ResourceModule.module_id == Module.id)
    rows = db.session.execute(query.where(ResourceModule.resource_id == resource_id).order_by(Module.code))
    return [(module, level) for module, level in rows]


def all_modules() -> list[Module]:
    """List every module by its code."""
    return list(db.session.scalars(select(Module).order_by(Module.code)))


def firsts() -> dict[int, list[int]]:
    """Return which modules come directly before each module."""
    found: dict[int, list[int]] = defaultdict(list)
    for row in db.session.scalars(select(Prerequisite).order_by(Prerequisite.first_id)):
        found[row.module_id].append(row.first_id)
    return found


def next_sessions(module_ids: Collection[int], after: datetime) -> dict[int, tuple[NextSession, ...]]:
    """Return the sessions of some modules that begin later and have places left, by module, soonest first."""
    taken = select(func.count()).where(SessionPlace.session_id == TrainingSession.id).scalar_subquery()
    query = (
        select(TrainingSession, taken.label("taken"))
        .where(TrainingSession.module_id.in_(sorted(module_ids)))
        .where(TrainingSession.starts_at > after, TrainingSession.cancelled_at.is_(None))
        .where(taken < TrainingSession.places)
        .order_by(TrainingSession.starts_at, TrainingSession.id)
        .limit(SESSIONS_OFFERED)
    )
    found: dict[int, list[NextSession]] = defaultdict(list)
    for session, count in db.session.execute(query):
        found[session.module_id].append(
            NextSession(session.id, session.starts_at, session.ends_at, session.places - count)
        )
    return {module_id: tuple(sessions) for module_id, sessions in found.items()}
