"""Policies: booking rules as data, for a facility, a kind or a resource, for all or for one role."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import DateField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import Optional

from booking.bookings.words import refusal_words
from booking.facilities import lists, pictures, rule_actions
from booking.facilities.models import KINDS, OVERRIDABLE, Policy
from booking.facilities.places import POLICY_DEFAULTS, FacilityPlace, ResourcePlace
from booking.facilities.queries import places
from booking.facilities.rule_actions import BOOKING_ROLES, PolicyDetails
from booking.people.models import ROLES
from booking.people.permissions import Permission, must_be_able_to
from booking.web import words
from booking.web.admin.parts import (
    Filter,
    facility_choices,
    form_page,
    history_of,
    link,
    list_page,
    may_change,
    may_change_any,
    page_of,
    the_facility,
)
from booking.web.admin.resources import choose_facility, rules_table
from booking.web.editing import DaysField, EditForm, LengthField, done, length_words, text
from booking.web.session import the_viewer

LISTS = ("roles", "overridable")
bp = Blueprint("policies", __name__, url_prefix="/policies")
RULE_WORDS = {
    "roles": "Who may book",
    "opens_on": "Opens on",
    "min_minutes": "Shortest booking",
    "max_minutes": "Longest booking",
    "grid_minutes": "Booked in steps of",
    "notice_minutes": "Notice",
    "horizon_days": "How far ahead",
    "setup_minutes": "Set-up before",
    "changeover_minutes": "Changeover after, same client next",
    "clearance_minutes": "Clearance after, another client next",
    "overridable": "Managers may overrule",
}


def length(name: str, hint: str = "") -> LengthField:
    return LengthField(RULE_WORDS[name], [Optional()], description=hint)


class PolicyForm(EditForm):
    """A policy's scope and what it says; what is empty it does not say."""

    name = text("Name", "People see it beside each rule that comes from it.")
    set_by = text("Set by", "Whom to ask about it.")
    kind = SelectField("Only for the kind")
    resource = SelectField("Only for the resource")
    role = SelectField("Only for the role")
    says_roles = RadioField(
        RULE_WORDS["roles"],
        choices={"": "This policy does not say", "these": "Only the roles below, and staff"},
        default="",
    )
    roles = SelectMultipleField("Roles", choices={role: role.capitalize() for role in BOOKING_ROLES})
    opens_on = DateField(
        RULE_WORDS["opens_on"],
        [Optional()],
        description="The day from which it can be used; with a role above, the day for that role.",
    )
    min_minutes = length("min_minutes", "Such as 30 min.")
    max_minutes = length("max_minutes", "Such as 4 h or 2 weeks.")
    grid_minutes = length("grid_minutes", "Counted from the day's opening time.")
    notice_minutes = length("notice_minutes", "The earliest start after booking.")
    horizon_days = DaysField(RULE_WORDS["horizon_days"], [Optional()], description="Such as 12 weeks.")
    setup_minutes = length("setup_minutes")
    changeover_minutes = length("changeover_minutes")
    clearance_minutes = length("clearance_minutes")
    says_overridable = RadioField(
        RULE_WORDS["overridable"],
        choices={"": "This policy does not say", "these": "Only the refusals below, with a reason"},
        default="",
    )
    overridable = SelectMultipleField("Refusals", choices={code: refusal_words(code) for code in OVERRIDABLE})

    def offer(self, facility: FacilityPlace) -> None:
        """Offer the kinds and resources of the facility."""
        resources = places().resources_of(facility.id)
        self.kind.choices = {"": "All kinds", **{kind: kind.capitalize() for kind in KINDS}}
        self.resource.choices = {"": "All resources", **{r.code: f"{r.code} {r.name}" for r in resources}}
        self.role.choices = {"": "All roles", **{role: role.capitalize() for role in ROLES}}

    def details(self, facility: str) -> PolicyDetails:
        values = {name: self[name].data for name in POLICY_DEFAULTS if name not in LISTS}
        return PolicyDetails(
            name=self.name.data or "",
            set_by=self.set_by.data or "",
            facility=facility,
            kind=self.kind.data or None,
            resource=self.resource.data or None,
            role=self.role.data or None,
            roles=self._list("roles"),
            overridable=self._list("overridable"),
            **values,
        )

    def _list(self, name: str) -> tuple[str, ...] | None:
        """Return what was chosen of a list, or None where the policy does not say."""
        return tuple(self[name].data or ()) if self[f"says_{name}"].data == "these" else None


@bp.get("")
def index() -> str:
    catalogue = places()
    filters = (
        Filter("facility", "Facility", facility_choices(False)),
        Filter("resource", "Resource (its code)"),
    )
    facility = catalogue.facility(filters[0].value)
    resource = catalogue.by_code.get(filters[1].value.strip())
    asked = request.args.get("after", "")
    after = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
    resource_id = resource.id if resource else 0 if filters[1].value else None
    rows = lists.policies(facility.id if facility else None, resource_id, after)
    page, last = page_of(rows, lambda row: row[0].id)
    cells = [
        (
            link(policy.name, url_for(".show", policy_id=policy.id)),
            catalogue.facilities[policy.facility_id].code,
            code or (f"kind {policy.kind}" if policy.kind else "all"),
            policy.role or "all",
            says_words(policy),
        )
        for policy, code in page
    ]
    code = filters[0].value or None
    return list_page(
        "Policies",
        ("Policy", "Facility", "For", "Role", "Says"),
        cells,
        filters,
        after=last,
        add=(url_for(".new", facility=code), "Add a policy") if may_change_any() else None,
        lead="The most specific policy that says something wins, value by value.",
    )


SHORT = {
    "min_minutes": "from {}",
    "max_minutes": "to {}",
    "grid_minutes": "steps of {}",
    "horizon_days": "{} ahead",
    "notice_minutes": "notice {}",
    "opens_on": "opens {}",
    "roles": "for {}",
}


def says_words(policy: Policy) -> str:
    """Put the first of what a policy says into one line."""
    said = {name: getattr(policy, name) for name in SHORT}
    parts = [SHORT[name].format(_value(name, value)) for name, value in said.items() if value or value == []]
    return ", ".join(parts[:4]) + (" …" if len(parts) > 4 else "") if parts else "set-up and changeover"


def says_rows(policy: Policy) -> list[tuple[str, str]]:
    """Return what a policy says as pairs of words."""
    said = {name: getattr(policy, name) for name in RULE_WORDS}
    return [(RULE_WORDS[name], _value(name, value)) for name, value in said.items() if value is not None]


def _value(name: str, value: Any) -> str:
    if name.endswith("_minutes"):
        return length_words(value)
    if name == "horizon_days":
        return length_words(value * 24 * 60)
    if name == "opens_on":
        return words.day(value)
    if name == "overridable":
        return "; ".join(refusal_words(code) for code in value) or "nothing"
    return ", ".join([*value, "staff"])


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int] | str:
    viewer = the_viewer()
    if not may_change_any():
        must_be_able_to(viewer, Permission.CHANGE_FACILITY)
    facility = the_facility()
    if facility is None:
        return choose_facility("Add a policy", ".new")
    given = {name: request.args.get(name) for name in ("kind", "resource", "role")}
    form = PolicyForm(data={"set_by": viewer.name, "says_roles": "", "says_overridable": "", **given})
    form.offer(facility)
    if form.sent(lambda: rule_actions.add_policy(form.details(facility.code), viewer)):
        return done("Stored. It counts from now on.", url_for(".show", policy_id=form.stored.id))
    return form_page(
        "Add a policy",
        form,
        url_for(".index"),
        submit="Add",
        lead=f"For {facility.name}.",
        template="admin/policies/form.html",
        facility=facility,
    )


@bp.get("/<int(max=2147483647):policy_id>")
def show(policy_id: int) -> str:
    policy = rule_actions.find_policy(policy_id)
    facility = places().facilities[policy.facility_id]
    concerned = _concerned(policy)
    return render_template(
        "admin/policies/show.html",
        policy=policy,
        facility=facility,
        resource=places().resources.get(policy.resource_id) if policy.resource_id else None,
        says=says_rows(policy),
        concerned=concerned[:50],
        count=len(concerned),
        rules=rules_table(concerned[0]) if len(concerned) == 1 else [],
        may_change=may_change(policy.facility_id),
        history=history_of("policy", policy.id),
    )


def _concerned(policy: Policy) -> list[ResourcePlace]:
    return [
        one
        for one in places().resources_of(policy.facility_id, kind=policy.kind)
        if policy.resource_id in (None, one.id)
    ]


@bp.route("/<int(max=2147483647):policy_id>/edit", methods=["GET", "POST"])
def edit(policy_id: int) -> Response | tuple[str, int]:
    policy = rule_actions.find_policy(policy_id)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, policy.facility_id)
    facility = places().facilities[policy.facility_id]
    here = url_for(".show", policy_id=policy_id)
    form = PolicyForm(data=_values(pictures.of_policy(policy)))
    form.offer(facility)

    def act() -> Policy:
        return rule_actions.change_policy(policy_id, form.details(facility.code), viewer, form.as_read.data)

    if form.sent(act):
        return done("Stored. It counts from now on; bookings that exist stay as they are.", here)
    policy = rule_actions.find_policy(policy_id)
    form.mark(pictures.of_policy(policy))
    return form_page(
        f"Change {policy.name}",
        form,
        here,
        crumb=(here, policy.name),
        lead=f"For {facility.name}.",
        template="admin/policies/form.html",
        facility=facility,
        history=history_of("policy", policy.id) if form.status == 412 else [],
    )


def _values(picture: dict[str, Any]) -> dict[str, Any]:
    scope = {name: picture.get(name, "") for name in ("kind", "resource", "role")}
    says = {f"says_{name}": "these" if name in picture else "" for name in LISTS}
    return picture | scope | says


@bp.post("/<int(max=2147483647):policy_id>/remove")
def remove(policy_id: int) -> Response:
    rule_actions.remove_policy(policy_id, the_viewer())
    return done("The policy was removed; more general ones count again.", url_for(".index"))
