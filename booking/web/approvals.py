"""Requests that wait for an answer: who was asked approves or declines them, here or by a link in a mail."""

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.base.errors import BookingError, Invalid, NotFound
from booking.bookings import actions
from booking.bookings.answer_links import read_answer_link
from booking.bookings.approving import DECIDERS
from booking.bookings.checklist import Item
from booking.bookings.dossier import Dossier, dossier_of
from booking.bookings.models import Booking
from booking.bookings.visibility import Level
from booking.bookings.waiting import Asked, decides_anything, requests_for
from booking.people.viewer import Viewer
from booking.web.session import signed_in, the_viewer
from booking.web.views import block_row, row_of

bp = Blueprint("approvals", __name__, url_prefix="/approvals")
SHOWN = 20
BESIDE = {"before": "Before", "beside": "At the same time", "after": "After"}
# The address is a secret: it goes neither to other sites nor into caches.
_HIDDEN = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


@bp.get("")
@signed_in
def index() -> str:
    return _page()


def _page(problem: str | None = None, at: str | None = None, reason: str = "") -> str:
    viewer = the_viewer()
    if not decides_anything(viewer):
        raise NotFound
    found = requests_for(viewer)
    return render_template(
        "approvals/index.html",
        waiting=[_shown(one) for one in found[:SHOWN]],
        more=len(found) - SHOWN,
        problem=problem,
        at=at,
        reason=reason,
    )


def _shown(asked: Asked) -> dict[str, Any]:
    """Return a request with everything about it, in words."""
    dossier = dossier_of(asked)
    return {
        "dossier": dossier,
        "asked": asked,
        "detail": asked.detail,
        "full": asked.detail.level is Level.FULL,
        "row": row_of(asked.detail),
        "decider": DECIDERS[asked.step.decider],
        "standing": _standing(dossier),
        "beside": _beside(dossier),
    }


def _standing(dossier: Dossier) -> list[tuple[Item, str]]:
    """Return what is asked of the organiser and how they stand, once for all resources that ask for it."""
    found: dict[tuple[str, str], tuple[Item, list[str]]] = {}
    for checklist in dossier.standing:
        for item in checklist.items:
            found.setdefault((item.what, item.state), (item, []))[1].append(checklist.resource.code)
    return [(item, ", ".join(codes)) for item, codes in found.values()]


def _beside(dossier: Dossier) -> list[dict[str, Any]]:
    return [
        {**block_row(one.block, one.resource), "side": BESIDE[one.where], "code": one.resource.code}
        for one in dossier.neighbours
    ]


@bp.post("/<booking_id>")
@signed_in
def answer(booking_id: str) -> Response | tuple[str, int]:
    viewer, reason = the_viewer(), request.form.get("reason", "")
    try:
        _decide(booking_id, viewer, _number(request.form.get("step", "")))
    except BookingError as error:
        if error.status == 404 or not decides_anything(viewer):
            raise
        return _page(str(error), booking_id, reason), error.status
    return redirect(url_for("approvals.index" if decides_anything(viewer) else "home.index"), 303)


def _decide(booking_id: str, by: Viewer, step_id: int | None) -> None:
    """Write the answer that was sent, and say what comes of it."""
    reason = request.form.get("reason", "")
    chosen = request.form.get("answer", "")
    if chosen == "approve":
        booking = actions.approve(booking_id, by, reason, step_id)
        flash(_what_follows(booking), "success")
    elif chosen == "decline":
        actions.decline(booking_id, by, reason, step_id)
        flash("Declined: the time is free again.", "success")
    else:
        raise Invalid({"answer": ["Choose to approve or to decline."]})


def _what_follows(booking: Booking) -> str:
    if booking.status == "requested":
        return "Approved. The request now waits for the next answer."
    return "Approved: the booking is confirmed."


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@bp.route("/by-mail/<token>", methods=["GET", "POST"])
def by_mail(token: str) -> Response | tuple[str, int, dict[str, str]]:
    """Show a request to whom its mail asked, signed in or not; only what they send decides."""
    try:
        asked = read_answer_link(token, current_app.config["SETTINGS"].secret_key)
    except NotFound as gone:
        return render_template("approvals/gone.html"), gone.status, _HIDDEN
    return _answered(asked) if request.method == "POST" else _link_page(asked)


def _answered(asked: Asked) -> Response | tuple[str, int, dict[str, str]]:
    try:
        _decide(asked.detail.booking.public_id, asked.by, asked.step.id)
    except BookingError as error:
        return _link_page(asked, str(error), request.form.get("reason", ""), error.status)
    return render_template("approvals/thanks.html"), 200, _HIDDEN


def _link_page(
    asked: Asked, problem: str | None = None, reason: str = "", status: int = 200
) -> tuple[str, int, dict[str, str]]:
    page = render_template("approvals/by_mail.html", one=_shown(asked), problem=problem, reason=reason)
    return page, status, _HIDDEN
