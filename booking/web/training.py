"""Training: what I have shown, sessions with places, what I still need; trainers plan and record them."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response
from wtforms import DateField, IntegerField, SelectField, TimeField
from wtforms.validators import Optional

from booking.base import clock
from booking.base.errors import BookingError, Invalid, NotFound
from booking.bookings.checklist import checklists
from booking.facilities.places import FacilityPlace
from booking.facilities.queries import places
from booking.people.permissions import Permission, able_to, must_be_able_to
from booking.training import sessions
from booking.training.listing import (
    Listed,
    people_in,
    session_as_seen,
    sessions_to_come,
    sessions_to_record,
)
from booking.training.permits import document_of
from booking.training.queries import all_modules, competences_of, permits_of
from booking.training.sessions import SessionDetails
from booking.training.words import LEVEL_WORDS, OUTCOME_WORDS
from booking.web import words
from booking.web.editing import EditForm, done, lines, text
from booking.web.forms import LocalMoment
from booking.web.session import signed_in, the_viewer

bp = Blueprint("training", __name__, url_prefix="/training")
SESSION = "/sessions/<int(max=2147483647):session_id>"
SOON = timedelta(days=30)


@bp.get("")
@signed_in
def index() -> str:
    viewer = the_viewer()
    mine = [one for one in places().resources.values() if one.is_for(viewer.role)]
    lists = [one for one in checklists(viewer, mine) if one.items]
    teaches = [one.id for one in places().facilities.values() if able_to(viewer, Permission.TEACH, one.id)]
    return render_template(
        "training/index.html",
        sessions=[_row(one) for one in sessions_to_come(viewer.id)],
        competences=competences_of(viewer.id),
        permits=permits_of(viewer.id, viewer.projects),
        levels=LEVEL_WORDS,
        today=clock.now().date(),
        soon=clock.now().date() + SOON,
        lacking=[one for one in lists if one.lacking],
        ready=[one.resource for one in lists if not one.lacking],
        to_record=[_short(one) for one in sessions_to_record(teaches)] if teaches else [],
        may_plan=bool(teaches),
    )


def _facility(session: Any) -> FacilityPlace:
    return places().facilities[session.facility_id]


def _row(listed: Listed) -> dict[str, Any]:
    session = listed.session
    facility = _facility(session)
    return {
        "listed": listed,
        "session": session,
        "title": f"{listed.module.code} {listed.module.title}",
        "when": words.when(session.starts_at, session.ends_at, facility.timezone),
        "where": ", ".join(part for part in (facility.code, session.place) if part),
        "href": url_for("training.session", session_id=session.id),
    }


def _short(session: Any) -> dict[str, Any]:
    module = next(one for one in all_modules() if one.id == session.module_id)
    return {
        "title": f"{module.code} {module.title}",
        "when": words.when(session.starts_at, session.ends_at, _facility(session).timezone),
        "href": url_for("training.session", session_id=session.id),
    }


# --- places ----------------------------------------------------------------------------------------


@bp.get(SESSION)
@signed_in
def session(session_id: int) -> str:
    return _session_page(session_id)


def _session_page(session_id: int, problem: str = "") -> str:
    viewer = the_viewer()
    listed = session_as_seen(session_id, viewer.id)
    if listed is None:
        raise NotFound
    teaches = sessions.teaches(viewer, listed.session)
    return render_template(
        "training/session.html",
        row=_row(listed),
        listed=listed,
        facility=_facility(listed.session),
        missing=sessions.missing_before(listed.session, viewer.id) if listed.mine is None else [],
        teaches=teaches,
        people=people_in(session_id) if teaches else [],
        begun=listed.session.starts_at <= clock.now(),
        outcomes=OUTCOME_WORDS,
        problem=problem,
    )


def _done_or_told(session_id: int, act: Callable[[], object], message: str) -> Response | tuple[str, int]:
    try:
        act()
    except BookingError as error:
        if error.status == 404:
            raise
        told = (
            " ".join(m for found in error.errors.values() for m in found)
            if isinstance(error, Invalid)
            else ""
        )
        return _session_page(session_id, told or str(error)), error.status
    flash(message, "success")
    return redirect(url_for("training.session", session_id=session_id), 303)


@bp.post(f"{SESSION}/take")
@signed_in
def take(session_id: int) -> Response | tuple[str, int]:
    return _done_or_told(
        session_id, lambda: sessions.take_place(session_id, the_viewer()), "The place is yours."
    )


@bp.post(f"{SESSION}/leave")
@signed_in
def leave(session_id: int) -> Response | tuple[str, int]:
    return _done_or_told(
        session_id, lambda: sessions.leave_place(session_id, the_viewer()), "You gave the place back."
    )


@bp.post(f"{SESSION}/people")
@signed_in
def add_person(session_id: int) -> Response | tuple[str, int]:
    person = request.form.get("person", "")[:300]

    def act() -> None:
        if not person.strip():
            raise Invalid({"person": ["Give the address of the person."]})
        sessions.take_place(session_id, the_viewer(), person)

    return _done_or_told(session_id, act, "They have a place.")


@bp.post(f"{SESSION}/outcomes")
@signed_in
def outcomes(session_id: int) -> Response | tuple[str, int]:
    found = {
        int(name.removeprefix("outcome-")): value
        for name, value in request.form.items()
        if name.removeprefix("outcome-").isdecimal() and name.isascii() and len(name) < 18 and value
    }
    return _done_or_told(
        session_id, lambda: sessions.record_outcomes(session_id, found, the_viewer()), "Recorded."
    )


@bp.post(f"{SESSION}/cancel")
@signed_in
def cancel(session_id: int) -> Response | tuple[str, int]:
    reason = request.form.get("reason", "")
    return _done_or_told(
        session_id,
        lambda: sessions.cancel_session(session_id, the_viewer(), reason),
        "The session was called off.",
    )


# --- planning --------------------------------------------------------------------------------------


class SessionForm(EditForm):
    """A session: what, when, where, for how many, and who teaches."""

    module = SelectField("Module")
    facility = SelectField("Facility")
    trainer = text("Trainer", "Their e-mail address.")
    start_date = DateField("Day", [Optional()])
    start_time = TimeField("Begins at", [Optional()])
    end_time = TimeField("Ends at", [Optional()])
    places = IntegerField("Places", [Optional()], description="How many people can come.")
    place = text("Where", "Such as H-01 Cell culture laboratory.", optional=True)
    note = lines("Note", "What to bring or to read before.")

    def offer(self) -> None:
        """Offer the modules and the facilities at which I teach."""
        viewer = the_viewer()
        self.module.choices = {one.code: f"{one.code} {one.title}" for one in all_modules()}
        self.facility.choices = {
            one.code: one.name
            for one in places().facilities.values()
            if able_to(viewer, Permission.TEACH, one.id)
        }

    def details(self, facility: FacilityPlace | None) -> SessionDetails:
        if facility is None:
            raise Invalid({"facility": ["Choose one of the list."]})
        day = self.start_date.data
        start = LocalMoment(day, self.start_time.data, "first", facility.tz)
        end = LocalMoment(day, self.end_time.data, "first", facility.tz)
        faults = {"start_time": start.fault, "end_time": end.fault}
        if any(faults.values()):
            raise Invalid({name: [fault] for name, fault in faults.items() if fault})
        return SessionDetails(
            module=self.module.data or "",
            facility=facility.code,
            trainer=self.trainer.data or "",
            starts_at=start.moment,
            ends_at=end.moment,
            places=self.places.data,
            place=self.place.data or "",
            note=self.note.data or "",
        )


NAMES = {"starts_at": "start_date", "ends_at": "end_time"}


@bp.route("/sessions/new", methods=["GET", "POST"])
@signed_in
def new_session() -> Response | tuple[str, int]:
    viewer = the_viewer()
    mine = [one for one in places().facilities.values() if able_to(viewer, Permission.TEACH, one.id)]
    if not mine:
        must_be_able_to(viewer, Permission.TEACH)
    form = SessionForm(data={"trainer": viewer.email, "module": request.args.get("module")})
    form.offer()

    def act() -> Any:
        return sessions.plan_session(form.details(places().facility(form.facility.data or "")), viewer)

    if form.sent(act, NAMES):
        return done("The session is planned.", url_for("training.session", session_id=form.stored.id))
    page = render_template(
        "training/form.html", heading="Plan a session", form=form, back=url_for("training.index")
    )
    return page, form.status


@bp.route(f"{SESSION}/edit", methods=["GET", "POST"])
@signed_in
def edit_session(session_id: int) -> Response | tuple[str, int]:
    viewer = the_viewer()
    found = sessions.find_session(session_id)
    must_be_able_to(viewer, Permission.TEACH, found.facility_id)
    facility = _facility(found)
    here = url_for("training.session", session_id=session_id)
    picture = sessions.picture(found)
    start, end = (moment.astimezone(facility.tz) for moment in (found.starts_at, found.ends_at))
    moments = {"start_date": start.date(), "start_time": start.time(), "end_time": end.time()}
    form = SessionForm(data=picture | moments)
    form.offer()
    del form.facility

    def act() -> Any:
        return sessions.change_session(session_id, form.details(facility), viewer, form.as_read.data)

    if form.sent(act, NAMES):
        return done("Stored.", here)
    form.mark(sessions.picture(sessions.find_session(session_id)))
    page = render_template("training/form.html", heading="Change the session", form=form, back=here)
    return page, form.status


# --- permits ---------------------------------------------------------------------------------------


@bp.get("/permits/<int(max=2147483647):permit_id>/document")
@signed_in
def document(permit_id: int) -> Response:
    found = document_of(permit_id, the_viewer())
    answer = send_file(BytesIO(found.content), found.media_type, as_attachment=True, download_name=found.name)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
