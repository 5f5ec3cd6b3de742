"""Bookings: mine, one with its history, and the forms to make, change and cancel one."""

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.base import clock
from booking.base.db import transaction
from booking.base.errors import BookingError, Invalid, NotFound, Refused, SlotTaken
from booking.bookings import actions, queries
from booking.bookings.approving import DECIDERS
from booking.bookings.models import ApprovalStep, Booking
from booking.bookings.overruling import overrulable, overruled_of
from booking.bookings.queries import Detail
from booking.bookings.series import Repeat, SeriesClash, book_series, try_series
from booking.bookings.series_changes import cancel_series, change_series
from booking.bookings.visibility import Level, may_change, must_give_a_reason
from booking.bookings.waiting import open_for, steps_of
from booking.people.idempotency import Answer, fingerprint, first_answer, remember
from booking.people.permissions import manages_something
from booking.people.queries import names_of
from booking.people.viewer import Viewer
from booking.web import explain, series, words
from booking.web.bookings_csv import csv_of
from booking.web.bookings_form import (
    SCOPES,
    BookingForm,
    blank,
    copied,
    filled,
    from_post,
    resource_choices,
    taking,
)
from booking.web.repeating import Preview, confirmed, preview_of, rrule_of
from booking.web.session import signed_in, the_viewer
from booking.web.views import history_of, row_of

bp = Blueprint("bookings", __name__, url_prefix="/bookings")
PAGE = 50
MOST_IN_TABLE = 5000


@bp.get("")
@signed_in
def index() -> str:
    viewer = the_viewer()
    past, group = request.args.get("show") == "past", request.args.get("who") == "group"
    found = queries.my_bookings(viewer, not past, PAGE + 1, _after(request.args), group)
    details = queries.details(found[:PAGE], viewer)
    return render_template(
        "bookings/index.html",
        rows=[row_of(detail) for detail in details if detail.level is Level.FULL],
        past=past,
        group=group,
        has_group=bool(viewer.projects or viewer.led_people),
        next_href=_next_href(found, past, group),
    )


@bp.get("/mine.csv")
@signed_in
def table() -> Response:
    """Give all my bookings for a spreadsheet: those ahead, then past and cancelled ones."""
    viewer = the_viewer()
    found = [
        one
        for ahead in (True, False)
        for one in queries.my_bookings(viewer, upcoming=ahead, limit=MOST_IN_TABLE)
    ]
    pages = (queries.details(found[n : n + PAGE], viewer) for n in range(0, len(found), PAGE))
    text = csv_of(detail for page in pages for detail in page if detail.level is Level.FULL)
    answer = Response(text, mimetype="text/csv")
    answer.headers["Content-Disposition"] = "attachment; filename=bookings.csv"
    return answer


def _after(args: Mapping[str, str]) -> tuple[datetime, int] | None:
    """Read the key of the page before; a bad one starts from the beginning."""
    moment, _, public_id = args.get("after", "").partition("~")
    try:
        start = datetime.fromisoformat(moment)
    except ValueError:
        return None
    row_id = queries.row_id(public_id) if start.tzinfo else None
    return (start, row_id) if row_id is not None else None


def _next_href(found: list[Booking], past: bool, group: bool) -> str | None:
    if len(found) <= PAGE:
        return None
    last = found[PAGE - 1]
    after = f"{last.starts_at.isoformat()}~{last.public_id}"
    show, who = "past" if past else None, "group" if group else None
    return url_for("bookings.index", show=show, who=who, after=after)


@bp.get("/<booking_id>")
@signed_in
def show(booking_id: str) -> str:
    detail = _detail(booking_id)
    viewer = the_viewer()
    booking = detail.booking
    open_now = booking.ends_at > clock.now() and detail.status in ("requested", "confirmed", "in_use")
    overruled = overruled_of(booking.id) if detail.level is Level.FULL else []
    return render_template(
        "bookings/show.html",
        detail=detail,
        booking=booking,
        row=row_of(detail),
        full=detail.level is Level.FULL,
        overruled=overruled,
        overruled_by=names_of({one.by_id for one in overruled}) if overruled else {},
        history=history_of(booking, detail.timezone) if detail.level is Level.FULL else [],
        changeable=open_now and may_change(viewer, detail.relation),
        running=booking.starts_at <= clock.now(),
        steps=_steps(detail) if detail.status == "requested" else [],
        answerable=detail.status == "requested" and bool(open_for(viewer, booking.id)),
        series=series.series_of(detail, viewer),
        shareable=may_change(viewer, detail.relation),
        restorable=_restorable(detail, viewer),
    )


def _steps(detail: Detail) -> list[dict[str, str]]:
    """Return who has to answer a request and who has, in words."""
    rows = steps_of(detail.booking.id)
    names = names_of([row.answered_by_id for row in rows if row.answered_by_id])
    return [
        {"who": DECIDERS[row.decider].capitalize(), "rule": row.rule, "state": _step_words(row, names)}
        for row in rows
    ]


def _step_words(row: ApprovalStep, names: Mapping[int, str]) -> str:
    if row.approved:
        return f"approved by {names.get(row.answered_by_id or 0, 'somebody')}"
    if row.escalated_at:
        return "passed on to the next who may answer"
    return "asked" if row.opened_at else "asked after that"


def _restorable(detail: Detail, viewer: Viewer) -> bool:
    ahead = detail.booking.starts_at > clock.now()
    return detail.status == "cancelled" and ahead and may_change(viewer, detail.relation)


def _detail(booking_id: str) -> Detail:
    return queries.detail(actions.find(booking_id, the_viewer()), the_viewer())


@bp.route("/new", methods=["GET", "POST"])
@signed_in
def new() -> str | Response | tuple[str, int]:
    if request.method == "GET":
        return _form_page(_to_copy() or blank(request.args, the_viewer()))
    form = from_post(request.form, the_viewer())
    if form.adds_row:
        return _form_page(form)
    if not form.validate():
        return _form_page(form), 422
    return _save_series(form) if form.repeats.data else _save(form, None)


def _to_copy() -> BookingForm | None:
    """Return the form for a booking like another (`copy`), by default in the next week that is not over."""
    name = request.args.get("copy")
    if not name:
        return None
    if not name.isalnum():
        raise NotFound
    detail = _detail(name)
    if detail.level is not Level.FULL:
        raise NotFound
    return copied(detail, series.weeks_ahead(detail.booking), the_viewer())


@bp.route("/<booking_id>/edit", methods=["GET", "POST"])
@signed_in
def edit(booking_id: str) -> str | Response | tuple[str, int]:
    detail = _to_change(booking_id)
    if request.method == "GET":
        return _form_page(filled(detail, request.args, the_viewer()), detail)
    form = from_post(request.form, the_viewer(), detail)
    if form.adds_row:
        return _form_page(form, detail)
    if not form.validate():
        return _form_page(form, detail), 422
    return _save(form, detail)


def _to_change(booking_id: str) -> Detail:
    detail = _detail(booking_id)
    if not may_change(the_viewer(), detail.relation):
        raise NotFound
    return detail


def _save(form: BookingForm, detail: Detail | None) -> Response | tuple[str, int]:
    viewer = the_viewer()
    booking_id = detail.booking.public_id if detail else None
    try:
        asked = form.booking_request()
        one = form.scope.data == "this"
        with actions.advised(asked, viewer, booking_id) if one else nullcontext():
            saved, status = _change(form, detail) if detail else _book_once(form, viewer)
    except Refused as refused:
        _offer_overruling(form, refused, detail)
        return _form_page(form, detail, refused), refused.status
    except Invalid as invalid:
        form.take_errors(invalid)
        return _form_page(form, detail), invalid.status
    except BookingError as error:
        if error.status not in (409, 412):
            raise
        return _form_page(form, detail, problem=str(error)), error.status
    _flash(status, detail is None)
    return redirect(url_for("bookings.show", booking_id=saved), 303)


def _save_series(form: BookingForm) -> Response | tuple[str, int] | str:
    """Show the dates of what repeats; book them once they were seen and confirmed."""
    try:
        asked = form.booking_request()
        repeat = confirmed(form, request.form, asked, form.tz)
        if repeat is None:
            return _form_page(form, preview=_preview(form))
        made = series.once(
            form.key.data, [repr(asked), repeat.rrule], lambda: book_series(asked, repeat, the_viewer())
        )
    except SeriesClash as clash:
        return _form_page(
            form, preview=_preview(form, request.form.getlist("keep")), clash=True
        ), clash.status
    except Invalid as invalid:
        form.take_errors(invalid)
        return _form_page(form), invalid.status
    return series.shown(made)


def _preview(form: BookingForm, kept: Collection[str] = ()) -> Preview:
    asked = form.booking_request()
    rrule = rrule_of(form, asked, form.tz)
    return preview_of(form, try_series(asked, Repeat(rrule), the_viewer()), asked, rrule, kept)


def _offer_overruling(form: BookingForm, refused: Refused, detail: Detail | None) -> None:
    """Offer a manager to overrule what they may; what they chose to overrule is in the way no more."""
    if not manages_something(the_viewer()):
        return
    asked = form.booking_request()
    before = detail.booking if detail else None
    found = actions.check_only(
        replace(asked, override=None), the_viewer(), before.public_id if before else None
    )[0]
    form.offer_overruling(overrulable(found, asked, the_viewer(), before))


def _change(form: BookingForm, detail: Detail) -> tuple[str, str]:
    booking = change_series(
        detail.booking.public_id,
        form.booking_request(),
        the_viewer(),
        form.scope.data or "this",
        form.reason.data or "",
        form.version.data,
    )
    return booking.public_id, booking.status


def _book_once(form: BookingForm, viewer: Viewer) -> tuple[str, str]:
    """Book, once even if the form is sent twice."""
    asked = form.booking_request()
    key = f"form:{form.key.data}"
    content = fingerprint(["POST /bookings", repr(asked)])
    with transaction():
        known = first_answer(viewer.id, key, content)
        if known is None:
            booking = actions.book(asked, viewer)
            known = Answer(303, {"id": booking.public_id, "status": booking.status})
            remember(viewer.id, key, known)
    return str(known.body["id"]), str(known.body["status"])


def _flash(status: str, made: bool) -> None:
    if status == "requested":
        flash("Requested. The time is held for you until the facility’s staff answer.", "success")
    else:
        flash("Booked." if made else "Changed.", "success")


def _form_page(
    form: BookingForm,
    detail: Detail | None = None,
    refused: Refused | None = None,
    problem: str | None = None,
    preview: Preview | None = None,
    clash: bool = False,
) -> str:
    return render_template(
        "bookings/form.html",
        form=form,
        detail=detail,
        refused=refused,
        problem=problem,
        preview=preview,
        clash=clash,
        resources=resource_choices(),
        needs_reason=detail is not None and must_give_a_reason(the_viewer(), detail.relation),
        others=_books_for_others(the_viewer()),
        may_wait=isinstance(refused, SlotTaken) and detail is None and not form.on_behalf_of.data,
        explain_href=explain.address(form, the_viewer(), detail) if refused else None,
        taking=taking,
        moment_words=lambda timezone: partial(words.moment, timezone=timezone),
        period_words=lambda timezone: partial(words.when, timezone=timezone),
    )


def _books_for_others(viewer: Viewer) -> bool:
    return bool(viewer.staffs_anything or viewer.coordinates or viewer.leads)


@bp.route("/<booking_id>/cancel", methods=["GET", "POST"])
@signed_in
def cancel(booking_id: str) -> str | Response | tuple[str, int]:
    detail = _to_change(booking_id)
    if request.method == "GET":
        return _cancel_page(detail)
    reason, scope = request.form.get("reason", ""), request.form.get("scope", "this")
    try:
        booking = cancel_series(booking_id, the_viewer(), scope if scope in SCOPES else "this", reason)
    except BookingError as error:
        if error.status not in (409, 422):
            raise
        return _cancel_page(detail, reason, error, scope), error.status
    flash("Ended." if booking.status == "completed" else "Cancelled. The time is free again.", "success")
    return redirect(url_for("bookings.show", booking_id=booking_id), 303)


def _cancel_page(
    detail: Detail, reason: str = "", error: BookingError | None = None, scope: str = "this"
) -> str:
    fault = error.errors["reason"][0] if isinstance(error, Invalid) else str(error) if error else None
    return render_template(
        "bookings/cancel.html",
        detail=detail,
        row=row_of(detail),
        reason=reason,
        scope=scope,
        scopes=SCOPES if detail.booking.series_id else {},
        fault=fault,
        running=detail.booking.starts_at <= clock.now() - timedelta(seconds=1),
        needs_reason=must_give_a_reason(the_viewer(), detail.relation),
    )


@bp.get("/<booking_id>/history")
@signed_in
def history(booking_id: str) -> Response:
    """The history is a part of the booking's page."""
    _detail(booking_id)
    return redirect(url_for("bookings.show", booking_id=booking_id, _anchor="history"))
