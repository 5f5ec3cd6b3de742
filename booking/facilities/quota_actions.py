"""What staff do with quotas. Bookings that a new or smaller quota would refuse stay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from booking.base.db import db, lock, transaction
from booking.base.edits import Faults, flush_unique, must_be_as_read, record, storable
from booking.base.errors import NotFound
from booking.facilities.actions import directory_changed, facility_named
from booking.facilities.models import KINDS, RUNNING, SHARED_BY, SPANS, Facility, Quota, Resource
from booking.people.models import ROLES, Organisation, Project
from booking.people.permissions import Permission, must_be_able_to
from booking.people.viewer import Viewer

MOST_MINUTES = 366 * 24 * 60 * 100
MOST_BOOKINGS = 100_000
TAKEN = "Another quota of this facility has this name."


@dataclass(frozen=True)
class QuotaDetails:
    """A quota: of what, for whom, shared by whom, and how many minutes or bookings in which span."""

    name: str
    set_by: str
    facility: str
    span: str
    minutes: int | None = None
    bookings: int | None = None
    kind: str | None = None
    running: str | None = None
    resource: str | None = None
    each_resource: bool = False
    role: str | None = None
    project: str | None = None
    organisation: str | None = None
    shared_by: str = "user"
    prime: bool = False


def add_quota(details: QuotaDetails, by: Viewer) -> Quota:
    """Add a quota to a facility, to one of its kinds or to one of its resources."""
    facility = facility_named(details.facility)
    must_be_able_to(by, Permission.CHANGE_FACILITY, facility.id)
    values = _checked(details, facility.id)
    with transaction():
        quota = Quota(facility_id=facility.id, **values)
        db.session.add(quota)
        flush_unique("name", TAKEN)
        record("added", "quota", quota.id, by.id, {}, picture(quota))
        directory_changed()
    return quota


def change_quota(quota_id: int, details: QuotaDetails, by: Viewer, as_read: str | None = None) -> Quota:
    """Change a quota; its facility stays."""
    found = find_quota(quota_id)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.facility_id)
    values = _checked(details, found.facility_id)
    with transaction():
        quota = _locked(found.id)
        before = picture(quota)
        must_be_as_read(before, as_read)
        for name, value in values.items():
            setattr(quota, name, value)
        flush_unique("name", TAKEN)
        record("changed", "quota", quota.id, by.id, before, picture(quota))
        directory_changed()
    return quota


def remove_quota(quota_id: int, by: Viewer) -> None:
    """Take a quota away: what it counted is free again."""
    found = find_quota(quota_id)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.facility_id)
    with transaction():
        quota = _locked(found.id)
        before = picture(quota)
        db.session.delete(quota)
        db.session.flush()
        record("removed", "quota", quota_id, by.id, before, {})
        record("quota_removed", "facility", found.facility_id, by.id, before, {})
        directory_changed()


def find_quota(quota_id: int) -> Quota:
    """Return a quota; raise `NotFound` if there is none."""
    quota = db.session.scalar(select(Quota).where(Quota.id == quota_id))
    if quota is None:
        raise NotFound
    return quota


def _locked(quota_id: int) -> Quota:
    rows = lock(Quota, [quota_id])
    if quota_id not in rows:
        raise NotFound
    return rows[quota_id]


def picture(quota: Quota) -> dict[str, Any]:
    """Return a quota as its history and its form keep it; what is any or not set is left out."""
    resource = db.session.get(Resource, quota.resource_id) if quota.resource_id else None
    project = db.session.get(Project, quota.project_id) if quota.project_id else None
    organisation = db.session.get(Organisation, quota.organisation_id) if quota.organisation_id else None
    named = {"resource": resource, "project": project, "organisation": organisation}
    kept = ("name", "set_by", "kind", "running", "each_resource", "role", "shared_by", "prime", "span")
    found = {name: getattr(quota, name) for name in (*kept, "minutes", "bookings")}
    found |= {name: row.code for name, row in named.items() if row is not None}
    found["facility"] = db.session.get_one(Facility, quota.facility_id).code
    return {name: value for name, value in found.items() if value is not None}


def _checked(details: QuotaDetails, facility_id: int) -> Mapping[str, Any]:
    """Check a quota; return the values of its columns, or raise `Invalid` naming each wrong field."""
    faults = Faults()
    faults.text("name", details.name, 200, "Give the quota a name: people see it when it refuses them.")
    faults.text("set_by", details.set_by, 200, "Say who set it: people are told whom to ask.")
    faults.choice("kind", details.kind, (None, *KINDS))
    faults.choice("running", details.running, (None, *RUNNING))
    faults.choice("role", details.role, (None, *ROLES))
    faults.choice("shared_by", details.shared_by, SHARED_BY)
    faults.choice("span", details.span, SPANS)
    _check_amount(details, faults)
    resource_id = _key(Resource, "resource", details.resource, faults, Resource.facility_id == facility_id)
    if resource_id and (details.kind or details.running):
        faults.add("resource", "A quota is for one resource, or for all of a kind: not for both.")
    project_id = _key(Project, "project", details.project, faults)
    organisation_id = _key(Organisation, "organisation", details.organisation, faults)
    faults.stop()
    same = ("kind", "running", "each_resource", "role", "shared_by", "prime", "span", "minutes", "bookings")
    return {
        **{name: getattr(details, name) for name in same},
        "name": details.name.strip(),
        "set_by": details.set_by.strip(),
        "resource_id": resource_id,
        "project_id": project_id,
        "organisation_id": organisation_id,
    }


def _check_amount(details: QuotaDetails, faults: Faults) -> None:
    if (details.minutes is None) == (details.bookings is None):
        faults.add("minutes", "Give either hours or a number of bookings.")
    if details.minutes is not None and not 0 <= details.minutes <= MOST_MINUTES:
        faults.add("minutes", "Give a length such as 5 h; 0 min allows none.")
    faults.number("bookings", details.bookings, 0, MOST_BOOKINGS)


def _key(
    model: type[Resource] | type[Project] | type[Organisation],
    field: str,
    code: str | None,
    faults: Faults,
    *among: Any,
) -> int | None:
    """Return the key of what is named, or None with a fault if there is no such thing."""
    if not code:
        return None
    known = select(model.id).where(model.code == code, *among)
    key = db.session.scalar(known) if storable(code) else None
    faults.add(field, f"There is no {field} {code[:40]!r} here." if key is None else None)
    return key
