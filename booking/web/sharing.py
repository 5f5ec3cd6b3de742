"""Read-only links to one booking: their page for who shares it, and the page that a link opens."""

from flask import Blueprint, current_app, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.base.errors import Invalid, NotFound
from booking.bookings import queries
from booking.bookings.actions import find
from booking.bookings.queries import Detail
from booking.bookings.sharing import SHOWN_FOR, links_of, share, shared, unshare
from booking.bookings.visibility import may_change
from booking.people.queries import names_of
from booking.settings import Settings
from booking.web import words
from booking.web.editing import done
from booking.web.session import signed_in, the_viewer
from booking.web.views import row_of

bp = Blueprint("sharing", __name__)


@bp.get("/bookings/<booking_id>/share")
@signed_in
def index(booking_id: str) -> str:
    return _page(_theirs(booking_id))


@bp.post("/bookings/<booking_id>/share")
@signed_in
def make(booking_id: str) -> str | tuple[str, int]:
    """Make a link and show it, this one time."""
    detail = _theirs(booking_id)
    try:
        token = share(booking_id, the_viewer())
    except Invalid as invalid:
        return _page(detail, fault=invalid.errors["link"][0]), invalid.status
    settings: Settings = current_app.config["SETTINGS"]
    base = (settings.base_url or request.url_root).rstrip("/")
    return _page(detail, made=f"{base}/shared/{token}")


@bp.post("/bookings/<booking_id>/share/<int(max=2147483647):link_id>/withdraw")
@signed_in
def withdraw(booking_id: str, link_id: int) -> Response:
    unshare(booking_id, link_id, the_viewer())
    return done(
        "Withdrawn: the link opens nothing any more.", url_for("sharing.index", booking_id=booking_id)
    )


@bp.get("/shared/<token>")
def show(token: str) -> Response:
    """Show what a link lets everybody see: no more than a colleague sees of a booking, and nothing to do."""
    detail = shared(token)
    page = Response(
        render_template("sharing/show.html", detail=detail, row=row_of(detail)), mimetype="text/html"
    )
    page.headers["Cache-Control"] = "private, no-store"
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex"
    return page


def _theirs(booking_id: str) -> Detail:
    viewer = the_viewer()
    detail = queries.detail(find(booking_id, viewer), viewer)
    if not may_change(viewer, detail.relation):
        raise NotFound
    return detail


def _page(detail: Detail, made: str = "", fault: str = "") -> str:
    links = links_of(detail.booking)
    names = names_of({link.made_by_id for link in links})
    return render_template(
        "sharing/index.html",
        detail=detail,
        row=row_of(detail),
        made=made,
        fault=fault,
        until=words.day(detail.booking.ends_at + SHOWN_FOR, detail.timezone),
        links=[
            (link.id, names[link.made_by_id], words.moment(link.created_at, detail.timezone))
            for link in links
        ],
    )
