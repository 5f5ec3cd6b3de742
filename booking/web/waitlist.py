"""The waiting list: what I wait for, what is offered to me, and to join it from a form that was refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.base.errors import BookingError, Invalid
from booking.bookings import waitlist
from booking.bookings.request import BookingRequest
from booking.bookings.waitlist_queries import Waiting, exactly, my_waits, waits_at
from booking.facilities.queries import places
from booking.people.queries import names_of
from booking.web import words
from booking.web.bookings_form import from_post
from booking.web.find import search_of_form
from booking.web.session import signed_in, the_viewer

bp = Blueprint("waitlist", __name__, url_prefix="/waitlist")
STATES = {"waiting": "Waiting", "booked": "Booked", "left": "Given up", "over": "Over"}
ENDED_SHOWN = 10


@bp.get("")
@signed_in
def index() -> str:
    return _page()


def _page(problem: str = "") -> str:
    viewer = the_viewer()
    mine = [_row(one) for one in my_waits(viewer)]
    at_mine = waits_at(viewer) if viewer.staffs_anything else []
    names = names_of({one.wait.user_id for one in at_mine})
    return render_template(
        "waitlist/index.html",
        problem=problem,
        offers=[row for row in mine if row["status"] == "offered" and row["offer"]],
        waiting=[row for row in mine if row["status"] == "waiting"],
        ended=[row for row in mine if row["status"] in ("booked", "left", "over")][:ENDED_SHOWN],
        everybody=[{**_row(one), "who": names.get(one.wait.user_id, "Somebody")} for one in at_mine],
        staff=viewer.staffs_anything,
    )


def _row(one: Waiting) -> dict[str, Any]:
    wait = one.wait
    timezone = _timezone(one)
    exact = wait.latest - wait.earliest == timedelta(minutes=wait.minutes)
    when = words.when(wait.earliest, wait.latest, timezone)
    return {
        "id": wait.public_id,
        "status": wait.status,
        "state": STATES.get(wait.status, ""),
        "title": one.request.title,
        "what": " and ".join(_choice(choice) for choice in one.options),
        "when": when if exact else f"{words.length(timedelta(minutes=wait.minutes))} within {when}",
        "ahead": one.ahead,
        "offer": _offer(one, timezone) if wait.status == "offered" else None,
        "href": _href(one) if wait.status == "booked" else None,
    }


def _choice(choice: tuple[Any, ...]) -> str:
    units = f" × {choice[0].units}" if choice[0].units > 1 else ""
    return " or ".join(option.code for option in choice) + units


def _timezone(one: Waiting) -> str:
    catalogue = places()
    first = catalogue.by_code.get(one.options[0][0].code)
    return first.facility.timezone if first else "Europe/London"


def _offer(one: Waiting, timezone: str) -> dict[str, str] | None:
    until = one.offer.booking.offered_until if one.offer else None
    if one.offer is None or until is None:
        return None
    booking = one.offer.booking
    return {
        "when": words.when(booking.starts_at, booking.ends_at, timezone),
        "where": ", ".join(f"{resource.code} {resource.name}" for resource, _, _ in one.offer.resources),
        "until": words.moment(until, timezone),
    }


def _href(one: Waiting) -> str | None:
    return url_for("bookings.show", booking_id=one.offer.booking.public_id) if one.offer else None


# --- joining


@bp.post("/slot")
@signed_in
def join_for_slot() -> Response | tuple[str, int]:
    """Wait for the very time of a booking form."""
    form = from_post(request.form, the_viewer())
    if not form.validate():
        return _page("Say again what you would like to book: the form was not complete."), 422

    def act() -> None:
        wanted = form.booking_request()
        waitlist.join(exactly(wanted), wanted, the_viewer())

    return _done_or_told(act, "You are on the waiting list. When the time becomes free, it is held for you.")


@bp.post("/search")
@signed_in
def join_for_search() -> Response | tuple[str, int]:
    """Wait for any time that a search would have found."""

    def act() -> None:
        search = search_of_form(request.form)
        if search is None:
            raise Invalid({"resources": ["Say again what you look for: the form was not complete."]})
        first = {options[0].code: options[0] for options in search.options}
        wanted = BookingRequest(
            search.earliest,
            search.earliest + search.length,
            tuple(first.values()),
            request.form.get("title", ""),
            project=search.project,
            people=search.people,
            participants=search.participants,
            supervisor=search.supervisor,
        )
        waitlist.join(replace(search, limit=1), wanted, the_viewer())

    return _done_or_told(
        act, "You are on the waiting list. The first time that becomes free is held for you."
    )


# --- offers


@bp.post("/<wait_id>/accept")
@signed_in
def accept(wait_id: str) -> Response | tuple[str, int]:
    return _done_or_told(
        lambda: waitlist.accept(wait_id, the_viewer()), "Accepted: it is among your bookings."
    )


@bp.post("/<wait_id>/leave")
@signed_in
def leave(wait_id: str) -> Response | tuple[str, int]:
    return _done_or_told(lambda: waitlist.leave(wait_id, the_viewer()), "You no longer wait for this.")


def _done_or_told(act: Callable[[], object], message: str) -> Response | tuple[str, int]:
    try:
        act()
    except Invalid as invalid:
        return _page(" ".join(text for texts in invalid.errors.values() for text in texts)), invalid.status
    except BookingError as error:
        if error.status not in (409, 422):
            raise
        return _page(str(error)), error.status
    flash(message, "success")
    return redirect(url_for("waitlist.index"), 303)
