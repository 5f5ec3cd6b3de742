"""The start page: what is next for me, and what waits for me."""

from typing import Any

from flask import Blueprint, render_template, url_for

from booking.base import clock
from booking.bookings import queries
from booking.bookings.waiting import decides_anything, waiting_requests
from booking.facilities.queries import places
from booking.web.session import signed_in, the_viewer
from booking.web.views import row_of

bp = Blueprint("home", __name__)
NEXT = 5


@bp.get("/")
@signed_in
def index() -> str:
    viewer = the_viewer()
    coming = queries.my_bookings(viewer, upcoming=True, limit=NEXT + 1)
    details = queries.details(coming[:NEXT], viewer)
    running = [d for d in details if d.booking.starts_at <= clock.now()]
    later = [d for d in details if d.booking.starts_at > clock.now()]
    waiting = waiting_requests(viewer, limit=NEXT) if decides_anything(viewer) else []
    asked = [d for d in details if d.status == "requested"]
    return render_template(
        "home/index.html",
        running=[row_of(d, mine=True) for d in running],
        later=[row_of(d, mine=True) for d in later],
        more=len(coming) > NEXT,
        asked=asked,
        waiting=[_to_answer(d) for d in waiting],
        facilities=list(places().facilities.values()),
    )


def _to_answer(detail: queries.Detail) -> dict[str, Any]:
    """Return a request as a row that leads to where it is answered."""
    return {**row_of(detail), "href": url_for("approvals.index", _anchor=detail.booking.public_id)}
