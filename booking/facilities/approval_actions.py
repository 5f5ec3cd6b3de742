"""What facility managers do: say when bookings need approval and by whom, and who owns a resource."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from booking.base.db import db, lock, transaction
from booking.base.edits import Faults, must_be_as_read, record, storable
from booking.base.errors import NotFound
from booking.facilities.actions import directory_changed, facility_named, find_resource
from booking.facilities.models import DECIDERS, KINDS, ApprovalRule, Resource, ResourceOwner
from booking.people.models import ROLES, User
from booking.people.permissions import Permission, must_be_able_to
from booking.people.viewer import Viewer

LONGEST = 365 * 24 * 60
MOST_DAYS = 20
MAX_OWNERS = 20


@dataclass(frozen=True)
class ApprovalDetails:
    """When bookings at a facility need approval, and who gives it; kind, resource and role narrow it down."""

    facility: str
    name: str
    set_by: str
    kind: str = ""
    resource: str = ""
    role: str = ""
    longer_than_minutes: int | None = None
    outside_hours: bool = False
    first: str = "staff"
    second: str = ""
    own: bool = False
    answer_days: int | None = 2


def add_approval_rule(details: ApprovalDetails, by: Viewer) -> ApprovalRule:
    """Let bookings need approval from now on; those that exist stay as they are."""
    facility = facility_named(details.facility)
    must_be_able_to(by, Permission.CHANGE_FACILITY, facility.id)
    resource = _checked(details, facility.id)
    with transaction():
        rule = ApprovalRule(facility_id=facility.id)
        _write(rule, details, resource)
        db.session.add(rule)
        db.session.flush()
        record("added", "approval_rule", rule.id, by.id, {}, picture(rule))
        directory_changed()
    return rule


def change_approval_rule(
    rule_id: int, details: ApprovalDetails, by: Viewer, as_read: str | None = None
) -> ApprovalRule:
    """Change a rule; its facility stays, and requests that wait keep the steps that they have."""
    found = find_approval_rule(rule_id)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.facility_id)
    resource = _checked(details, found.facility_id)
    with transaction():
        rule = _locked(found.id)
        before = picture(rule)
        must_be_as_read(before, as_read)
        _write(rule, details, resource)
        db.session.flush()
        record("changed", "approval_rule", rule.id, by.id, before, picture(rule))
        directory_changed()
    return rule


def remove_approval_rule(rule_id: int, by: Viewer) -> None:
    """Take a rule away; requests that wait because of it wait on."""
    found = find_approval_rule(rule_id)
    must_be_able_to(by, Permission.CHANGE_FACILITY, found.facility_id)
    with transaction():
        rule = _locked(found.id)
        before = picture(rule)
        db.session.delete(rule)
        db.session.flush()
        record("removed", "approval_rule", rule_id, by.id, before, {})
        directory_changed()


def find_approval_rule(rule_id: int) -> ApprovalRule:
    """Return a rule; raise `NotFound` if there is none."""
    rule = db.session.get(ApprovalRule, rule_id, populate_existing=True)
    if rule is None:
        raise NotFound
    return rule


def approval_rules() -> list[ApprovalRule]:
    """List every rule, by facility and name."""
    return list(
        db.session.scalars(
            select(ApprovalRule).order_by(ApprovalRule.facility_id, ApprovalRule.name, ApprovalRule.id)
        )
    )


def picture(rule: ApprovalRule) -> dict[str, Any]:
    """Return a rule as its history and its form keep it."""
    resource = db.session.get(Resource, rule.resource_id) if rule.resource_id else None
    names = ("name", "set_by", "longer_than_minutes", "outside_hours", "first", "own", "answer_days")
    scope = {"kind": rule.kind or "", "resource": resource.code if resource else "", "role": rule.role or ""}
    return {name: getattr(rule, name) for name in names} | scope | {"second": rule.second or ""}


def _locked(rule_id: int) -> ApprovalRule:
    rows = lock(ApprovalRule, [rule_id])
    if rule_id not in rows:
        raise NotFound
    return rows[rule_id]


def _checked(details: ApprovalDetails, facility_id: int) -> Resource | None:
    faults = Faults()
    faults.text("name", details.name, 200, "Give the rule a name: people are told why they have to ask.")
    faults.text("set_by", details.set_by, 200, "Say who set it: people are told whom to ask about it.")
    faults.choice("kind", details.kind or None, (None, *KINDS))
    faults.choice("role", details.role or None, (None, *ROLES))
    faults.choice("first", details.first, DECIDERS)
    faults.choice("second", details.second or None, (None, *DECIDERS))
    if details.second == details.first:
        faults.add("second", "Choose somebody else than in the first step.")
    faults.add("answer_days", "Give a number of working days." if details.answer_days is None else None)
    faults.number("answer_days", details.answer_days, 1, MOST_DAYS)
    if details.longer_than_minutes is not None and not 0 < details.longer_than_minutes <= LONGEST:
        faults.add("longer_than_minutes", "Give a length of at most a year, or leave it empty.")
    resource = _resource(details, facility_id, faults)
    faults.stop()
    return resource


def _resource(details: ApprovalDetails, facility_id: int, faults: Faults) -> Resource | None:
    if not details.resource:
        return None
    if details.kind:
        faults.add("resource", "A rule is for one kind or for one resource, not for both.")
    query = select(Resource).where(Resource.code == details.resource, Resource.facility_id == facility_id)
    resource = db.session.scalar(query) if storable(details.resource) else None
    faults.add("resource", "Choose a resource of this facility." if resource is None else None)
    return resource


def _write(rule: ApprovalRule, details: ApprovalDetails, resource: Resource | None) -> None:
    rule.name, rule.set_by = details.name.strip(), details.set_by.strip()
    rule.kind, rule.role = details.kind or None, details.role or None
    rule.resource_id = resource.id if resource else None
    rule.longer_than_minutes, rule.outside_hours = details.longer_than_minutes, details.outside_hours
    rule.first, rule.second, rule.own = details.first, details.second or None, details.own
    rule.answer_days = details.answer_days or 1


# --- owners ----------------------------------------------------------------------------------------


def set_owners(code: str, emails: Sequence[str], by: Viewer, as_read: str | None = None) -> None:
    """Say who answers for a resource."""
    resource = find_resource(code)
    must_be_able_to(by, Permission.CHANGE_FACILITY, resource.facility_id)
    people = _named(emails)
    with transaction():
        lock(Resource, [resource.id])
        before = owners_of(resource.id)
        must_be_as_read({"owners": before}, as_read)
        db.session.execute(delete(ResourceOwner).where(ResourceOwner.resource_id == resource.id))
        db.session.add_all(ResourceOwner(resource_id=resource.id, user_id=user) for user in people)
        db.session.flush()
        after = {"owners": owners_of(resource.id)}
        record("owners_changed", "resource", resource.id, by.id, {"owners": before}, after)
        directory_changed()


def owners_of(resource_id: int) -> list[str]:
    """List the owners of a resource by their addresses."""
    query = select(User.email).join(ResourceOwner, ResourceOwner.user_id == User.id)
    return list(
        db.session.scalars(query.where(ResourceOwner.resource_id == resource_id).order_by(User.email))
    )


def _named(emails: Sequence[str]) -> list[int]:
    wanted = sorted({email.strip().casefold() for email in emails if email.strip()})
    faults = Faults()
    if len(wanted) > MAX_OWNERS:
        faults.add("owners", f"At most {MAX_OWNERS} people can own a resource.")
    query = select(User.email, User.id).where(User.email.in_([email for email in wanted if storable(email)]))
    known = {row.email: row.id for row in db.session.execute(query.where(User.active))}
    for email in wanted:
        if email not in known:
            faults.add("owners", f"Nobody has an account with the address {email[:80]!a}.")
    faults.stop()
    return [known[email] for email in wanted]
