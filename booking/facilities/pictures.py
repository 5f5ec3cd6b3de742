"""What history keeps of facilities, resources and rules: plain values, with the names that people use."""

from typing import Any

from sqlalchemy import select

from booking.base.db import db
from booking.facilities.models import (
    Banner,
    Closure,
    Duty,
    Facility,
    LifecycleStep,
    OpeningHours,
    Policy,
    Resource,
    Room,
    Substitute,
    Unit,
)
from booking.facilities.places import POLICY_DEFAULTS


def of_facility(facility: Facility) -> dict[str, Any]:
    """Return what is said of a facility as such."""
    names = ("code", "name", "timezone", "holidays", "description", "position", "most_supervised")
    return {name: getattr(facility, name) for name in names}


def of_hours(facility_id: int) -> dict[str, Any]:
    """Return a facility's hours: `staffed_0` is Monday's staffed hours, as text."""
    query = select(OpeningHours).where(OpeningHours.facility_id == facility_id)
    picture: dict[str, str] = {}
    for row in db.session.scalars(query.order_by(OpeningHours.weekday, OpeningHours.opens)):
        name = f"{row.hours}_{row.weekday}"
        span = f"{row.opens:%H:%M}-{row.closes:%H:%M}"
        picture[name] = f"{picture[name]}, {span}" if name in picture else span
    return picture


def of_steps(facility_id: int | None = None, resource_id: int | None = None) -> dict[str, Any]:
    """Return the steps of a lifecycle: state → first day."""
    owner = (
        LifecycleStep.facility_id == facility_id
        if resource_id is None
        else LifecycleStep.resource_id == resource_id
    )
    rows = db.session.scalars(select(LifecycleStep).where(owner).order_by(LifecycleStep.starts_on))
    return {row.state: row.starts_on for row in rows}


def of_room(room: Room) -> dict[str, Any]:
    """Return what is said of a room."""
    names = (
        "code",
        "name",
        "room_class",
        "max_persons",
        "lone_working",
        "second_competent",
        "accessible",
        "note",
        "position",
    )
    return {name: getattr(room, name) for name in names}


def of_resource(resource: Resource) -> dict[str, Any]:
    """Return what is said of a resource, with the codes of its room and twins."""
    names = (
        "code",
        "name",
        "kind",
        "model_class",
        "unit_name",
        "running",
        "approval",
        "needs",
        "long_stay",
        "outlook",
        "description",
        "position",
    )
    picture = {name: getattr(resource, name) for name in names}
    twins = select(Resource.code).join(Substitute, Substitute.twin_id == Resource.id)
    twins = twins.where(Substitute.resource_id == resource.id).order_by(Resource.code)
    room = db.session.get(Room, resource.room_id) if resource.room_id else None
    return picture | {"room": room.code if room else "", "twins": list(db.session.scalars(twins))}


def of_units(resource_id: int) -> dict[str, Any]:
    """Return the names of a resource's units by number, with whether each is in use."""
    rows = db.session.scalars(select(Unit).where(Unit.resource_id == resource_id).order_by(Unit.number))
    return {f"unit {row.number}": row.name if row.active else f"{row.name} (retired)" for row in rows}


def of_policy(policy: Policy) -> dict[str, Any]:
    """Return a policy's scope and what it says; what it does not say is left out."""
    says = {name: getattr(policy, name) for name in POLICY_DEFAULTS}
    resource = db.session.get(Resource, policy.resource_id) if policy.resource_id else None
    picture = {
        "name": policy.name,
        "set_by": policy.set_by,
        "facility": db.session.get_one(Facility, policy.facility_id).code,
        "kind": policy.kind,
        "resource": resource.code if resource else None,
        "role": policy.role,
        **says,
    }
    return {name: value for name, value in picture.items() if value is not None}


def of_banner(banner: Banner) -> dict[str, Any]:
    """Return what a notice says, where and when."""
    room = db.session.get(Room, banner.room_id) if banner.room_id else None
    days = {"first_day": banner.first_day, "last_day": banner.last_day}
    return {"text": banner.text, "room": room.code if room else "", **days}


def of_closure(closure: Closure) -> dict[str, Any]:
    """Return what is closed, when and why."""
    room = db.session.get(Room, closure.room_id) if closure.room_id else None
    resource = db.session.get(Resource, closure.resource_id) if closure.resource_id else None
    return {
        "facility": db.session.get_one(Facility, closure.facility_id).code,
        "room": room.code if room else "",
        "resource": resource.code if resource else "",
        "name": closure.name,
        "reason": closure.reason,
        "first_day": closure.first_day,
        "last_day": closure.last_day,
    }


def of_duties(user_id: int) -> dict[str, Any]:
    """Return somebody's duties: facility's code → duties."""
    query = select(Facility.code, Duty.duty).join(Duty, Duty.facility_id == Facility.id)
    picture: dict[str, list[str]] = {}
    rows = db.session.execute(query.where(Duty.user_id == user_id).order_by(Facility.code, Duty.duty))
    for code, duty in rows:
        picture.setdefault(code, []).append(duty)
    return picture
