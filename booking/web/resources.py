"""Resources: what there is, what each one is, the rules that apply to me, when it is free next."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.base import clock
from booking.base.errors import NotFound
from booking.base.period import Period, midnight
from booking.bookings import queries
from booking.bookings.alternatives import next_free
from booking.bookings.checklist import checklists
from booking.facilities.favourites import favourites_of, mark, unmark
from booking.facilities.models import KINDS
from booking.facilities.places import ResourcePlace, opening_moment
from booking.facilities.queries import places
from booking.people.viewer import Viewer
from booking.web import words
from booking.web.banners import banners_around
from booking.web.session import signed_in, the_viewer
from booking.web.views import block_row, quotas_in_words, rules_in_words

bp = Blueprint("resources", __name__, url_prefix="/resources")


@bp.get("")
@signed_in
def index() -> str:
    catalogue = places()
    facility = catalogue.facility(request.args.get("facility", ""))
    room = catalogue.room(request.args.get("room", ""))
    kind = request.args.get("kind") or None
    text = request.args.get("q", "")[:100]
    found = catalogue.resources_of(
        facility.id if facility else None, room.id if room else None, kind if kind in KINDS else None, text
    )
    groups = [
        (
            place,
            [
                (resource, state_words(resource, the_viewer()))
                for resource in found
                if resource.facility.id == place.id
            ],
        )
        for place in catalogue.facilities.values()
    ]
    return render_template(
        "resources/index.html",
        groups=[(place, rows) for place, rows in groups if rows],
        favourites=[
            (one, state_words(one, the_viewer())) for one in favourites_of(the_viewer()) if one in found
        ],
        facilities=list(catalogue.facilities.values()),
        facility=facility,
        room=room,
        kind=kind,
        kinds=KINDS,
        q=text,
    )


@bp.get("/<code>")
@signed_in
def show(code: str) -> str:
    resource = places().by_code.get(code)
    if resource is None:
        raise NotFound
    viewer = the_viewer()
    now = clock.now()
    tz = resource.facility.tz
    today = midnight(now.astimezone(tz).date(), tz)
    week = Period(today, today + timedelta(days=7))
    rows = [block_row(block, resource) for block in queries.blocks(viewer, [resource.id], week)]
    checklist = checklists(viewer, [resource])[0]
    return render_template(
        "resources/show.html",
        resource=resource,
        rules=rules_in_words(resource, viewer.role) + quotas_in_words(resource, viewer),
        state=state_words(resource, viewer),
        slot=None if checklist.lacking else _slot(resource, viewer),
        rows=[row for row in rows if row],
        checklist=checklist,
        marked=resource in favourites_of(viewer),
        notices=banners_around([resource], now.astimezone(tz).date(), week.end.astimezone(tz).date()),
        twins=[places().resources[twin] for twin in resource.twins],
    )


@bp.post("/<code>/favourite")
@signed_in
def favourite(code: str) -> Response:
    """Mark a resource, or mark it no longer."""
    wanted = request.form.get("marked") == "1"
    (mark if wanted else unmark)(code, the_viewer())
    flash("It is among your favourites." if wanted else "It is no favourite any more.", "success")
    return redirect(url_for("resources.show", code=code), 303)


def _slot(resource: ResourcePlace, viewer: Viewer) -> dict[str, Any] | None:
    slot = next_free(resource, viewer)
    if slot is None:
        return None
    timezone = resource.facility.timezone
    return {
        "when": words.when(slot.start, slot.end, timezone),
        "start": local_text(slot.start, resource),
        "end": local_text(slot.end, resource),
    }


def local_text(moment: datetime, resource: ResourcePlace) -> str:
    """Return a moment as addresses of the booking form carry it: local wall time."""
    return f"{moment.astimezone(resource.facility.tz):%Y-%m-%dT%H:%M}"


def state_words(resource: ResourcePlace, viewer: Viewer) -> str:
    """Say the state of today and, if it is not open to me yet, when it will be."""
    tz = resource.facility.tz
    today = clock.now().astimezone(tz).date()
    state = resource.state_on(today)
    opens = opening_moment(resource, viewer.role, clock.now())
    if opens is None:
        return f"{state}; not open to you"
    first = opens.astimezone(tz).date()
    return state if first <= today else f"{state}; opens to you on {words.day(first)}"
