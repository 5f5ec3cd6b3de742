"""Who I am, and what there is to book: facilities, rooms, resources and when they are free."""

from datetime import date, datetime, timedelta
from typing import Any

from flask import Response
from sqlalchemy import select

from booking.api import schemas, shapes
from booking.api.answers import show
from booking.api.callers import caller
from booking.api.door import door
from booking.api.paging import page_in_order, read_cursor
from booking.base import clock
from booking.base.db import db
from booking.base.errors import Invalid, NotFound
from booking.base.period import MAX_MOMENT, MIN_MOMENT, Period
from booking.bookings.opening import open_to
from booking.bookings.queries import blocks
from booking.bookings.quotas_now import quotas_now
from booking.facilities.places import (
    FacilityPlace,
    Places,
    ResourcePlace,
    RoomPlace,
)
from booking.facilities.queries import places
from booking.people.models import Organisation, Project
from booking.people.viewer import Viewer
from booking.training.queries import requirements

LONGEST_WINDOW = timedelta(days=400)


# --- me --------------------------------------------------------------------------------------------


@door.operation("GET", "/me", tag="People", shows=schemas.Me)
def show_me() -> Response:
    """Who I am: role, duties, organisation, projects and quotas"""
    viewer, catalogue = caller(), places()
    projects = db.session.scalars(
        select(Project).where(Project.id.in_(viewer.projects), Project.active).order_by(Project.code)
    ).all()
    return show(
        {
            "id": viewer.public_id,
            "name": viewer.name,
            "email": viewer.email,
            "role": viewer.role,
            "duties": _duties(viewer, catalogue, projects),
            "organisation": {"code": viewer.organisation_code, "name": viewer.organisation_name},
            "projects": [shapes.named(project) for project in projects],
            "facilities": [shapes.named(facility) for facility in catalogue.facilities.values()],
            "quotas": [shapes.quota(one) for one in quotas_now(viewer)],
        }
    )


def _duties(viewer: Viewer, catalogue: Places, projects: Any) -> list[shapes.Json]:
    looked_after = select(Organisation.code).where(Organisation.id.in_(viewer.coordinates))
    return [
        *({"duty": duty, "facility": catalogue.facilities[place].code} for duty, place in viewer.duties),
        *({"duty": "coordinator", "organisation": code} for code in db.session.scalars(looked_after)),
        *({"duty": "group_lead", "project": one.code} for one in projects if one.id in viewer.leads),
    ]


# --- the catalogue ---------------------------------------------------------------------------------


@door.operation("GET", "/facilities", tag="Catalogue", shows=schemas.page_of(schemas.FacilityShown))
@door.arguments(schemas.Paged, location="query")
def list_facilities(asked: dict[str, Any]) -> Response:
    """List facilities"""
    return _page([shapes.facility(one, today(one)) for one in places().facilities.values()], asked)


@door.operation("GET", "/facilities/<code>", tag="Catalogue", shows=schemas.FacilityInFull)
def show_facility(code: str) -> Response:
    """Show a facility with its rooms, hours, closures and lifecycle"""
    catalogue = places()
    found = catalogue.facility(code)
    if found is None:
        raise NotFound
    return show(shapes.facility_in_full(found, catalogue, today(found), caller().staffs(found.id)))


@door.operation("GET", "/rooms", tag="Catalogue", shows=schemas.page_of(schemas.RoomShown))
@door.arguments(schemas.RoomFilter, location="query")
def list_rooms(asked: dict[str, Any]) -> Response:
    """List rooms"""
    catalogue = places()
    facility, _, _ = find_places(catalogue, asked)
    rooms = [r for r in catalogue.rooms.values() if facility is None or r.facility_id == facility.id]
    return _page([shapes.room(one, catalogue) for one in rooms], asked)


@door.operation("GET", "/resources", tag="Catalogue", shows=schemas.page_of(schemas.ResourceShown))
@door.arguments(schemas.ResourceFilter, location="query")
def list_resources(asked: dict[str, Any]) -> Response:
    """List resources"""
    catalogue = places()
    facility, room, _ = find_places(catalogue, asked)
    found = catalogue.resources_of(
        facility.id if facility else None, room.id if room else None, asked.get("kind"), asked["q"]
    )
    return _page([shapes.resource(one, today(one.facility)) for one in found], asked)


@door.operation("GET", "/resources/<code>", tag="Catalogue", shows=schemas.ResourceInFull)
def show_resource(code: str) -> Response:
    """Show a resource with the rules that hold for me and where each comes from"""
    catalogue, viewer = places(), caller()
    found = _resource(catalogue, code)
    day, as_staff = today(found.facility), viewer.staffs(found.facility.id)
    asked = requirements(catalogue)
    shown = shapes.resource_in_full(found, catalogue, asked, viewer.role, day, as_staff)
    shown["rules"] += shapes.rules_of_quotas(found, quotas_now(viewer, [found]))
    return show(shown)


@door.operation("GET", "/resources/<code>/availability", tag="Catalogue", shows=schemas.Availability)
@door.arguments(schemas.Window, location="query")
def show_availability(asked: dict[str, Any], code: str) -> Response:
    """Show when a resource is open to me and when it is taken, by default for the next 14 days"""
    viewer, found = caller(), _resource(places(), code)
    now = clock.now().replace(microsecond=0)
    window = window_of(asked, now, now + timedelta(days=14))
    spans = open_to(viewer, found, window)
    return show(
        {
            "open": [[shapes.moment(span.start), shapes.moment(span.end)] for span in spans],
            "busy": sorted(
                (shapes.stretch(block) for block in blocks(viewer, [found.id], window)),
                key=lambda one: (one["start"], one["end"]),
            ),
            "units": len(found.units),
            "timezone": found.facility.timezone,
        }
    )


def _page(bodies: list[shapes.Json], asked: dict[str, Any]) -> Response:
    return show(page_in_order(bodies, asked["limit"], read_cursor(asked.get("cursor"), (int,))))


def _resource(catalogue: Places, code: str) -> ResourcePlace:
    found = catalogue.by_code.get(code)
    if found is None:
        raise NotFound
    return found


def today(facility: FacilityPlace) -> date:
    return clock.now().astimezone(facility.tz).date()


def find_places(
    catalogue: Places, asked: dict[str, Any]
) -> tuple[FacilityPlace | None, RoomPlace | None, ResourcePlace | None]:
    """Find the facility, room and resource that a list is filtered by; raise `Invalid` for unknown codes."""
    found = {
        "facility": catalogue.facility(asked["facility"]) if "facility" in asked else None,
        "room": catalogue.room(asked["room"]) if "room" in asked else None,
        "resource": catalogue.by_code.get(asked["resource"]) if "resource" in asked else None,
    }
    errors = {
        name: [f"There is no {name} {asked[name]!r}."]
        for name, place in found.items()
        if name in asked and place is None
    }
    if errors:
        raise Invalid(errors)
    return found["facility"], found["room"], found["resource"]  # type: ignore[return-value]


def window_of(asked: dict[str, Any], start: datetime, end: datetime) -> Period:
    """Return the window asked for, or the part of the given one that was left open."""
    length = end - start
    if "start" in asked:
        start, end = asked["start"], asked.get("end", min(asked["start"] + length, MAX_MOMENT))
    elif "end" in asked:
        start, end = max(min(start, asked["end"] - length), MIN_MOMENT), asked["end"]
    if end <= start:
        raise Invalid({"end": ["The end must be after the start."]})
    if end - start > LONGEST_WINDOW:
        raise Invalid({"end": [f"Ask for at most {LONGEST_WINDOW.days} days at once."]})
    return Period(start, end)
