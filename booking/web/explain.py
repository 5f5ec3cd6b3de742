"""Explain: every rule for a person, resources and a time, kept or not. It is sent by GET, to be passed on."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField, StringField

from booking.base.errors import Forbidden, Invalid, NotFound
from booking.bookings.actions import find
from booking.bookings.explaining import Explained, explain
from booking.bookings.queries import Detail, detail
from booking.bookings.request import BookingRequest
from booking.bookings.visibility import may_change
from booking.people.queries import people
from booking.people.viewer import Viewer
from booking.web import words
from booking.web.bookings_form import BookingForm, first_times, resource_choices, rows_of, set_times
from booking.web.session import signed_in, the_viewer

bp = Blueprint("explain", __name__)
TITLE = "Explained"
MOST_PEOPLE = 5
KEPT = ("people", "project", "participants", "supervisor", "on_behalf_of", "start_fold", "end_fold")


class ExplainForm(BookingForm):
    """A booking that is only thought of: it needs no title and makes nothing."""

    class Meta:
        csrf = False

    title = StringField(default=TITLE)
    on_behalf_of = StringField("Person")
    booking = HiddenField()

    def booking_request(self) -> BookingRequest:
        self.title.data = TITLE
        return super().booking_request()


@bp.get("/explain")
@signed_in
def show() -> str | tuple[str, int]:
    viewer, asked = the_viewer(), "start_date" in request.args
    changed = _to_change(request.args.get("booking", ""), viewer)
    form = _sent(request.args, viewer, changed) if asked else _blank(request.args, viewer)
    told: list[Explained] | None = None
    if asked and form.validate() and _finds_person(form, viewer):
        try:
            told = explain(form.booking_request(), viewer, form.booking.data or None)
        except Invalid as invalid:
            form.take_errors(invalid)
        except Forbidden as forbidden:
            form.on_behalf_of.errors = [str(forbidden)]
    page = render_template(
        "explain/explain.html",
        form=form,
        changed=changed,
        told=told and sorted(told, key=lambda one: one.passed),
        resources=resource_choices(),
        refused=sum(not one.passed for one in told or ()),
        several=len(form.rows) > 1,
        moment=lambda value: words.moment(value, form.timezone),
    )
    return (page, 422) if asked and told is None else page


def _to_change(booking_id: str, viewer: Viewer) -> Detail | None:
    """Return the booking of which a change is asked about; nobody else's is known here."""
    if not booking_id:
        return None
    found = detail(find(booking_id, viewer), viewer)
    if not may_change(viewer, found.relation):
        raise NotFound
    return found


def _sent(args: "MultiDict[str, str]", viewer: Viewer, changed: Detail | None) -> ExplainForm:
    form = ExplainForm(formdata=args)
    form.prepare(viewer, rows_of(args), changed)
    return form


def _blank(args: Mapping[str, str], viewer: Viewer) -> ExplainForm:
    form = ExplainForm(formdata=None)
    code = args.get("resource", "")[:40]
    form.people.data = 1
    form.prepare(viewer, [(code, "1", "")] if code else [])
    set_times(form, *first_times(args, viewer, form))
    return form


def _finds_person(form: ExplainForm, viewer: Viewer) -> bool:
    """Let staff name a person as they know them; put the address in, or say why nobody is meant."""
    text = (form.on_behalf_of.data or "").strip()
    if not text or not viewer.staffs_anything or "@" in text:
        return True
    found = [person for person, _ in people(text, limit=MOST_PEOPLE)]
    if len(found) > 1:
        several = ", ".join(f"{person.name} ({person.email})" for person in found[:MOST_PEOPLE])
        form.on_behalf_of.errors = [f"Several people are called so: {several}."]
        return False
    form.on_behalf_of.data = found[0].email if found else text  # it may be an id
    return True


def address(form: BookingForm, viewer: Viewer, changed: Detail | None = None) -> str | None:
    """Return where what a form asks for is explained; None if it is not for this viewer to know."""
    theirs = bool(form.on_behalf_of.data) or (changed is not None and changed.organiser.id != viewer.id)
    if theirs and not viewer.staffs_anything:
        return None
    asked: dict[str, Any] = {name: form[name].data for name in KEPT if form[name].data not in (None, "")}
    for part in ("start", "end"):
        asked[f"{part}_date"], asked[f"{part}_time"] = (
            form[f"{part}_date"].data,
            f"{form[f'{part}_time'].data:%H:%M}",
        )
    for n, name in enumerate(("resource", "units", "unit")):
        asked[name] = [row[n] for row in form.rows]
    return url_for("explain.show", **asked, booking=changed.booking.public_id if changed else None)
