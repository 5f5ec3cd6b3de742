"""What staff do with rules: policies and closures. Bookings that a new rule would refuse stay."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from booking.base import clock
from booking.base.db import db, lock, transaction
from booking.base.edits import Faults, must_be_as_read, record
from booking.base.errors import NotFound
from booking.facilities import pictures
from booking.facilities.actions import directory_changed, facility_named
from booking.facilities.models import KINDS, OVERRIDABLE, Closure, Policy, Resource, Room
from booking.facilities.places import POLICY_DEFAULTS
from booking.people.models import ROLES
from booking.people.permissions import Permission, must_be_able_to
from booking.people.viewer import Viewer

BOOKING_ROLES = ("student", "researcher", "industry")
DAY, YEAR = 24 * 60, 365 * 24 * 60
LONGEST = 35 * DAY
LIMITS = {
    "min_minutes": (1, 10 * YEAR),
    "max_minutes": (1, 10 * YEAR),
    "grid_minutes": (1, 35 * DAY),
    "notice_minutes": (0, YEAR),
    "horizon_days": (0, 3650),
    "setup_minutes": (0, 7 * DAY),
    "changeover_minutes": (0, 7 * DAY),
    "clearance_minutes": (0, 7 * DAY),
}
LONGEST_CLOSURE = timedelta(days=731)


# --- policies --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PolicyDetails:
    """A policy's scope and what it says; what is None it does not say."""

    name: str
    set_by: str
    facility: str
    kind: str | None = None
    resource: str | None = None
    role: str | None = None
    roles: tuple[str, ...] | None = None
    opens_on: date | None = None
    min_minutes: int | None = None
    max_minutes: int | None = None
    grid_minutes: int | None = None
    notice_minutes: int | None = None
    horizon_days: int | None = None
    setup_minutes: int | None = None
    changeover_minutes: int | None = None
    clearance_minutes: int | None = None
    overridable: tuple[str, ...] | None = None


def add_policy(details: PolicyDetails, by: Viewer) -> Policy:
    """Add a policy to a facility, to one of its kinds or to one of its resources."""
    facility = facility_named(details.facility)
    must_be_able_to(by, Permission.CHANGE_FACILITY, facility.id)
    resource = _checked_policy(details, facility.id)
    with transaction():
        policy = Policy(facility_id=facility.id)
        _write_policy(policy, details, resource)
        db.session.add(policy)
        db.session.flush()
        record("added", "policy", policy.id, by.id, {}, pictures.of_policy(policy))
        directory_changed()
    return policy


def change_policy(policy_id: int, details: PolicyDetails, by: Viewer, as_read: str | None = None) -> Policy:
    """Change a policy; its facility stays."""
    found = find_policy(policy_id)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.facility_id)
    resource = _checked_policy(details, found.facility_id)
    with transaction():
        policy = _locked_policy(found.id)
        before = pictures.of_policy(policy)
        must_be_as_read(before, as_read)
        _write_policy(policy, details, resource)
        db.session.flush()
        record("changed", "policy", policy.id, by.id, before, pictures.of_policy(policy))
        directory_changed()
    return policy


def remove_policy(policy_id: int, by: Viewer) -> None:
    """Take a policy away: the more general ones, then the built-in values, count again."""
    found = find_policy(policy_id)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.facility_id)
    with transaction():
        policy = _locked_policy(found.id)
        before = pictures.of_policy(policy)
        db.session.delete(policy)
        db.session.flush()
        record("removed", "policy", policy_id, by.id, before, {})
        record("policy_removed", "facility", found.facility_id, by.id, before, {})
        directory_changed()


def find_policy(policy_id: int) -> Policy:
    """Return a policy; raise `NotFound` if there is none."""
    policy = db.session.scalar(select(Policy).where(Policy.id == policy_id))
    if policy is None:
        raise NotFound
    return policy


def _locked_policy(policy_id: int) -> Policy:
    rows = lock(Policy, [policy_id])
    if policy_id not in rows:
        raise NotFound
    return rows[policy_id]


def _checked_policy(details: PolicyDetails, facility_id: int) -> Resource | None:
    faults = Faults()
    faults.text("name", details.name, 200, "Give the policy a name: people see it with its rules.")
    faults.text("set_by", details.set_by, 200, "Say who set it: people are told whom to ask.")
    faults.choice("kind", details.kind, (None, *KINDS))
    faults.choice("role", details.role, (None, *ROLES))
    faults.day("opens_on", details.opens_on)
    if not set(details.roles or ()) <= set(BOOKING_ROLES):
        faults.add("roles", "Choose roles of the list.")
    if not set(details.overridable or ()) <= set(OVERRIDABLE):
        faults.add("overridable", "Choose refusals of the list.")
    for name, (least, most) in LIMITS.items():
        _limit(name, getattr(details, name), least, most, faults)
    resource = _resource_of(details, facility_id, faults)
    _lengths(details, bool(resource and resource.long_stay), faults)
    if all(getattr(details, name) is None for name in POLICY_DEFAULTS):
        faults.add("name", "This policy says nothing: give at least one value.")
    faults.stop()
    return resource


def _limit(name: str, value: int | None, least: int, most: int, faults: Faults) -> None:
    if value is not None and not least <= value <= most:
        unit = "days" if name == "horizon_days" else "minutes"
        shown = f"{most // DAY} days" if unit == "minutes" and most >= DAY else f"{most} {unit}"
        faults.add(name, f"Give at least {least} {unit} and at most {shown}.")


def _resource_of(details: PolicyDetails, facility_id: int, faults: Faults) -> Resource | None:
    if details.resource is None:
        return None
    if details.kind is not None:
        faults.add("resource", "A policy is for one kind or for one resource, not for both.")
    known = select(Resource).where(Resource.facility_id == facility_id)
    resource = next((r for r in db.session.scalars(known) if r.code == details.resource), None)
    if resource is None:
        faults.add("resource", "Choose a resource of this facility.")
    return resource


def _lengths(details: PolicyDetails, long_stay: bool, faults: Faults) -> None:
    """Check what belongs together: shortest and longest, the grid, and the longest hold there may be."""
    shortest, longest, grid = details.min_minutes, details.max_minutes, details.grid_minutes
    if shortest is not None and longest is not None and shortest > longest:
        faults.add("max_minutes", "The longest booking must not be shorter than the shortest.")
    if grid is not None and grid > DAY and grid % DAY:
        faults.add("grid_minutes", "Steps longer than a day must be whole days.")
    around = (details.setup_minutes or 0) + (details.changeover_minutes or 0)
    if longest is not None and not long_stay and longest + around > LONGEST:
        faults.add("max_minutes", "Set-up, booking and changeover together must not be longer than 35 days.")


def _write_policy(policy: Policy, details: PolicyDetails, resource: Resource | None) -> None:
    policy.name = details.name.strip()
    policy.set_by = details.set_by.strip()
    policy.kind = details.kind
    policy.resource_id = resource.id if resource else None
    policy.role = details.role
    for name in POLICY_DEFAULTS:
        setattr(policy, name, getattr(details, name))
    policy.roles = None if details.roles is None else list(details.roles)
    policy.overridable = None if details.overridable is None else list(details.overridable)


# --- closures --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClosureDetails:
    """Days, both included, on which a facility, one room or one resource is closed."""

    facility: str
    name: str
    first_day: date | None
    last_day: date | None
    reason: str = ""
    room: str = ""
    resource: str = ""


def add_closure(details: ClosureDetails, by: Viewer) -> Closure:
    """Close something for some days; bookings on them stay until somebody moves them."""
    facility = facility_named(details.facility)
    must_be_able_to(by, Permission.CHANGE_FACILITY, facility.id)
    checked_closure(details, facility.id)
    with transaction():
        closure = Closure(facility_id=facility.id, created_at=clock.now())
        _write_closure(closure, details)
        db.session.add(closure)
        db.session.flush()
        record("added", "closure", closure.id, by.id, {}, pictures.of_closure(closure))
        directory_changed()
    return closure


def change_closure(
    closure_id: int, details: ClosureDetails, by: Viewer, as_read: str | None = None
) -> Closure:
    """Change a closure; its facility stays."""
    found = find_closure(closure_id)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.facility_id)
    checked_closure(details, found.facility_id)
    with transaction():
        closure = _locked_closure(found.id)
        before = pictures.of_closure(closure)
        must_be_as_read(before, as_read)
        _write_closure(closure, details)
        db.session.flush()
        record("changed", "closure", closure.id, by.id, before, pictures.of_closure(closure))
        directory_changed()
    return closure


def remove_closure(closure_id: int, by: Viewer) -> None:
    """Open again: take a closure away."""
    found = find_closure(closure_id)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.facility_id)
    with transaction():
        closure = _locked_closure(found.id)
        before = pictures.of_closure(closure)
        db.session.delete(closure)
        db.session.flush()
        record("removed", "closure", closure_id, by.id, before, {})
        record("closure_removed", "facility", found.facility_id, by.id, before, {})
        directory_changed()


def find_closure(closure_id: int) -> Closure:
    """Return a closure; raise `NotFound` if there is none."""
    closure = db.session.scalar(select(Closure).where(Closure.id == closure_id))
    if closure is None:
        raise NotFound
    return closure


def _locked_closure(closure_id: int) -> Closure:
    rows = lock(Closure, [closure_id])
    if closure_id not in rows:
        raise NotFound
    return rows[closure_id]


def checked_closure(details: ClosureDetails, facility_id: int) -> None:
    """Check a closure; raise `Invalid` naming each field that is wrong."""
    faults = Faults()
    faults.text("name", details.name, 200, "Give the closure a name: everybody sees it.")
    faults.text("reason", details.reason, 1000, lines=True)
    for name, day in (("first_day", details.first_day), ("last_day", details.last_day)):
        faults.add(name, "Give a day." if day is None else None)
        faults.day(name, day)
    if details.first_day and details.last_day and not faults.errors:
        if details.last_day < details.first_day:
            faults.add("last_day", "The last day must not be before the first.")
        elif details.last_day - details.first_day > LONGEST_CLOSURE:
            faults.add(
                "last_day", "A closure is at most two years long: use the lifecycle to close for good."
            )
    if details.room and details.resource:
        faults.add("resource", "Close the room or the resource, not both at once.")
    for name, model in (("room", Room), ("resource", Resource)):
        if getattr(details, name) and _id_of(model, getattr(details, name), facility_id) is None:
            faults.add(name, f"Choose a {name} of this facility.")
    faults.stop()


def _id_of(model: type[Room] | type[Resource], code: str, facility_id: int) -> int | None:
    rows = db.session.execute(select(model.code, model.id).where(model.facility_id == facility_id))
    return {row.code: row.id for row in rows}.get(code)


def _write_closure(closure: Closure, details: ClosureDetails) -> None:
    if details.first_day and details.last_day:
        closure.first_day, closure.last_day = details.first_day, details.last_day
    closure.name = details.name.strip()
    closure.reason = details.reason
    closure.room_id = _id_of(Room, details.room, closure.facility_id) if details.room else None
    closure.resource_id = (
        _id_of(Resource, details.resource, closure.facility_id) if details.resource else None
    )
