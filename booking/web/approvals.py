"""Requests that wait for an answer: facility staff approve or decline them on one page."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.base.errors import BookingError
from booking.bookings import actions, queries
from booking.web.session import staff_only, the_viewer
from booking.web.views import row_of

bp = Blueprint("approvals", __name__, url_prefix="/approvals")


@bp.get("")
@staff_only
def index() -> str:
    return _page()


def _page(problem: str | None = None, at: str | None = None, reason: str = "") -> str:
    waiting = [(detail, row_of(detail)) for detail in queries.waiting_requests(the_viewer())]
    return render_template("approvals/index.html", waiting=waiting, problem=problem, at=at, reason=reason)


@bp.post("/<booking_id>")
@staff_only
def answer(booking_id: str) -> Response | tuple[str, int]:
    reason = request.form.get("reason", "")
    try:
        if request.form.get("answer") == "approve":
            actions.approve(booking_id, the_viewer(), reason)
            flash("Approved: the booking is confirmed.", "success")
        else:
            actions.decline(booking_id, the_viewer(), reason)
            flash("Declined: the time is free again.", "success")
    except BookingError as error:
        if error.status == 404:
            raise
        return _page(str(error), booking_id, reason), error.status
    return redirect(url_for("approvals.index"), 303)
