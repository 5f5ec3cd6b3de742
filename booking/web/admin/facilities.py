"""Facilities: what they are, when they are open, and the days on which their states begin."""

from datetime import date
from typing import Any

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import DateField, IntegerField
from wtforms.validators import Optional

from booking.base import clock
from booking.bookings.affected import outside
from booking.facilities import actions, lists, pictures
from booking.facilities.actions import FacilityDetails, Span
from booking.facilities.models import STATES, Facility
from booking.facilities.places import FacilityPlace, Step
from booking.facilities.queries import places
from booking.people.permissions import Permission, able_to, must_be_able_to
from booking.web import words
from booking.web.admin.parts import (
    WEEKDAYS,
    affected_rows,
    form_page,
    history_of,
    list_page,
    may_change,
    page_after,
    with_code,
)
from booking.web.editing import EditForm, HoursField, done, lines, text
from booking.web.session import the_viewer

bp = Blueprint("facilities", __name__, url_prefix="/facilities")
STATE_HINTS = {
    "planned": "Nobody can book.",
    "commissioning": "Staff can book.",
    "pilot": "Staff and researchers can book.",
    "live": "Everybody can book, as the policies say.",
    "retiring": "Bookings must end before the closing day.",
    "closed": "Nobody can book any more.",
}


class FacilityForm(EditForm):
    """A facility's details; code and zone are fixed once it is added."""

    code = text("Code", "Short, such as HUB. It cannot be changed later.")
    name = text("Name")
    timezone = text("Time zone", "Its name, such as Europe/London. It cannot be changed later.")
    holidays = text("Bank holidays", "GB-ENG closes it on England's; leave it empty for none.", optional=True)
    description = lines("Description")
    most_supervised = IntegerField(
        "Students for each supervisor",
        [Optional()],
        description="The most that one supervisor may have here at the same time; empty for any number.",
    )
    position = IntegerField("Place in lists", [Optional()], description="Smaller numbers come first.")

    def details(self, code: str, timezone: str) -> FacilityDetails:
        return FacilityDetails(
            code=code,
            name=self.name.data or "",
            timezone=timezone,
            holidays=self.holidays.data or "",
            description=self.description.data or "",
            position=self.position.data or 0,
            most_supervised=self.most_supervised.data,
        )


@bp.get("")
def index() -> str:
    page, after = page_after(list(places().facilities.values()), lambda one: one.code)
    cells = [
        (
            with_code(one.name, one.code, url_for(".show", code=one.code)),
            state_today(one),
            one.timezone,
            one.holidays or "none",
        )
        for one in page
    ]
    may_add = able_to(the_viewer(), Permission.ADD_FACILITIES)
    return list_page(
        "Facilities",
        ("Facility", "State today", "Time zone", "Bank holidays"),
        cells,
        (),
        after=after,
        add=(url_for(".new"), "Add a facility") if may_add else None,
    )


def state_today(facility: FacilityPlace) -> str:
    """Return the state of today; without steps a facility is live."""
    today = clock.now().astimezone(facility.tz).date()
    begun = [step.state for step in facility.steps if step.starts_on <= today]
    return (begun[-1] if begun else "planned") if facility.steps else "live"


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.ADD_FACILITIES)
    form = FacilityForm(data={"timezone": "Europe/London", "holidays": "GB-ENG", "position": 0})

    def act() -> Facility:
        details = form.details(form.code.data or "", (form.timezone.data or "").strip())
        return actions.add_facility(details, viewer)

    if form.sent(act):
        return done(
            f"{form.stored.name} was added. Say next when it is open and from when it is live.",
            url_for(".show", code=form.stored.code),
        )
    return form_page("Add a facility", form, url_for(".index"), submit="Add")


def _place(code: str) -> FacilityPlace:
    return places().facilities[actions.find_facility(code).id]


@bp.get("/<code>")
def show(code: str) -> str:
    place = _place(code)
    resources = [one.id for one in places().resources_of(place.id)]
    openings = [policy for policy, _ in lists.policies(place.id) if policy.opens_on]
    hours = pictures.of_hours(place.id)
    return render_template(
        "admin/facilities/show.html",
        place=place,
        state=state_today(place),
        steps=step_rows(place.steps),
        hours=[
            (
                day,
                hours.get(f"staffed_{n}", "closed"),
                hours.get(f"extended_{n}", "none"),
                hours.get(f"prime_{n}", "none"),
            )
            for n, day in enumerate(WEEKDAYS)
        ],
        openings=[(policy, words.day(policy.opens_on)) for policy in openings if policy.opens_on],
        rooms=sum(room.facility_id == place.id for room in places().rooms.values()),
        resources=len(resources),
        affected=affected_rows(outside(resources, place.steps, place.tz)),
        may_change=may_change(place.id),
        history=history_of("facility", place.id),
    )


def step_rows(steps: tuple[Step, ...]) -> list[tuple[str, str, str]]:
    """Return a lifecycle as rows: state, first day, who can book."""
    return [(step.state.capitalize(), words.day(step.starts_on), STATE_HINTS[step.state]) for step in steps]


@bp.route("/<code>/edit", methods=["GET", "POST"])
def edit(code: str) -> Response | tuple[str, int]:
    facility = actions.find_facility(code)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, facility.id)
    here = url_for(".show", code=code)
    form = FacilityForm(data=pictures.of_facility(facility))
    del form.code, form.timezone
    zone = facility.timezone
    if form.sent(lambda: actions.change_facility(code, form.details(code, zone), viewer, form.as_read.data)):
        return done("Stored.", here)
    facility = actions.find_facility(code)
    form.mark(pictures.of_facility(facility))
    return form_page(
        f"Change {facility.name}",
        form,
        here,
        crumb=(here, facility.name),
        lead=f"{facility.code} runs on the clock of {facility.timezone}. Code and zone are fixed.",
        history=history_of("facility", facility.id) if form.status == 412 else [],
    )


# --- hours -----------------------------------------------------------------------------------------

HOURS_WORDS = {"staffed": "Staffed hours", "extended": "Extended hours", "prime": "Prime time"}


def _hours_form(place: FacilityPlace) -> EditForm:
    fields = {f"{kind}_{n}": HoursField(day) for kind in HOURS_WORDS for n, day in enumerate(WEEKDAYS)}
    data: dict[str, list[Any]] = {name: [] for name in fields}
    for span in sorted((*place.hours, *place.prime), key=lambda span: span.opens):
        data[f"{span.hours}_{span.weekday}"].append((span.opens, span.closes))
    form: EditForm = type("HoursForm", (EditForm,), fields)(data=data)
    return form


@bp.route("/<code>/hours", methods=["GET", "POST"])
def hours(code: str) -> Response | tuple[str, int]:
    place = _place(code)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, place.id)
    here = url_for(".show", code=code)
    form = _hours_form(place)

    def act() -> None:
        spans = [
            Span(kind, n, opens, closes)
            for kind in HOURS_WORDS
            for n in range(7)
            for opens, closes in form[f"{kind}_{n}"].data or ()
        ]
        actions.set_hours(code, spans, viewer, form.as_read.data)

    if form.sent(act):
        return done("Stored. Bookings that exist stay as they are.", here)
    form.mark(pictures.of_hours(place.id))
    return form_page(
        f"Opening hours of {place.name}",
        form,
        here,
        crumb=(here, place.name),
        template="admin/facilities/hours.html",
        groups={label: [form[f"{kind}_{n}"] for n in range(7)] for kind, label in HOURS_WORDS.items()},
        history=history_of("facility", place.id) if form.status == 412 else [],
    )


# --- lifecycle -------------------------------------------------------------------------------------


def steps_form(picture: dict[str, Any]) -> EditForm:
    """Build a form with the first day of each state."""
    fields = {
        state: DateField(f"{state.capitalize()} from", [Optional()], description=STATE_HINTS[state])
        for state in STATES
    }
    form: EditForm = type("StepsForm", (EditForm,), fields)(data=picture)
    return form


def steps_of(form: EditForm) -> dict[str, date | None]:
    return {state: form[state].data for state in STATES}


def count_words(count: int) -> str:
    """Say how many bookings a new date leaves where they can no longer be made."""
    if not count:
        return "Stored. No booking is touched."
    bookings = "1 booking lies" if count == 1 else f"{count} bookings lie"
    return f"Stored. {bookings} where the new dates allow none; nothing was cancelled, see the list below."


@bp.route("/<code>/lifecycle", methods=["GET", "POST"])
def lifecycle(code: str) -> Response | tuple[str, int]:
    place = _place(code)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, place.id)
    here = url_for(".show", code=code)
    form = steps_form(pictures.of_steps(facility_id=place.id))
    if form.sent(lambda: actions.set_facility_steps(code, steps_of(form), viewer, form.as_read.data)):
        place = _place(code)
        resources = [one.id for one in places().resources_of(place.id)]
        return done(count_words(outside(resources, place.steps, place.tz).count), here + "#bookings")
    form.mark(pictures.of_steps(facility_id=place.id))
    return form_page(
        f"Lifecycle of {place.name}",
        form,
        here,
        crumb=(here, place.name),
        lead="A booking is judged by the state of its own day. Without any date the facility is live.",
        history=history_of("facility", place.id) if form.status == 412 else [],
    )
