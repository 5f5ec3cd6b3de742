"""When bookings need approval and who gives it, and who owns a resource."""

from typing import Any

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField, SelectField
from wtforms.validators import Optional

from booking.bookings.approving import DECIDERS, in_words
from booking.facilities import approval_actions
from booking.facilities.actions import find_resource
from booking.facilities.approval_actions import ApprovalDetails
from booking.facilities.models import KINDS, ApprovalRule
from booking.facilities.places import ApprovalPlace, FacilityPlace
from booking.facilities.queries import approval_place, places
from booking.people.actions import addresses
from booking.people.models import ROLES
from booking.people.permissions import Permission, must_be_able_to
from booking.web.admin.parts import form_page, history_of, may_change, may_change_any, the_facility
from booking.web.admin.resources import choose_facility
from booking.web.editing import EditForm, LengthField, done, lines, text
from booking.web.session import the_viewer

bp = Blueprint("approvals", __name__, url_prefix="/approvals")
RULE = "/<int(max=2147483647):rule_id>"
WHO = {name: words[0].upper() + words[1:] for name, words in DECIDERS.items()}


class ApprovalForm(EditForm):
    """When bookings need approval, and who gives it."""

    name = text("Name", "Who asks and who answers read it.")
    set_by = text("Set by", "Whom to ask about it.")
    kind = SelectField("Only for the kind")
    resource = SelectField("Only for the resource")
    role = SelectField("Only for the role")
    longer_than_minutes = LengthField(
        "Only if it is longer than", [Optional()], description="Such as 8 h or 2 days; empty for any length."
    )
    outside_hours = BooleanField("Only if people are there outside staffed hours")
    first = SelectField(
        "Who answers",
        choices=WHO,
        description="Where there is nobody, those who come next are asked at once.",
    )
    second = SelectField("Then, as a second step", choices={"": "Nobody else", **WHO})
    own = BooleanField(
        "Who decides may also decide about bookings of their own",
        description="Their own bookings then need no answer from themself.",
    )
    answer_days = IntegerField(
        "Working days to answer",
        description="Then it is passed on to staff or managers; one working day later it expires.",
    )

    def offer(self, facility: FacilityPlace) -> None:
        """Offer the kinds and resources of the facility."""
        resources = places().resources_of(facility.id)
        self.kind.choices = {"": "All kinds", **{kind: kind.capitalize() for kind in KINDS}}
        self.resource.choices = {"": "All resources", **{r.code: f"{r.code} {r.name}" for r in resources}}
        self.role.choices = {"": "All roles", **{role: role.capitalize() for role in ROLES}}

    def details(self, facility: str) -> ApprovalDetails:
        names = ("name", "set_by", "kind", "resource", "role", "first", "second")
        return ApprovalDetails(
            facility=facility,
            longer_than_minutes=self.longer_than_minutes.data,
            outside_hours=self.outside_hours.data,
            own=self.own.data,
            answer_days=self.answer_days.data,
            **{name: self[name].data or "" for name in names},
        )


@bp.get("")
def index() -> str:
    catalogue = places()
    rows = [
        {
            "rule": rule,
            "facility": catalogue.facilities[rule.facility_id].code,
            "scope": _scope(rule),
            "words": in_words(approval_place(rule)),
            "mine": may_change(rule.facility_id),
        }
        for rule in approval_actions.approval_rules()
    ]
    simple = [one for one in catalogue.resources.values() if one.approval]
    owned = [one for one in catalogue.resources.values() if one.owners]
    return render_template(
        "admin/approvals/index.html", rows=rows, simple=simple, owned=owned, may_add=may_change_any()
    )


def _scope(rule: ApprovalRule) -> str:
    resource = places().resources.get(rule.resource_id or 0)
    parts = [
        resource.code if resource else f"every {rule.kind}" if rule.kind else "everything",
        f"for {rule.role}" if rule.role else "",
    ]
    return " ".join(part for part in parts if part)


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int] | str:
    viewer = the_viewer()
    if not may_change_any():
        must_be_able_to(viewer, Permission.CHANGE_FACILITY)
    facility = the_facility()
    if facility is None:
        return choose_facility("Ask for approval", ".new")
    first = ApprovalPlace("", "")
    form = ApprovalForm(data={"set_by": viewer.name, "first": "staff", "answer_days": first.answer_days})
    form.offer(facility)
    if form.sent(lambda: approval_actions.add_approval_rule(form.details(facility.code), viewer)):
        return done("Stored. It counts from now on; bookings that exist stay as they are.", url_for(".index"))
    return form_page("Ask for approval", form, url_for(".index"), submit="Add", lead=f"At {facility.name}.")


@bp.route(f"{RULE}/edit", methods=["GET", "POST"])
def edit(rule_id: int) -> Response | tuple[str, int]:
    viewer = the_viewer()
    rule = approval_actions.find_approval_rule(rule_id)
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, rule.facility_id)
    facility = places().facilities[rule.facility_id]
    form = ApprovalForm(data=approval_actions.picture(rule))
    form.offer(facility)

    def act() -> Any:
        details = form.details(facility.code)
        return approval_actions.change_approval_rule(rule_id, details, viewer, form.as_read.data)

    if form.sent(act):
        return done("Stored. Requests that wait keep the steps that they have.", url_for(".index"))
    form.mark(approval_actions.picture(approval_actions.find_approval_rule(rule_id)))
    return form_page(
        f"Change {rule.name}",
        form,
        url_for(".index"),
        crumb=(url_for(".index"), "Approvals"),
        lead=f"At {facility.name}.",
        history=history_of("approval_rule", rule.id),
    )


@bp.post(f"{RULE}/remove")
def remove(rule_id: int) -> Response:
    approval_actions.remove_approval_rule(rule_id, the_viewer())
    return done("It is not asked for any more; requests that wait because of it wait on.", url_for(".index"))


class OwnersForm(EditForm):
    """Who answers for a resource."""

    owners = lines("Owners", "One e-mail address a line. Rules of approval may ask them.")


@bp.route("/owners/<code>", methods=["GET", "POST"])
def owners(code: str) -> Response | tuple[str, int]:
    viewer = the_viewer()
    resource = find_resource(code)
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, resource.facility_id)
    here = url_for("admin.resources.show", code=code)
    known = approval_actions.owners_of(resource.id)
    form = OwnersForm(data={"owners": "\n".join(known)})

    def act() -> None:
        given = addresses(form.owners.data or "")
        approval_actions.set_owners(code, given, viewer, form.as_read.data)

    if form.sent(act):
        return done("Stored.", here)
    form.mark({"owners": approval_actions.owners_of(resource.id)})
    return form_page(f"Owners of {resource.name}", form, here, crumb=(here, resource.name))
