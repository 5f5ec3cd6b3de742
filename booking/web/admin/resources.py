"""Resources: what can be booked, its units, twins and lifecycle, and the rules that count for each role."""

from typing import Any

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField, SelectField
from wtforms.validators import Optional

from booking.base import clock
from booking.bookings.affected import count_ahead, held_units, outside
from booking.bookings.approving import in_words, rules_of
from booking.bookings.quotas import limit_in_words
from booking.facilities import actions, pictures, resource_actions
from booking.facilities.approval_actions import owners_of
from booking.facilities.certificates import certificates_of
from booking.facilities.models import KINDS, RUNNING, Resource, Unit
from booking.facilities.places import ApprovalPlace, ResourcePlace
from booking.facilities.queries import places
from booking.facilities.resource_actions import ResourceDetails, UnitDetails
from booking.people.permissions import Permission, must_be_able_to
from booking.training.queries import modules_of
from booking.web.admin.facilities import count_words, step_rows, steps_form, steps_of
from booking.web.admin.parts import (
    Filter,
    affected_rows,
    facility_choices,
    form_page,
    history_of,
    list_page,
    may_change,
    may_change_any,
    page_after,
    the_facility,
    with_code,
)
from booking.web.editing import EditForm, done, lines, text
from booking.web.session import the_viewer
from booking.web.views import rules_in_words

bp = Blueprint("resources", __name__, url_prefix="/resources")
RUNNING_WORDS = {
    "attended": "Attended: the whole booking inside opening hours",
    "ends": "Ends: start and end inside opening hours, overnight between",
    "free": "Free: round the clock",
}
RULED_ROLES = ("student", "researcher", "industry", "staff")
ROLE_WORDS = {
    "student": "students",
    "researcher": "researchers",
    "industry": "industry users",
    "staff": "staff",
}


class ResourceForm(EditForm):
    """A resource's details; code, facility and long stay are fixed once it is added."""

    code = text(
        "Code", "Short, such as H-BSC1: it stands on labels and in links. It cannot be changed later."
    )
    name = text("Name")
    kind = SelectField("Kind", choices={kind: kind.capitalize() for kind in KINDS})
    room = SelectField("Room")
    model_class = text("Class", "Such as Class II, 1.8 m.", optional=True)
    units = IntegerField("Units", description="How many can be booked at the same time.")
    unit_name = text("One unit is called", "Such as place, shelf or run.")
    running = SelectField("Running", choices={running: RUNNING_WORDS[running] for running in RUNNING})
    approval = BooleanField("Each booking needs approval", description="Facility staff answer each request.")
    long_stay = BooleanField(
        "Long stays",
        description="Bookings of more than 35 days, such as cryostore racks. It cannot be changed later.",
    )
    needs = text("Also needed", "Such as a risk assessment; people are told when they book.", optional=True)
    twins = text("Twins", "Codes of resources that do the same job, with commas between.", optional=True)
    outlook = text("Outlook", "Such as: moves to another site.", optional=True)
    description = lines("Description")
    position = IntegerField("Place in lists", [Optional()], description="Smaller numbers come first.")

    def details(self, code: str, facility: str, **first: Any) -> ResourceDetails:
        return ResourceDetails(
            code=code,
            facility=facility,
            name=self.name.data or "",
            kind=self.kind.data,
            room=self.room.data,
            model_class=self.model_class.data or "",
            unit_name=self.unit_name.data or "",
            running=self.running.data,
            approval=self.approval.data,
            needs=self.needs.data or "",
            outlook=self.outlook.data or "",
            description=self.description.data or "",
            position=self.position.data or 0,
            twins=tuple((self.twins.data or "").split(",")),
            **first,
        )

    def offer(self, facility_id: int) -> None:
        """Offer the rooms of the facility."""
        rooms = [room for room in places().rooms.values() if room.facility_id == facility_id]
        self.room.choices = {"": "No room", **{room.code: f"{room.code} {room.name}" for room in rooms}}


@bp.get("")
def index() -> str:
    catalogue = places()
    filters = (
        Filter("q", "Name, code, class"),
        Filter("facility", "Facility", facility_choices(False)),
        Filter("kind", "Kind", {kind: kind.capitalize() for kind in KINDS}),
    )
    needle, code, kind = (one.value for one in filters)
    facility = catalogue.facility(code)
    rows = catalogue.resources_of(facility.id if facility else None, None, kind or None, needle)
    page, after = page_after(rows, lambda one: one.code)
    cells = [
        (
            with_code(one.name, one.code, url_for(".show", code=one.code)),
            one.kind,
            one.room.code if one.room else one.facility.code,
            len(one.units),
            state_today(one),
        )
        for one in page
    ]
    return list_page(
        "Resources",
        ("Resource", "Kind", "Place", "Units", "State today"),
        cells,
        filters,
        after=after,
        add=(url_for(".new", facility=code or None), "Add a resource") if may_change_any() else None,
        numeric=(3,),
    )


def state_today(resource: ResourcePlace) -> str:
    return resource.state_on(clock.now().astimezone(resource.facility.tz).date())


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int] | str:
    viewer = the_viewer()
    if not may_change_any():
        must_be_able_to(viewer, Permission.CHANGE_FACILITY)
    facility = the_facility()
    if facility is None:
        return choose_facility("Add a resource", ".new")
    first = {"units": 1, "unit_name": "place", "running": "attended", "position": 0}
    form = ResourceForm(data=first)
    form.offer(facility.id)

    def act() -> Resource:
        units = form.units.data if form.units.data is not None else 0
        more = {"units": units, "long_stay": form.long_stay.data}
        return resource_actions.add_resource(
            form.details(form.code.data or "", facility.code, **more), viewer
        )

    if form.sent(act):
        return done(f"{form.stored.name} was added.", url_for(".show", code=form.stored.code))
    return form_page(
        "Add a resource",
        form,
        url_for(".index"),
        submit="Add",
        lead=f"To {facility.name}.",
        facility=facility,
    )


def choose_facility(heading: str, endpoint: str) -> str:
    """Ask first at which facility something is to be added."""
    choices = [(name, url_for(endpoint, facility=code)) for code, name in facility_choices().items()]
    return render_template(
        "admin/choose.html", heading=heading, choices=choices, back=url_for(endpoint.replace("new", "index"))
    )


def _place(code: str) -> ResourcePlace:
    return places().resources[actions.find_resource(code).id]


@bp.get("/<code>")
def show(code: str) -> str:
    place = _place(code)
    catalogue = places()
    return render_template(
        "admin/resources/show.html",
        place=place,
        state=state_today(place),
        running=RUNNING_WORDS[place.running],
        units=resource_actions.units_of(place.id),
        twins=[catalogue.resources[twin] for twin in place.twins],
        steps=step_rows(place.steps),
        rules=rules_table(place),
        policies=[
            (policy, _scope_words(policy.kind, policy.resource_id, policy.role)) for policy in place.policies
        ],
        approvals=[(rule.name, in_words(rule)) for rule in _approvals(place)],
        owners=owners_of(place.id),
        quotas=[(quota, limit_in_words(quota)) for quota in place.quotas],
        modules=modules_of(place.id),
        certificates=certificates_of(place.id),
        ahead=count_ahead(place.id),
        affected=affected_rows(outside([place.id], place.steps, place.facility.tz)),
        may_change=may_change(place.facility.id),
        history=history_of("resource", place.id),
    )


def _approvals(place: ResourcePlace) -> list[ApprovalPlace]:
    """List the rules of approval that speak of a resource, for whichever role."""
    return list(dict.fromkeys(rule for role in RULED_ROLES for rule in rules_of(place, role)))


def _scope_words(kind: str | None, resource_id: int | None, role: str | None) -> str:
    scope = "this resource" if resource_id else f"kind {kind}" if kind else "the facility"
    return f"{scope}, for {role}" if role else scope


def rules_table(place: ResourcePlace) -> list[dict[str, Any]]:
    """Return each rule's effective value, once or by role, with the policies that it comes from."""
    by_role = {role: {row["name"]: row for row in rules_in_words(place, role)} for role in RULED_ROLES}
    names = dict.fromkeys(name for rows in by_role.values() for name in rows)
    return [
        _rule(name, {role: rows[name] for role, rows in by_role.items() if name in rows}) for name in names
    ]


def _rule(name: str, by_role: dict[str, dict[str, str]]) -> dict[str, Any]:
    roles_of: dict[str, list[str]] = {}
    for role, row in by_role.items():
        roles_of.setdefault(row["value"], []).append(ROLE_WORDS[role])
    same = len(roles_of) == 1 and len(by_role) == len(RULED_ROLES)
    return {
        "name": name.replace(" to you", ""),
        "values": [("" if same else ", ".join(roles), value) for value, roles in roles_of.items()],
        "set_by": list(dict.fromkeys(row["set_by"] for row in by_role.values())),
    }


@bp.route("/<code>/edit", methods=["GET", "POST"])
def edit(code: str) -> Response | tuple[str, int]:
    resource = actions.find_resource(code)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, resource.facility_id)
    here = url_for(".show", code=code)
    picture = pictures.of_resource(resource)
    form = ResourceForm(data=picture | {"twins": ", ".join(picture["twins"])})
    del form.code, form.units, form.long_stay
    form.offer(resource.facility_id)

    def act() -> Resource:
        details = form.details(code, "")
        return resource_actions.change_resource(code, details, viewer, count_ahead, form.as_read.data)

    if form.sent(act):
        return done("Stored.", here)
    resource = actions.find_resource(code)
    form.mark(pictures.of_resource(resource))
    return form_page(
        f"Change {resource.name}",
        form,
        here,
        crumb=(here, resource.name),
        history=history_of("resource", resource.id) if form.status == 412 else [],
    )


# --- units -----------------------------------------------------------------------------------------


def _units_form(units: list[Unit]) -> EditForm:
    fields: dict[str, Any] = {}
    data: dict[str, Any] = {"add": 0}
    for unit in units:
        fields[f"name-{unit.id}"] = text(f"Name of unit {unit.number}")
        fields[f"active-{unit.id}"] = BooleanField("In use")
        data |= {f"name-{unit.id}": unit.name, f"active-{unit.id}": unit.active}
    fields["add"] = IntegerField("Add units", description="How many more; they get numbers as names.")
    form: EditForm = type("UnitsForm", (EditForm,), fields)(data=data)
    return form


@bp.route("/<code>/units", methods=["GET", "POST"])
def units(code: str) -> Response | tuple[str, int]:
    resource = actions.find_resource(code)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, resource.facility_id)
    here = url_for(".show", code=code)
    rows = resource_actions.units_of(resource.id)
    form = _units_form(rows)

    def act() -> None:
        wanted = [
            UnitDetails(unit.id, form[f"name-{unit.id}"].data or "", form[f"active-{unit.id}"].data)
            for unit in rows
        ]
        add = form["add"].data or 0
        resource_actions.change_units(code, wanted, add, viewer, held_units, form.as_read.data)

    if form.sent(act):
        return done("Stored.", here)
    form.mark(pictures.of_units(resource.id))
    return form_page(
        f"Units of {resource.name}",
        form,
        here,
        crumb=(here, resource.name),
        lead="A unit can be retired once nothing is booked on it any more.",
        template="admin/resources/units.html",
        groups={unit.number: (form[f"name-{unit.id}"], form[f"active-{unit.id}"]) for unit in rows},
        history=history_of("resource", resource.id) if form.status == 412 else [],
    )


@bp.route("/<code>/lifecycle", methods=["GET", "POST"])
def lifecycle(code: str) -> Response | tuple[str, int]:
    place = _place(code)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, place.facility.id)
    here = url_for(".show", code=code)
    form = steps_form(pictures.of_steps(resource_id=place.id))
    if form.sent(lambda: actions.set_resource_steps(code, steps_of(form), viewer, form.as_read.data)):
        place = _place(code)
        return done(
            count_words(outside([place.id], place.steps, place.facility.tz).count), here + "#bookings"
        )
    form.mark(pictures.of_steps(resource_id=place.id))
    return form_page(
        f"Lifecycle of {place.name}",
        form,
        here,
        crumb=(here, place.name),
        lead=f"The stricter of its own state and that of {place.facility.name} counts. "
        "Without any date of its own, the facility's counts alone.",
        history=history_of("resource", place.id) if form.status == 412 else [],
    )
