"""Training: modules, what I have shown and still need, sessions and my places in them."""

from datetime import date
from typing import Any

from flask import Response
from sqlalchemy import select

from booking.api import schemas, shapes
from booking.api.answers import Answer, send, show
from booking.api.callers import caller
from booking.api.door import PREFIX, door
from booking.api.idempotency import once
from booking.api.paging import Cursor, moment_in, page_in_order, read_cursor, write_cursor
from booking.base.db import db
from booking.base.errors import NotFound
from booking.bookings.checklist import Checklist, Item, checklists
from booking.facilities.queries import places
from booking.people.models import Project
from booking.people.viewer import Viewer
from booking.training.listing import Listed, session_as_seen, sessions_to_come
from booking.training.queries import all_modules, competences_of, firsts, permits_of, requirements
from booking.training.sessions import leave_place, take_place

PLACES = "/training/sessions/<int(max=2147483647):session_id>/places"


@door.operation("GET", "/training/modules", tag="Training", shows=schemas.page_of(schemas.ModuleShown))
@door.arguments(schemas.Paged, location="query")
def list_modules(asked: dict[str, Any]) -> Response:
    """List modules, with what comes before each and which resources ask for it"""
    catalogue = places()
    modules, before = all_modules(), firsts()
    codes = {module.id: module.code for module in modules}
    asking: dict[int, list[str]] = {}
    for resource_id, wanted in requirements(catalogue).modules.items():
        for one in wanted:
            if resource_id in catalogue.resources:
                asking.setdefault(one.id, []).append(catalogue.resources[resource_id].code)
    bodies = [
        {
            "code": module.code,
            "title": module.title,
            "mode": module.mode,
            "minutes": module.minutes,
            "valid_months": module.valid_months,
            "lapse_months": module.lapse_months,
            "assessed": module.assessed,
            "first": [codes[key] for key in before.get(module.id, ())],
            "resources": sorted(asking.get(module.id, ())),
        }
        for module in modules
    ]
    return show(page_in_order(bodies, asked["limit"], read_cursor(asked.get("cursor"), (int,))))


@door.operation("GET", "/training/mine", tag="Training", shows=schemas.MyTraining)
def show_my_training() -> Response:
    """What I have shown, what I and my projects are permitted, and what I still need for each resource"""
    viewer = caller()
    codes = dict(db.session.execute(select(Project.id, Project.code)).all())
    mine = [one for one in places().resources.values() if one.is_for(viewer.role)]
    return show(
        {
            "competences": [
                {
                    "module": module.code,
                    "title": module.title,
                    "level": held.level,
                    "awarded_on": held.awarded_on.isoformat(),
                    "valid_through": _day(held.valid_through),
                }
                for held, module in competences_of(viewer.id)
            ],
            "permits": [
                {
                    "reference": permit.reference,
                    "kind": permit.kind,
                    "project": codes.get(permit.project_id) if permit.project_id else None,
                    "valid_from": permit.valid_from.isoformat(),
                    "valid_through": permit.valid_through.isoformat(),
                }
                for permit in permits_of(viewer.id, viewer.projects)
            ],
            "needs": [_checklist(one) for one in checklists(viewer, mine) if one.items],
        }
    )


def _checklist(one: Checklist) -> shapes.Json:
    return {
        "resource": one.resource.code,
        "lacking": len(one.lacking),
        "items": [_item(item) for item in one.items],
    }


def _item(item: Item) -> shapes.Json:
    return {
        "what": item.what,
        "state": item.state,
        "note": item.note,
        "valid_through": _day(item.through),
        "first": list(item.before),
        "set_by": item.set_by,
        "session": item.session.id if item.session else None,
    }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


@door.operation("GET", "/training/sessions", tag="Training", shows=schemas.page_of(schemas.SessionShown))
@door.arguments(schemas.Paged, location="query")
def list_sessions(asked: dict[str, Any]) -> Response:
    """List the sessions to come, soonest first, with the places left"""
    cursor = read_cursor(asked.get("cursor"), (int, int))
    after = (moment_in(cursor.after[0]), cursor.after[1]) if cursor.after else None
    found = sessions_to_come(caller().id, after, asked["limit"] + 1)
    shown = found[: asked["limit"]]
    following = None
    if len(found) > len(shown):
        last = shown[-1].session
        following = write_cursor(Cursor((int(last.starts_at.timestamp()), last.id)))
    return show({"items": [_session(one) for one in shown], "next": following})


@door.operation("POST", PLACES, tag="Training", shows=schemas.SessionShown, status=201, said="Taken")
def take_a_place(session_id: int) -> Response:
    """Take a place in a session for myself; may be repeated"""
    viewer = caller()

    def act() -> Answer:
        take_place(session_id, viewer)
        return Answer(_seen(session_id, viewer), 201, location=f"{PREFIX}/training/sessions")

    return once(viewer, act)


@door.operation("DELETE", PLACES, tag="Training", shows=schemas.SessionShown)
def leave_a_place(session_id: int) -> Response:
    """Give my place in a session back; may be repeated"""
    viewer = caller()
    leave_place(session_id, viewer)
    return send(Answer(_seen(session_id, viewer)))


def _seen(session_id: int, viewer: Viewer) -> shapes.Json:
    listed = session_as_seen(session_id, viewer.id)
    if listed is None:
        raise NotFound
    return _session(listed)


def _session(listed: Listed) -> shapes.Json:
    session = listed.session
    facility = places().facilities[session.facility_id]
    return {
        "id": session.id,
        "module": {"code": listed.module.code, "name": listed.module.title},
        "facility": facility.code,
        "timezone": facility.timezone,
        "start": shapes.moment(session.starts_at),
        "end": shapes.moment(session.ends_at),
        "trainer": listed.trainer,
        "place": session.place,
        "note": session.note,
        "places": session.places,
        "left": listed.left,
        "mine": listed.mine is not None,
        "outcome": listed.mine.outcome if listed.mine else None,
        "cancelled": session.cancelled_at is not None,
    }
