"""The calendar: a timeline of the resources of a facility by day, week and month, and a plain list.

The part that changes, the board, is also served alone (`fragment=1`) with an ETag, so that a browser can
ask every few seconds at the cost of two small queries. Boards are kept in memory under the same tag.
"""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request, url_for
from markupsafe import Markup

import booking
from booking.base import clock
from booking.base.kept import Kept
from booking.bookings.queries import changes_of
from booking.facilities.favourites import favourites_of
from booking.facilities.models import KINDS
from booking.facilities.places import STAFF_ROLES, FacilityPlace, Places, ResourcePlace, opens_to
from booking.facilities.queries import directory_version, places
from booking.people.viewer import Viewer
from booking.web import words
from booking.web.banners import banners_of
from booking.web.calendar_asked import VIEWS, Asked, first_of, read, state_of
from booking.web.calendar_board import board
from booking.web.calendar_words import kind_words
from booking.web.session import signed_in, the_viewer

bp = Blueprint("calendar", __name__)
FRESH = timedelta(minutes=15)
STAGES = {
    "planned": "is planned",
    "commissioning": "is being commissioned",
    "pilot": "is in its pilot phase",
    "retiring": "is going out of use",
    "closed": "is closed",
}


@bp.get("/calendar")
@signed_in
def calendar() -> str | Response:
    catalogue, viewer, now = places(), the_viewer(), clock.now()
    asked = read(request.args, catalogue, _today(catalogue, now))
    if asked is None:
        return render_template("calendar/empty.html")
    found = asked.resources(catalogue)
    if asked.marked:
        mine = favourites_of(viewer)
        found = [resource for resource in found if resource in mine]
    if request.args.get("fragment") == "1":
        return _fragment(asked, found, catalogue.version, viewer, now)
    tag = _fingerprint(asked, found, catalogue.version, viewer, now)
    return render_template(
        "calendar/calendar.html",
        **_around(asked, catalogue, viewer, now),
        asked=asked,
        board=Markup(_board(tag, asked, found, viewer, now).decode()),  # noqa: S704 (our own template's)
    )


def _today(catalogue: Places, now: datetime) -> date:
    """Return the local day at the facility that the address names, else at the first."""
    named = catalogue.facility(request.args.get("facility", ""))
    facility = named or next(iter(catalogue.facilities.values()), None)
    return (now.astimezone(facility.tz) if facility else now).date()


def _fragment(
    asked: Asked, found: list[ResourcePlace], version: int, viewer: Viewer, now: datetime
) -> Response:
    """Serve the part that changes, or 304 while nothing did."""
    response = Response(mimetype="text/html")
    fingerprint = _fingerprint(asked, found, version, viewer, now)
    response.set_etag(fingerprint)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Cookie"
    if request.if_none_match.contains_weak(fingerprint):
        response.status_code = 304
        return response
    response.set_data(_board(fingerprint, asked, found, viewer, now))
    return response


def _fingerprint(
    asked: Asked, found: list[ResourcePlace], version: int, viewer: Viewer, now: datetime
) -> str:
    """Tell one state of the board from every other: address, viewer, catalogue, rights, bookings, time."""
    ids = [resource.id for resource in found]
    parts = (
        booking.__version__,
        asked.href(),
        viewer.id,
        version,
        ids if asked.marked else None,
        changes_of(ids),
        int(now.timestamp() // FRESH.total_seconds()),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def _board(tag: str, asked: Asked, found: list[ResourcePlace], viewer: Viewer, now: datetime) -> bytes:
    """Return the board, laid out once for every tag; it is kept only if nothing changed meanwhile."""
    kept: Kept = current_app.config["KEPT"]
    html = kept.find(tag)
    if html is None:
        template = current_app.jinja_env.get_template("calendar/_board.html")
        html = template.render(asked=asked, board=board(asked, found, viewer, now), viewer=viewer).encode()
        if _fingerprint(asked, found, directory_version(), viewer, now) == tag:
            kept.keep(tag, html)
    return html


def _around(asked: Asked, catalogue: Places, viewer: Viewer, now: datetime) -> dict[str, Any]:
    today = now.astimezone(asked.facility.tz).date()
    return {
        "heading": heading(asked),
        "now": int(now.timestamp()),
        "views": [
            {"label": label, "href": asked.href(view=view), "current": view == asked.view}
            for view, label in VIEWS.items()
        ],
        "facilities": [
            {
                "label": place.name,
                "href": asked.href(facility=place, room=None, opened=frozenset()),
                "current": place.id == asked.facility.id,
            }
            for place in catalogue.facilities.values()
        ],
        "previous": asked.href(day=asked.beside(-1)),
        "following": asked.href(day=asked.beside(1)),
        "today_href": asked.href(day=today),
        "is_today": first_of(asked.view, today) == asked.first,
        "step_name": {"list": "week"}.get(asked.view, asked.view),
        "notices": banners_of(asked.facility, _rooms(asked, catalogue), asked.first, _last(asked)),
        "rooms": [room for room in catalogue.rooms.values() if room.facility_id == asked.facility.id],
        "kinds": sorted({r.kind for r in catalogue.resources_of(asked.facility.id)}, key=KINDS.index),
        "kind_words": kind_words,
        "is_filtered": bool(asked.room or asked.kind or asked.text or asked.marked),
        "unfiltered": asked.href(room=None, kind=None, text="", marked=False),
        "whole_href": asked.href(whole=not asked.whole) if asked.view == "day" else None,
        "opening": opening_words(asked.facility, catalogue, viewer, today),
        "new_href": url_for("bookings.new"),
        "fragment_href": asked.href(fragment=1),
    }


def _rooms(asked: Asked, catalogue: Places) -> set[int]:
    return {asked.room.id} if asked.room else set(catalogue.rooms)


def _last(asked: Asked) -> date:
    """Return the last day that is shown."""
    return first_of(asked.view, asked.beside(1)) - timedelta(days=1)


def heading(asked: Asked) -> str:
    """Say which days are shown."""
    day = asked.first
    if asked.view == "month":
        return f"{day:%B %Y}"
    if asked.view == "week":
        return f"Week of {day.day} {day:%B %Y}"
    return f"{'From ' if asked.view == 'list' else ''}{day:%A} {day.day} {day:%B %Y}"


def opening_words(facility: FacilityPlace, catalogue: Places, viewer: Viewer, today: date) -> str:
    """Say when a facility that is not in normal use opens to the viewer; empty where it is."""
    state = state_of(facility, today)
    if state == "live":
        return ""
    start = f"{facility.name} {STAGES[state]}."
    if state in ("retiring", "closed"):
        return start
    machines = catalogue.resources_of(facility.id)
    opens = min((day for m in machines if (day := opens_to(m, viewer.role, today))), default=None)
    if opens is None:
        return f"{start} There is no date yet from which you can book it."
    if opens <= today:
        return f"{start} It is open to you."
    who = (
        "staff"
        if viewer.role in STAFF_ROLES
        else {"industry": "industry users"}.get(viewer.role, f"{viewer.role}s")
    )
    return f"{start} It opens to {who} on {words.day(opens)}: look around now, and book times from then on."
