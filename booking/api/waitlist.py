"""The waiting list: what I wait for, join and leave it, and accept what is offered."""

from datetime import timedelta
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from booking.api import schemas, shapes
from booking.api.answers import Answer, send, show
from booking.api.callers import caller
from booking.api.door import PREFIX, door
from booking.api.idempotency import once
from booking.api.paging import page_in_order, read_cursor
from booking.api.reading import QueryFlag
from booking.api.slots import Search, options_of
from booking.bookings.queries import detail
from booking.bookings.request import BookingRequest, Wanted
from booking.bookings.waitlist import accept, join, leave
from booking.bookings.waitlist_models import STATES
from booking.bookings.waitlist_queries import Waiting, find_wait, my_waits, search_for, waits_at

ONE = "/waitlist/<string(length=16):wait_id>"


class NewWait(Search):
    """What is waited for: as in a search of slots, and what the booking would be."""

    class Meta:
        exclude = ("limit",)

    title = schemas.NewBooking._declared_fields["title"]
    notes = schemas.NewBooking._declared_fields["notes"]


class WaitFilter(schemas.Paged):
    everybody = QueryFlag(
        load_default=False, metadata=schemas.told("for staff: all who wait at their facilities, in order")
    )


class ChoiceShown(Schema):
    any_of = fields.List(fields.String(), required=True)
    units = fields.Integer(required=True)


class OfferShown(Schema):
    booking = fields.String(required=True)
    start = fields.DateTime(required=True)
    end = fields.DateTime(required=True)
    resources = fields.List(fields.Nested(schemas.UnitsTaken), required=True)
    until = fields.DateTime(required=True)


class WaitShown(Schema):
    """A place on the waiting list; `offer` is what is held for its owner until they accept it."""

    id = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": list(STATES)})
    title = fields.String(required=True)
    resources = fields.List(fields.Nested(ChoiceShown), required=True)
    duration_minutes = fields.Integer(required=True)
    earliest = fields.DateTime(required=True)
    latest = fields.DateTime(required=True)
    people = fields.Integer(required=True)
    project = fields.String(required=True, allow_none=True)
    ahead = fields.Integer(required=True, allow_none=True)
    offer = fields.Nested(OfferShown, required=True, allow_none=True)
    booking = fields.String(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


@door.operation("GET", "/waitlist", tag="Waiting list", shows=schemas.page_of(WaitShown))
@door.arguments(WaitFilter, location="query")
def list_waits(asked: dict[str, Any]) -> Response:
    """List what I wait for: what is open first, the newest first"""
    found = (waits_at if asked["everybody"] else my_waits)(caller())
    cursor = read_cursor(asked.get("cursor"), (int,))
    return show(page_in_order([shown(one) for one in found], asked["limit"], cursor))


@door.operation("POST", "/waitlist", tag="Waiting list", shows=WaitShown, status=201, said="On the list")
@door.arguments(NewWait)
def join_waitlist(body: dict[str, Any]) -> Response:
    """Wait for time that others hold: what becomes free is offered in the order in which people joined"""
    options = tuple(options_of(one) for one in body["resources"])
    length = timedelta(minutes=body["duration_minutes"])
    wanted = BookingRequest(
        starts_at=body["earliest"],
        ends_at=body["earliest"] + length,
        resources=first_choices(options),
        title=body["title"],
        project=body.get("project"),
        people=body["people"],
        participants=tuple(body.get("participants", ())),
        supervisor=body.get("supervisor"),
        notes=body.get("notes", ""),
    )
    search = search_for(options, length, body["earliest"], body["latest"], wanted)
    viewer = caller()
    return once(viewer, lambda: answer_of(join(search, wanted, viewer).public_id, 201))


@door.operation("GET", ONE, tag="Waiting list", shows=WaitShown)
def show_wait(wait_id: str) -> Response:
    """Show a place of mine on the list"""
    return send(answer_of(wait_id))


@door.operation("DELETE", ONE, tag="Waiting list", shows=WaitShown)
def leave_waitlist(wait_id: str) -> Response:
    """Give up my place, and the offer if there is one; may be repeated"""
    leave(wait_id, caller())
    return send(answer_of(wait_id))


@door.operation("POST", f"{ONE}/accept", tag="Waiting list", shows=schemas.BookingShown)
def accept_offer(wait_id: str) -> Response:
    """Take what is offered: it becomes a booking, or a request where a resource needs approval"""
    viewer = caller()
    find_wait(wait_id, viewer)

    def act() -> Answer:
        booking = accept(wait_id, viewer)
        return Answer(shapes.booking(detail(booking, viewer)), version=booking.version)

    return once(viewer, act)


# --- steps -----------------------------------------------------------------------------------------


def first_choices(options: tuple[tuple[Wanted, ...], ...]) -> tuple[Wanted, ...]:
    """Return the first of each choice, each resource once."""
    return tuple({choice[0].code: choice[0] for choice in options}.values())


def answer_of(wait_id: str, status: int = 200) -> Answer:
    """Return a place on the list as its owner sees it."""
    body = shown(find_wait(wait_id, caller()))
    return Answer(body, status, location=f"{PREFIX}/waitlist/{wait_id}" if status == 201 else None)


def shown(one: Waiting) -> shapes.Json:
    """Return a place on the list as JSON."""
    wait = one.wait
    return {
        "id": wait.public_id,
        "status": wait.status,
        "title": one.request.title,
        "resources": [
            {"any_of": [option.code for option in choice], "units": choice[0].units} for choice in one.options
        ],
        "duration_minutes": wait.minutes,
        "earliest": shapes.moment(wait.earliest),
        "latest": shapes.moment(wait.latest),
        "people": one.request.people,
        "project": one.request.project,
        "ahead": one.ahead,
        "offer": _offer(one) if wait.status == "offered" else None,
        "booking": one.offer.booking.public_id if one.offer and wait.status == "booked" else None,
        "created_at": shapes.moment(wait.created_at),
    }


def _offer(one: Waiting) -> shapes.Json | None:
    if one.offer is None or one.offer.booking.offered_until is None:
        return None
    booking = one.offer.booking
    return {
        "booking": booking.public_id,
        "start": shapes.moment(booking.starts_at),
        "end": shapes.moment(booking.ends_at),
        "resources": [{"code": resource.code, "units": units} for resource, units, _ in one.offer.resources],
        "until": shapes.moment(one.offer.booking.offered_until),
    }
