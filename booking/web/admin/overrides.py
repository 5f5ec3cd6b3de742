"""What was overruled, for which booking, by whom and why: a list, and the same as a file."""

from typing import Any

from flask import Blueprint, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from booking.bookings.models import Booking, Overruled
from booking.bookings.overruling import overruled_at
from booking.bookings.words import refusal_words
from booking.facilities.queries import places
from booking.web import words
from booking.web.admin.parts import PAGE, Filter, facility_choices, link, list_page, page_of
from booking.web.csv_files import csv_file
from booking.web.session import the_viewer

bp = Blueprint("overrides", __name__, url_prefix="/overrides")
MOST = 5000
HEAD = ("When", "Booking", "Starts", "Resource", "Overruled", "Rule", "By", "Reason")


@bp.get("")
def index() -> str:
    filters = (Filter("facility", "Facility", facility_choices(False)),)
    facility = places().facility(filters[0].value)
    asked = request.args.get("after", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else None
    rows = overruled_at(the_viewer(), facility.id if facility else None, before, PAGE + 1)
    page, last = page_of(rows, lambda row: row[0].id)
    return list_page(
        "Overruled rules",
        ("When", "Booking", "Resource", "Overruled", "By", "Reason"),
        [_row(one, booking, who) for one, booking, who in page],
        filters,
        after=last,
        lead=link("Download as CSV", url_for(".as_csv", facility=filters[0].value or None)),
    )


@bp.get("/overrides.csv")
def as_csv() -> Response:
    facility = places().facility(request.args.get("facility", "")[:40])
    rows = overruled_at(the_viewer(), facility.id if facility else None, None, MOST)
    return csv_file("overrides", HEAD, (_cells(one, booking, who) for one, booking, who in rows))


def _row(one: Overruled, booking: Booking, who: str) -> tuple[Any, ...]:
    """Return a row of the list: the booking with its start, and the refusal in words."""
    when, title, starts, resource, refusal, _, by, reason = _cells(one, booking, who)
    shown = Markup("{}<br>{}").format(
        link(title, url_for("bookings.show", booking_id=booking.public_id)), starts
    )
    return when, shown, resource, refusal, by, reason


def _cells(one: Overruled, booking: Booking, who: str) -> tuple[str, ...]:
    timezone = places().facilities[one.facility_id].timezone
    resource = places().resources.get(one.resource_id)
    return (
        words.moment(one.at, timezone),
        booking.title,
        words.moment(booking.starts_at, timezone),
        resource.code if resource else "",
        refusal_words(one.code),
        one.rule,
        who,
        one.reason,
    )
