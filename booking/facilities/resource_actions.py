"""What staff do with resources and their units."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, or_, select

from booking.base import clock
from booking.base.db import db, lock, transaction
from booking.base.edits import Faults, code_fault, flush_unique, must_be_as_read, record
from booking.base.errors import Invalid
from booking.facilities import pictures
from booking.facilities.actions import MAX_POSITION, directory_changed, facility_named, find_resource
from booking.facilities.models import KINDS, RUNNING, Resource, Room, Substitute, Unit
from booking.people.permissions import Permission, must_be_able_to
from booking.people.viewer import Viewer

MAX_UNITS = 500
MAX_TWINS = 20


@dataclass(frozen=True)
class ResourceDetails:
    """What is said of a resource; code, facility, number of units and long stay are for adding it."""

    code: str
    facility: str
    name: str
    kind: str
    room: str = ""
    model_class: str = ""
    unit_name: str = "place"
    running: str = "attended"
    approval: bool = False
    needs: str = ""
    outlook: str = ""
    description: str = ""
    position: int = 0
    twins: tuple[str, ...] = ()
    units: int = 1
    long_stay: bool = False


def add_resource(details: ResourceDetails, by: Viewer) -> Resource:
    """Add a resource with its first units, named by number."""
    facility = facility_named(details.facility)
    must_be_able_to(by, Permission.CHANGE_FACILITY, facility.id)
    faults = Faults()
    faults.add("code", code_fault(details.code.strip()))
    faults.number("units", details.units, 1, MAX_UNITS)
    room_id, twins = _checked(details, facility.id, faults)
    with transaction():
        resource = Resource(
            code=details.code.strip(),
            facility_id=facility.id,
            long_stay=details.long_stay,
            renamed_at=clock.now(),
        )
        _write(resource, details, room_id)
        db.session.add(resource)
        flush_unique("code", "Another resource has this code.")
        _add_units(resource, details.units, first=1)
        _write_twins(resource.id, twins)
        after = pictures.of_resource(resource) | {"units": details.units}
        record("added", "resource", resource.id, by.id, {}, after)
        directory_changed()
    return resource


def change_resource(
    code: str,
    details: ResourceDetails,
    by: Viewer,
    count_future: Callable[[int], int],
    as_read: str | None = None,
) -> Resource:
    """Change a resource; `count_future` counts what the schedule still holds of it.

    It stays in its room while bookings lie ahead: their people are counted there.
    """
    found = find_resource(code)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.facility_id)
    room_id, twins = _checked(details, found.facility_id, Faults(), found)
    with transaction():
        resource = lock(Resource, [found.id])[found.id]
        before = pictures.of_resource(resource)
        must_be_as_read(before, as_read)
        if room_id != resource.room_id:
            _must_be_free(count_future(resource.id))
        if resource.name != details.name.strip():
            resource.renamed_at = clock.now()
        _write(resource, details, room_id)
        db.session.flush()
        _write_twins(resource.id, twins)
        record("changed", "resource", resource.id, by.id, before, pictures.of_resource(resource))
        directory_changed()
    return resource


def _must_be_free(ahead: int) -> None:
    if ahead:
        bookings = "1 booking lies" if ahead == 1 else f"{ahead} bookings lie"
        raise Invalid(
            {"room": [f"{bookings} ahead and count their people in its room: move or cancel them first."]}
        )


def _checked(
    details: ResourceDetails, facility_id: int, faults: Faults, found: Resource | None = None
) -> tuple[int | None, list[int]]:
    faults.text("name", details.name, 200, "Give the resource's name.")
    faults.choice("kind", details.kind, KINDS)
    faults.choice("running", details.running, RUNNING)
    faults.text("unit_name", details.unit_name, 40, "Say what one unit is called, such as place or shelf.")
    for name in ("model_class", "needs", "outlook"):
        faults.text(name, getattr(details, name), 200)
    faults.text("description", details.description, 5000, lines=True)
    faults.number("position", details.position, 0, MAX_POSITION)
    room_id = _room_id(details.room, facility_id, faults)
    twins = _twins(details.twins, found, faults)
    faults.stop()
    return room_id, twins


def _room_id(code: str, facility_id: int, faults: Faults) -> int | None:
    if not code:
        return None
    rooms = select(Room.code, Room.id).where(Room.facility_id == facility_id)
    known = {row.code: row.id for row in db.session.execute(rooms)}
    faults.choice("room", code, known)
    return known.get(code)


def _twins(codes: Sequence[str], found: Resource | None, faults: Faults) -> list[int]:
    wanted = list(dict.fromkeys(code.strip() for code in codes if code.strip()))
    if len(wanted) > MAX_TWINS:
        faults.add("twins", f"At most {MAX_TWINS} twins can be named.")
        return []
    plain = [code for code in wanted if code_fault(code) is None]
    rows = db.session.execute(select(Resource.code, Resource.id).where(Resource.code.in_(plain)))
    known = {row.code: row.id for row in rows}
    for code in wanted:
        if code not in known:
            faults.add("twins", f"There is no resource {code[:40]!a}.")
    if found is not None and found.id in known.values():
        faults.add("twins", "A resource is not its own twin.")
    return [known[code] for code in wanted if code in known]


def _write(resource: Resource, details: ResourceDetails, room_id: int | None) -> None:
    resource.room_id = room_id
    for name in ("name", "model_class", "unit_name", "needs", "outlook"):
        setattr(resource, name, getattr(details, name).strip())
    for name in ("kind", "running", "approval", "description", "position"):
        setattr(resource, name, getattr(details, name))


def _write_twins(resource_id: int, twins: Collection[int]) -> None:
    """Twins are twins of each other."""
    either = or_(Substitute.resource_id == resource_id, Substitute.twin_id == resource_id)
    db.session.execute(delete(Substitute).where(either))
    for twin in twins:
        db.session.add(Substitute(resource_id=resource_id, twin_id=twin))
        db.session.add(Substitute(resource_id=twin, twin_id=resource_id))
    db.session.flush()


# --- units -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class UnitDetails:
    """One unit's name and whether it is in use."""

    id: int
    name: str
    active: bool = True


def units_of(resource_id: int) -> list[Unit]:
    """List a resource's units, retired ones too."""
    return list(db.session.scalars(select(Unit).where(Unit.resource_id == resource_id).order_by(Unit.number)))


def change_units(
    code: str,
    units: Sequence[UnitDetails],
    add: int,
    by: Viewer,
    held: Callable[[Collection[int]], Collection[int]],
    as_read: str | None = None,
) -> None:
    """Name, retire, bring back and add units; `held` tells which units the schedule still needs."""
    found = find_resource(code)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.facility_id)
    with transaction():
        resource = lock(Resource, [found.id])[found.id]
        before = pictures.of_units(resource.id)
        must_be_as_read(before, as_read)
        rows = {unit.id: unit for unit in units_of(resource.id)}
        _check_units(resource, rows, units, add)
        _check_retired(rows, units, held)
        for wanted in units:
            rows[wanted.id].name, rows[wanted.id].active = wanted.name.strip(), wanted.active
        _add_units(resource, add, first=max((unit.number for unit in rows.values()), default=0) + 1)
        db.session.flush()
        record("units_changed", "resource", resource.id, by.id, before, pictures.of_units(resource.id))
        directory_changed()


def _check_units(resource: Resource, rows: dict[int, Unit], units: Sequence[UnitDetails], add: int) -> None:
    faults = Faults()
    faults.number("add", add, 0, MAX_UNITS - len(rows))
    names: set[str] = set()
    for wanted in units:
        field = f"name-{wanted.id}"
        if wanted.id not in rows:
            raise Invalid({"units": [f"{resource.code} has no such {resource.unit_name}."]})
        faults.text(field, wanted.name, 60, f"Give this {resource.unit_name} a name.")
        if wanted.active and wanted.name.strip() in names:
            faults.add(field, "Two have this name: they could not be told apart.")
        names |= {wanted.name.strip()} if wanted.active else set()
    told = {wanted.id for wanted in units}
    active = sum(wanted.active for wanted in units) + sum(u.active for u in rows.values() if u.id not in told)
    if active + add < 1:
        faults.add("units", "Something to book must remain: close the resource by its lifecycle instead.")
    faults.stop()


def _check_retired(
    rows: dict[int, Unit],
    units: Sequence[UnitDetails],
    held: Callable[[Collection[int]], Collection[int]],
) -> None:
    retired = {wanted.id for wanted in units if rows[wanted.id].active and not wanted.active}
    still = held(retired) if retired else ()
    if still:
        sentence = "Bookings still lie ahead on this one: move or cancel them before it is retired."
        raise Invalid({f"name-{unit}": [sentence] for unit in sorted(still)})


def _add_units(resource: Resource, count: int, first: int) -> None:
    for number in range(first, first + count):
        db.session.add(Unit(resource_id=resource.id, number=number, name=str(number)))
    db.session.flush()
