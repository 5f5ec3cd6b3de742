"""Closures: days on which a facility, a room or a resource is closed, and the bookings that they touch."""

from datetime import date

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import DateField, SelectField

from booking.base import clock
from booking.base.period import Period, midnight
from booking.bookings.affected import Affected, touching
from booking.facilities import pictures, rule_actions
from booking.facilities.models import Closure
from booking.facilities.places import ClosedDays, FacilityPlace, next_day
from booking.facilities.queries import places
from booking.facilities.rule_actions import ClosureDetails
from booking.people.permissions import Permission, must_be_able_to
from booking.web import words
from booking.web.admin.parts import (
    Filter,
    affected_rows,
    facility_choices,
    form_page,
    history_of,
    link,
    list_page,
    may_change,
    may_change_any,
    page_after,
    the_facility,
)
from booking.web.admin.resources import choose_facility
from booking.web.editing import EditForm, done, lines, text
from booking.web.session import the_viewer

bp = Blueprint("closures", __name__, url_prefix="/closures")


class ClosureForm(EditForm):
    """What is closed, when and why."""

    name = text("Name", "Everybody sees it, such as Christmas closure.")
    first_day = DateField("First day")
    last_day = DateField("Last day", description="It is closed on this day too.")
    room = SelectField("Room")
    resource = SelectField("Resource")
    reason = lines("Reason", "Seen by staff only.")

    def offer(self, facility: FacilityPlace) -> None:
        """Offer the rooms and resources of the facility."""
        rooms = [room for room in places().rooms.values() if room.facility_id == facility.id]
        resources = places().resources_of(facility.id)
        self.room.choices = {"": "Not one room only", **{r.code: f"{r.code} {r.name}" for r in rooms}}
        self.resource.choices = {
            "": "Not one resource only",
            **{r.code: f"{r.code} {r.name}" for r in resources},
        }

    def details(self, facility: str) -> ClosureDetails:
        return ClosureDetails(
            facility=facility,
            name=self.name.data or "",
            first_day=self.first_day.data,
            last_day=self.last_day.data,
            reason=self.reason.data or "",
            room=self.room.data or "",
            resource=self.resource.data or "",
        )


@bp.get("")
def index() -> str:
    filters = (
        Filter("facility", "Facility", facility_choices(False)),
        Filter("when", "When", {"past": "Past"}, "Now and later"),
    )
    code, when = (one.value for one in filters)
    rows = [
        (facility, closure)
        for facility in places().facilities.values()
        if code in ("", facility.code)
        for closure in facility.closures
        if (closure.last_day < _today(facility)) == (when == "past")
    ]
    rows.sort(key=lambda row: (row[1].first_day, row[1].id or 0), reverse=when == "past")
    page, after = page_after(rows, lambda row: row[1].id)
    cells = [
        (
            link(closure.name, url_for(".show", closure_id=closure.id)),
            days_words(closure.first_day, closure.last_day),
            what_words(facility, closure),
        )
        for facility, closure in page
    ]
    return list_page(
        "Closures",
        ("Closure", "Days", "What is closed"),
        cells,
        filters,
        after=after,
        add=(url_for(".new", facility=code or None), "Add a closure") if may_change_any() else None,
        lead="Bank holidays close a facility by themselves: they come from its calendar.",
    )


def _today(facility: FacilityPlace) -> date:
    return clock.now().astimezone(facility.tz).date()


def days_words(first: date, last: date) -> str:
    return words.day(first) if first == last else f"{words.day(first)} – {words.day(last)}"


def what_words(facility: FacilityPlace, closure: ClosedDays | Closure) -> str:
    """Name what a closure closes."""
    if closure.room_id is not None:
        room = places().rooms[closure.room_id]
        return f"{room.code} {room.name}"
    if closure.resource_id is not None:
        resource = places().resources[closure.resource_id]
        return f"{resource.code} {resource.name}"
    return facility.name


def _touched(closure: Closure) -> Affected:
    facility = places().facilities[closure.facility_id]
    concerned = [
        one.id
        for one in places().resources_of(facility.id, closure.room_id)
        if closure.resource_id in (None, one.id)
    ]
    end = midnight(next_day(closure.last_day), facility.tz)
    return touching(concerned, Period(midnight(closure.first_day, facility.tz), end))


def _told(closure: Closure) -> str:
    count = _touched(closure).count
    if not count:
        return "Stored. No booking is touched."
    return f"Stored. {count} booking{'s' if count > 1 else ''} on these days stay: see the list below."


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int] | str:
    viewer = the_viewer()
    if not may_change_any():
        must_be_able_to(viewer, Permission.CHANGE_FACILITY)
    facility = the_facility()
    if facility is None:
        return choose_facility("Add a closure", ".new")
    form = ClosureForm(data={name: request.args.get(name) for name in ("room", "resource")})
    form.offer(facility)
    if form.sent(lambda: rule_actions.add_closure(form.details(facility.code), viewer)):
        return done(_told(form.stored), url_for(".show", closure_id=form.stored.id))
    return form_page(
        "Add a closure", form, url_for(".index"), submit="Add", lead=f"At {facility.name}.", facility=facility
    )


@bp.get("/<int(max=2147483647):closure_id>")
def show(closure_id: int) -> str:
    closure = rule_actions.find_closure(closure_id)
    facility = places().facilities[closure.facility_id]
    return render_template(
        "admin/closures/show.html",
        closure=closure,
        facility=facility,
        what=what_words(facility, closure),
        days=days_words(closure.first_day, closure.last_day),
        affected=affected_rows(_touched(closure)),
        may_change=may_change(facility.id),
        history=history_of("closure", closure.id),
    )


@bp.route("/<int(max=2147483647):closure_id>/edit", methods=["GET", "POST"])
def edit(closure_id: int) -> Response | tuple[str, int]:
    closure = rule_actions.find_closure(closure_id)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, closure.facility_id)
    facility = places().facilities[closure.facility_id]
    here = url_for(".show", closure_id=closure_id)
    form = ClosureForm(data=pictures.of_closure(closure))
    form.offer(facility)

    def act() -> Closure:
        details = form.details(facility.code)
        return rule_actions.change_closure(closure_id, details, viewer, form.as_read.data)

    if form.sent(act):
        return done(_told(form.stored), here)
    closure = rule_actions.find_closure(closure_id)
    form.mark(pictures.of_closure(closure))
    return form_page(
        f"Change {closure.name}",
        form,
        here,
        crumb=(here, closure.name),
        lead=f"At {facility.name}.",
        history=history_of("closure", closure.id) if form.status == 412 else [],
    )


@bp.post("/<int(max=2147483647):closure_id>/remove")
def remove(closure_id: int) -> Response:
    rule_actions.remove_closure(closure_id, the_viewer())
    return done("The closure was removed: it is open again on these days.", url_for(".index"))
