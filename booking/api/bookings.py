"""Bookings: list, make, try out, show, change, cancel, and answer requests."""

import hashlib
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask import Response

from booking.api import schemas, shapes
from booking.api.answers import Answer, send, show, show_list, version_wanted
from booking.api.callers import caller
from booking.api.catalogue import find_places, window_of
from booking.api.door import PREFIX, door
from booking.api.idempotency import given_key, once
from booking.api.paging import Cursor, moment_in, page, read_cursor
from booking.api.waitlist import WaitShown, answer_of
from booking.base import clock
from booking.base.errors import Busy, Forbidden, Invalid, NotFound, Refused, SlotTaken, Stale, refuse
from booking.base.period import Period
from booking.bookings.actions import (
    advised,
    approve,
    book_and_show,
    check_only,
    decline,
    find,
    find_to_answer,
)
from booking.bookings.explaining import explain
from booking.bookings.models import Booking
from booking.bookings.queries import (
    Detail,
    Search,
    blocks,
    changes_of,
    detail,
    details,
    next_end,
    relation_of,
    request_of,
    search,
)
from booking.bookings.request import BookingRequest, Override
from booking.bookings.series import Judged, Made, Repeat, SeriesClash, book_series, try_series
from booking.bookings.series_changes import cancel_series, change_series
from booking.bookings.visibility import Level, may_change
from booking.bookings.waitlist import join
from booking.bookings.waitlist_queries import exactly
from booking.facilities.places import ResourcePlace
from booking.facilities.queries import places
from booking.people.viewer import Viewer

ONE = "/bookings/<string(length=16):booking_id>"
PAST, AHEAD = timedelta(days=31), timedelta(days=92)
ATTEMPTS = 3
_ID = re.compile(r"[0-9a-f]{16}")


# --- reading ---------------------------------------------------------------------------------------


@door.operation("GET", "/bookings", tag="Bookings", shows=schemas.page_of(schemas.BookingShown))
@door.arguments(schemas.BookingFilter, location="query")
def list_bookings(asked: dict[str, Any]) -> Response:
    """List bookings by start, those that I may not see as busy blocks

    The window is from 31 days ago to 92 days ahead unless `start` and `end` say otherwise, and 400 days
    at most. With `mine`, `project` or `status` there are no busy blocks.
    """
    cursor = read_cursor(asked.get("cursor"), (int, int, str), settles=2)
    window = _window(asked, cursor)
    settled = (int(window.start.timestamp()), int(window.end.timestamp()))

    def make() -> tuple[shapes.Json, datetime | None]:
        found = _bookings(asked, window, cursor)
        rows = [*((_place_of(one), shapes.booking(one)) for one in found), *_busy(asked, window)]
        return page(rows, asked["limit"], Cursor(cursor.after, settled)), next_end(found)

    return show_list(lambda: _state(asked, cursor, settled), make)


def _state(asked: dict[str, Any], cursor: Cursor, settled: tuple[int, int]) -> str:
    """Name the state of a list: what is asked by whom, the catalogue, and all changes of its bookings."""
    catalogue = places()
    chosen = [resource.id for resource in _resources(asked)] or catalogue.resources
    parts = (sorted(asked.items()), cursor, settled, caller().id, catalogue.version, changes_of(chosen))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _window(asked: dict[str, Any], cursor: Cursor) -> Period:
    if cursor.settled:
        start, end = (moment_in(seconds) for seconds in cursor.settled)
        return window_of({"start": start, "end": end}, start, end)
    now = clock.now().replace(second=0, microsecond=0)
    return window_of(asked, now - PAST, now + AHEAD)


def _resources(asked: dict[str, Any]) -> list[ResourcePlace]:
    catalogue = places()
    facility, room, resource = find_places(catalogue, asked)
    found = catalogue.resources_of(facility.id if facility else None, room.id if room else None)
    return [one for one in found if resource is None or one.id == resource.id]


def _bookings(asked: dict[str, Any], window: Period, cursor: Cursor) -> list[Detail]:
    """Return what may be on this page: one more than fits shows that there is another page."""
    facility, room, resource = find_places(places(), asked)
    wanted = Search(
        window=window,
        resource_id=resource.id if resource else None,
        facility_id=facility.id if facility else None,
        room_id=room.id if room else None,
        project=asked.get("project"),
        status=asked.get("status"),
        mine=asked["mine"],
    )
    return search(caller(), wanted, _beyond(cursor), asked["limit"] + 1)


def _place_of(one: Detail) -> tuple[int, int, str]:
    """Return the place of a booking in the order of a list."""
    return int(one.booking.starts_at.timestamp()), 0, one.booking.public_id


def _beyond(cursor: Cursor) -> tuple[datetime, str] | None:
    """Return the place in the order of bookings after which a page begins; blocks come after their equals."""
    if not cursor.after:
        return None
    start, is_block, name = cursor.after
    return moment_in(start), "~" if is_block else name


def _busy(asked: dict[str, Any], window: Period) -> list[tuple[tuple[int, int, str], shapes.Json]]:
    if asked["mine"] or "project" in asked or "status" in asked:
        return []
    catalogue = places()
    hidden = blocks(caller(), [one.id for one in _resources(asked)], window, hidden_only=True)
    rows = []
    for block in hidden:
        body = shapes.busy_block(block, catalogue)
        name = f"{body['resources'][0]['code']} {block.label} {body['end']}"
        rows.append(((int(block.starts_at.timestamp()), 1, name), body))
    return rows


@door.operation("GET", ONE, tag="Bookings", shows=schemas.BookingShown)
def show_booking(booking_id: str) -> Response:
    """Show a booking"""
    return send(_answer(_find(booking_id)))


# --- making ----------------------------------------------------------------------------------------


@door.operation("POST", "/bookings", tag="Bookings", shows=schemas.BookingMade, status=201, said="Booked")
@door.alt_response(202, schema=WaitShown, description="On the waiting list")
@door.arguments(schemas.WantedBooking)
def make_booking(body: dict[str, Any]) -> Response:
    """Make a booking, or a request where a resource needs approval; with `repeat` a series of them"""
    waits = body.pop("waitlist", False)
    wanted, repeat, viewer = _request(body), _repeat(body), caller()
    if repeat is not None:
        return once(viewer, lambda: _series(book_series(wanted, repeat, viewer)))
    with advised(wanted, viewer):
        try:
            return once(viewer, lambda: _shown(book_and_show(wanted, viewer), 201))
        except SlotTaken:
            if not waits or wanted.on_behalf_of:
                raise
        return once(viewer, lambda: _waits_for(wanted, viewer))


def _waits_for(wanted: BookingRequest, viewer: Viewer) -> Answer:
    return replace(answer_of(join(exactly(wanted), wanted, viewer).public_id, 201), status=202)


@door.operation("POST", "/bookings/check", tag="Bookings", shows=schemas.CheckShown)
@door.arguments(schemas.BookingCheck(partial=("resources", "start", "end", "title")))
def check_booking(body: dict[str, Any]) -> Response:
    """Try a booking, or a change of one, against every rule; nothing is stored"""
    given_key()
    repeat = _repeat(body)
    viewer = caller()
    if repeat is not None:
        if "booking" in body:
            raise Invalid({"repeat": ["Try either a change of a booking or a series."]})
        return show(_series_tried(try_series(_request(body), repeat, viewer), repeat))
    wanted, booking_id = _tried(body)
    refusals, _ = check_only(wanted, viewer, booking_id)
    offered: list[shapes.Json] = []
    try:
        with advised(wanted, viewer, booking_id):
            if refusals:
                raise refuse(refusals)
    except Refused as refused:
        offered = [shapes.alternative(one) for one in refused.alternatives]
    return show(
        {
            "ok": not refusals,
            "refusals": [shapes.refusal(one) for one in refusals],
            "alternatives": offered,
            "estimate": {},
        }
    )


def _repeat(body: dict[str, Any]) -> Repeat | None:
    asked = body.pop("repeat", None)
    return Repeat(**asked) if asked else None


def _series_tried(judged: list[Judged], repeat: Repeat) -> shapes.Json:
    """Show what would become of a series: whether it would be made, and each occurrence."""
    refused = [one for one in judged if one.refusals]
    ok = not refused or (repeat.on_clash == "skip" and len(refused) < len(judged))
    reasons = [] if ok else SeriesClash(refused).refusals
    return {
        "ok": ok,
        "refusals": [shapes.refusal(one) for one in reasons],
        "alternatives": [],
        "estimate": {},
        "occurrences": [shapes.occurrence(one) for one in judged],
    }


def _series(made: Made) -> Answer:
    shown: shapes.Json = {
        "series": made.series_id,
        "bookings": [shapes.booking(one) for one in details(made.bookings, caller())],
        "skipped": [shapes.occurrence(one) for one in made.skipped],
    }
    return Answer(shown, 201, location=f"{PREFIX}/bookings/{made.bookings[0].public_id}")


@door.operation("POST", "/bookings/explain", tag="Bookings", shows=schemas.RulesShown)
@door.arguments(schemas.BookingCheck(partial=("resources", "start", "end", "title")))
def explain_booking(body: dict[str, Any]) -> Response:
    """Explain a booking, or a change of one: every rule, kept or not, with its numbers; nothing is stored

    `on_behalf_of`, and a change of somebody else's booking, are explained to the facility's staff only.
    """
    given_key()
    if _repeat(body) is not None:
        raise Invalid({"repeat": ["Explain one booking; a series is tried with bookings/check."]})
    wanted, booking_id = _tried(body)
    return show({"rules": [shapes.explained(one) for one in explain(wanted, caller(), booking_id)]})


def _tried(body: dict[str, Any]) -> tuple[BookingRequest, str | None]:
    """Return what is to be tried, and the id of the booking of which it is a change."""
    booking_id = body.pop("booking", None)
    wanted = _request(body) if booking_id is None else _merged(_find_to_change(booking_id), body)
    return wanted, booking_id


def _request(body: dict[str, Any]) -> BookingRequest:
    missing = [name for name in ("resources", "start", "end", "title") if name not in body]
    if missing:
        raise Invalid({name: ["Missing data for required field."] for name in missing})
    return BookingRequest(
        starts_at=body["start"],
        ends_at=body["end"],
        resources=tuple(body["resources"]),
        title=body["title"],
        project=body.get("project"),
        people=body.get("people", 1),
        participants=tuple(body.get("participants", ())),
        on_behalf_of=body.get("on_behalf_of"),
        supervisor=body.get("supervisor"),
        notes=body.get("notes", ""),
        override=_override(body),
    )


def _override(body: dict[str, Any]) -> Override | None:
    given = body.get("override")
    return Override(tuple(given["codes"]), given["reason"]) if given else None


# --- changing --------------------------------------------------------------------------------------


@door.operation("PATCH", ONE, tag="Bookings", shows=schemas.BookingShown)
@door.arguments(schemas.BookingChange(partial=("resources", "start", "end", "title")))
@door.arguments(schemas.Scoped, location="query")
def change_booking(body: dict[str, Any], asked: dict[str, Any], booking_id: str) -> Response:
    """Change a booking: only what is given changes; with `scope` others of its series in the same way"""
    reason, booking, scope = body.pop("reason", ""), _find(booking_id), asked["scope"]
    if_version = version_wanted(booking.version)
    advice = advised(_merged(booking, body), caller(), booking_id) if scope == "this" else nullcontext()
    with advice:
        return send(_answer(_change(booking_id, lambda now: _merged(now, body), reason, if_version, scope)))


@door.operation("POST", f"{ONE}/extend", tag="Bookings", shows=schemas.BookingShown)
@door.arguments(schemas.Extension)
def extend_booking(body: dict[str, Any], booking_id: str) -> Response:
    """Let a booking end later: at a new end, or by some minutes more"""
    booking = _find(booking_id)
    with advised(_extended(booking, body), caller(), booking_id):
        return once(caller(), lambda: _answer(_extend(booking_id, body)))


def _extend(booking_id: str, body: dict[str, Any]) -> Booking:
    def later(booking: Booking) -> BookingRequest:
        wanted = _extended(booking, body)
        if wanted.ends_at <= booking.ends_at:
            raise Invalid({"end": ["The booking ends at this time or later already."]})
        return wanted

    return _change(booking_id, later, body["reason"])


def _extended(booking: Booking, body: dict[str, Any]) -> BookingRequest:
    end = body["end"] if "end" in body else booking.ends_at + timedelta(minutes=body["minutes"])
    return replace(request_of(booking), ends_at=end)


def _change(
    booking_id: str,
    edit: Callable[[Booking], BookingRequest],
    reason: str,
    if_version: int | None = None,
    scope: str = "this",
) -> Booking:
    """Change a booking as it is now; read it again if somebody else changes it at the same moment."""
    for _ in range(ATTEMPTS):
        booking = _find(booking_id)
        try:
            version = if_version or booking.version
            return change_series(booking_id, edit(booking), caller(), scope, reason, version)
        except Stale:
            if if_version is not None:
                raise
    raise Busy("Others are changing this booking at this moment; please try again.")


def _merged(booking: Booking, body: dict[str, Any]) -> BookingRequest:
    """Return the booking as a request, with what is given put in place of what is there."""
    names = {"start": "starts_at", "end": "ends_at"}
    given: dict[str, Any] = {
        names.get(name, name): tuple(value) if isinstance(value, list) else value
        for name, value in body.items()
    }
    return replace(request_of(booking), **given | {"override": _override(body)})


@door.operation("DELETE", ONE, tag="Bookings", shows=schemas.BookingShown)
@door.arguments(schemas.Cancelling, location="query")
def cancel_booking(asked: dict[str, Any], booking_id: str) -> Response:
    """Cancel a booking, or end it now if it is running; may be repeated; with `scope` others of its series"""
    if_version = version_wanted(_find(booking_id).version)
    done = cancel_series(booking_id, caller(), asked["scope"], asked["reason"], if_version)
    return send(_answer(done))


@door.operation("POST", f"{ONE}/approve", tag="Requests", shows=schemas.BookingShown)
@door.arguments(schemas.Reason, required=False)
def approve_booking(body: dict[str, Any], booking_id: str) -> Response:
    """Say yes to a request; it stays requested while somebody else has to say yes as well"""
    viewer = _known_to_answer(booking_id)
    return once(viewer, lambda: _answer(approve(booking_id, viewer, body["reason"])))


@door.operation("POST", f"{ONE}/decline", tag="Requests", shows=schemas.BookingShown)
@door.arguments(schemas.Reason, required=False)
def decline_booking(body: dict[str, Any], booking_id: str) -> Response:
    """Say no to a request, with the reason that its organiser is told"""
    viewer = _known_to_answer(booking_id)
    return once(viewer, lambda: _answer(decline(booking_id, viewer, body["reason"])))


# --- steps -----------------------------------------------------------------------------------------


def _find(booking_id: str) -> Booking:
    if not _ID.fullmatch(booking_id):
        raise NotFound
    return find(booking_id, caller())


def _known_to_answer(booking_id: str) -> Viewer:
    if not _ID.fullmatch(booking_id):
        raise NotFound
    find_to_answer(booking_id, caller())
    return caller()


def _find_to_change(booking_id: str) -> Booking:
    booking, viewer = _find(booking_id), caller()
    if not may_change(viewer, relation_of(booking, viewer)):
        raise Forbidden
    return booking


def _answer(booking: Booking, status: int = 200) -> Answer:
    return _shown(detail(booking, caller()), status)


def _shown(seen: Detail, status: int = 200) -> Answer:
    booking, shown = seen.booking, shapes.booking(seen)
    version = booking.version if seen.level is Level.FULL else None
    location = f"{PREFIX}/bookings/{booking.public_id}" if status == 201 else None
    return Answer(shown, status, version, location)
