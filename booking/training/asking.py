"""What facility managers do: say what work asks of people: modules of a resource, permits, kinds of work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from booking.base.db import db, lock, transaction
from booking.base.edits import Faults, must_be_as_read, record
from booking.base.errors import NotFound
from booking.facilities.actions import directory_changed, facility_named, find_resource
from booking.facilities.models import KINDS, Resource, Room
from booking.people.models import Project
from booking.people.permissions import Permission, must_be_able_to
from booking.people.viewer import Viewer
from booking.training.models import Module, PermitNeed, ProjectWork, ResourceModule
from booking.training.permits import code_of, found
from booking.training.queries import modules_of
from booking.training.words import LEVELS, TIMES


def set_modules(code: str, asked: Mapping[str, str], by: Viewer, as_read: str | None = None) -> None:
    """Say which modules working with a resource asks for, each with the level that may work alone."""
    resource = find_resource(code)
    must_be_able_to(by, Permission.CHANGE_FACILITY, resource.facility_id)
    known = {module: key for module, key in db.session.execute(select(Module.code, Module.id))}
    faults = Faults()
    for module, level in asked.items():
        faults.choice("modules", module, known)
        faults.choice("modules", level, LEVELS)
    faults.stop()
    with transaction():
        lock(Resource, [resource.id])
        before = picture_of_modules(resource.id)
        must_be_as_read(before, as_read)
        db.session.execute(delete(ResourceModule).where(ResourceModule.resource_id == resource.id))
        db.session.add_all(
            ResourceModule(resource_id=resource.id, module_id=known[module], level=level)
            for module, level in sorted(asked.items())
        )
        db.session.flush()
        record("modules_changed", "resource", resource.id, by.id, before, picture_of_modules(resource.id))
        directory_changed()


def picture_of_modules(resource_id: int) -> dict[str, Any]:
    """Return what a resource asks for, as its history and its form keep it."""
    return {module.code: level for module, level in modules_of(resource_id)}


@dataclass(frozen=True)
class NeedDetails:
    """What asks for a permit at a facility: a room, a resource or a kind, a kind of work, and when."""

    facility: str
    permit: str
    set_by: str
    room: str = ""
    resource: str = ""
    kind: str = ""
    work: str = ""
    at_times: str = "always"


def ask_for_permit(details: NeedDetails, by: Viewer) -> PermitNeed:
    """Let work at a facility ask for a permit from now on; bookings that lack it are listed, and stay."""
    facility = facility_named(details.facility)
    must_be_able_to(by, Permission.CHANGE_FACILITY, facility.id)
    faults = Faults()
    faults.text("permit", details.permit, 60, "Say which kind of permit.")
    faults.text("set_by", details.set_by, 200, "Say who asks for it: people are told whom to ask.")
    faults.text("work", details.work, 60)
    faults.choice("kind", details.kind or None, (None, *KINDS))
    faults.choice("at_times", details.at_times, TIMES)
    room_id = found(faults, "room", details.room, Room.code, Room.id)
    resource_id = found(faults, "resource", details.resource, Resource.code, Resource.id)
    faults.stop()
    with transaction():
        need = PermitNeed(
            facility_id=facility.id,
            permit_kind=details.permit.strip(),
            set_by=details.set_by.strip(),
            room_id=room_id,
            resource_id=resource_id,
            resource_kind=details.kind or None,
            work=details.work.strip() or None,
            at_times=details.at_times,
        )
        db.session.add(need)
        db.session.flush()
        record("added", "permit_need", need.id, by.id, {}, picture_of_need(need))
        directory_changed()
    return need


def stop_asking(need_id: int, by: Viewer) -> None:
    """Let work no longer ask for a permit."""
    need = db.session.get(PermitNeed, need_id)
    if need is None:
        raise NotFound
    must_be_able_to(by, Permission.CHANGE_FACILITY, need.facility_id)
    with transaction():
        before = picture_of_need(need)
        db.session.delete(need)
        db.session.flush()
        record("removed", "permit_need", need_id, by.id, before, {})
        directory_changed()


def picture_of_need(need: PermitNeed) -> dict[str, Any]:
    """Return what asks for a permit as its history keeps it."""
    return {
        "permit": need.permit_kind,
        "set_by": need.set_by,
        "room": code_of(Room.code, Room.id, need.room_id),
        "resource": code_of(Resource.code, Resource.id, need.resource_id),
        "kind": need.resource_kind,
        "work": need.work,
        "at_times": need.at_times,
    }


def set_works(project_id: int, works: Iterable[str], by: Viewer) -> None:
    """Say which kinds of work a project does: each may ask for a permit."""
    must_be_able_to(by, Permission.GRANT_PERMITS)
    wanted = {work.strip() for work in works if work.strip()}
    faults = Faults()
    for work in sorted(wanted):
        faults.text("works", work, 60)
    faults.stop()
    with transaction():
        lock(Project, [project_id])
        query = select(ProjectWork).where(ProjectWork.project_id == project_id)
        have = {row.work: row for row in db.session.scalars(query)}
        for work in have.keys() - wanted:
            db.session.delete(have[work])
        db.session.add_all(
            ProjectWork(project_id=project_id, work=work) for work in sorted(wanted - have.keys())
        )
        db.session.flush()
        record("changed", "project", project_id, by.id, {"works": sorted(have)}, {"works": sorted(wanted)})
        directory_changed()


def resources_asking(module_id: int) -> list[tuple[int, str]]:
    """Return which resources ask for a module, each with the level."""
    query = select(ResourceModule.resource_id, ResourceModule.level)
    rows = db.session.execute(query.where(ResourceModule.module_id == module_id))
    return [(resource_id, level) for resource_id, level in rows]


def needs_at(facility_ids: Iterable[int]) -> list[PermitNeed]:
    """List what asks for a permit at some facilities."""
    query = select(PermitNeed).where(PermitNeed.facility_id.in_(sorted(facility_ids)))
    return list(
        db.session.scalars(query.order_by(PermitNeed.facility_id, PermitNeed.permit_kind, PermitNeed.id))
    )


def works_of(project_id: int) -> list[str]:
    """List the kinds of work of a project."""
    query = select(ProjectWork.work).where(ProjectWork.project_id == project_id)
    return list(db.session.scalars(query.order_by(ProjectWork.work)))
