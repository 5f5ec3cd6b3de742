"""Quotas: how much each person or group may book in a day, week or month, or have open."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField, SelectField
from wtforms.validators import Optional

from booking.bookings.quotas import limit_in_words
from booking.facilities import lists, quota_actions
from booking.facilities.models import KINDS, RUNNING, Quota
from booking.facilities.places import FacilityPlace, QuotaPlace, ResourcePlace
from booking.facilities.queries import places, quota_place
from booking.facilities.quota_actions import QuotaDetails
from booking.people.models import ROLES
from booking.people.permissions import Permission, must_be_able_to
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
from booking.web.admin.resources import choose_facility
from booking.web.editing import EditForm, LengthField, done, text
from booking.web.session import the_viewer

bp = Blueprint("quotas", __name__, url_prefix="/quotas")
QUOTA = "/<int(max=2147483647):quota_id>"
SPAN_WORDS = {
    "day": "A day",
    "week": "A week, from Monday",
    "month": "A month",
    "open": "Open at a time: what is not over yet",
}
SHARED_WORDS = {
    "user": "Each person for themself",
    "project": "Each project as a whole",
    "organisation": "Each organisation as a whole",
}
RUNNING_WORDS = {"attended": "Attended throughout", "ends": "Attended at both ends", "free": "Free running"}


class QuotaForm(EditForm):
    """A quota: how much, of what and for whom."""

    name = text("Name", "People see it when it refuses them.")
    set_by = text("Set by", "Whom to ask about it.")
    minutes = LengthField("Hours", [Optional()], description="Such as 5 h; 0 min allows none.")
    bookings = IntegerField("Or number of bookings", [Optional()])
    span = SelectField("In", choices=SPAN_WORDS)
    prime = BooleanField("Only in prime time", description="The facility's hours say when that is.")
    kind = SelectField("Only for the kind")
    running = SelectField("Only if it runs")
    resource = SelectField("Only for the resource")
    each_resource = BooleanField(
        "Each resource apart", description="So much on each resource, instead of on all together."
    )
    shared_by = SelectField("Counted for", choices=SHARED_WORDS)
    role = SelectField("Only for the role")
    project = text("Only for the project", "Its code.", optional=True)
    organisation = text("Only for the organisation", "Its code.", optional=True)

    def offer(self, facility: FacilityPlace) -> None:
        """Offer the kinds and resources of the facility."""
        resources = places().resources_of(facility.id)
        self.kind.choices = {"": "All kinds", **{kind: kind.capitalize() for kind in KINDS}}
        self.running.choices = {"": "In any way", **{one: RUNNING_WORDS[one] for one in RUNNING}}
        self.resource.choices = {"": "All resources", **{r.code: f"{r.code} {r.name}" for r in resources}}
        self.role.choices = {"": "All roles", **{role: role.capitalize() for role in ROLES}}

    def details(self, facility: str) -> QuotaDetails:
        scope = ("kind", "running", "resource", "role", "project", "organisation")
        same = ("minutes", "bookings", "span", "prime", "each_resource", "shared_by")
        values: dict[str, Any] = {name: self[name].data for name in same}
        values |= {name: (self[name].data or "").strip() or None for name in scope}
        return QuotaDetails(
            name=self.name.data or "", set_by=self.set_by.data or "", facility=facility, **values
        )


@bp.get("")
def index() -> str:
    catalogue = places()
    filters = (Filter("facility", "Facility", facility_choices(False)),)
    facility = catalogue.facility(filters[0].value)
    asked = request.args.get("after", "")
    after = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
    page, last = page_of(lists.quotas(facility.id if facility else None, after), lambda row: row.id)
    cells = [
        (
            link(quota.name, url_for(".show", quota_id=quota.id)),
            catalogue.facilities[quota.facility_id].code,
            _scope(quota_place(quota)),
            limit_in_words(quota_place(quota)),
        )
        for quota in page
    ]
    return list_page(
        "Quotas",
        ("Quota", "Facility", "For", "How much"),
        cells,
        filters,
        after=last,
        add=(url_for(".new", facility=filters[0].value or None), "Add a quota") if may_change_any() else None,
        lead="Each quota counts by itself: a booking has to keep them all.",
    )


def _scope(quota: QuotaPlace) -> str:
    """Say for what and for whom a quota is, in a few words."""
    resource = places().resources.get(quota.resource_id or 0)
    what = resource.code if resource else f"kind {quota.kind}" if quota.kind else "all"
    running = f"if {RUNNING_WORDS[quota.running].lower()}" if quota.running else ""
    return ", ".join(part for part in (what, running, quota.role) if part)


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int] | str:
    viewer = the_viewer()
    if not may_change_any():
        must_be_able_to(viewer, Permission.CHANGE_FACILITY)
    facility = the_facility()
    if facility is None:
        return choose_facility("Add a quota", ".new")
    given = {name: request.args.get(name) for name in ("kind", "resource")}
    form = QuotaForm(data={"set_by": viewer.name, "shared_by": "user", "span": "week", **given})
    form.offer(facility)
    if form.sent(lambda: quota_actions.add_quota(form.details(facility.code), viewer)):
        return done(
            "Stored. It counts from now on; bookings that exist stay.",
            url_for(".show", quota_id=form.stored.id),
        )
    return form_page(
        "Add a quota",
        form,
        url_for(".index"),
        submit="Add",
        lead=f"For {facility.name}.",
        template="admin/quotas/form.html",
        facility=facility,
    )


@bp.get(QUOTA)
def show(quota_id: int) -> str:
    quota = quota_actions.find_quota(quota_id)
    place = quota_place(quota)
    concerned = _concerned(place)
    return render_template(
        "admin/quotas/show.html",
        quota=quota,
        picture=_values(quota_actions.picture(quota)),
        facility=places().facilities[quota.facility_id],
        limit=limit_in_words(place),
        spans=SPAN_WORDS,
        shared=SHARED_WORDS,
        running=RUNNING_WORDS,
        concerned=concerned[:50],
        count=len(concerned),
        may_change=may_change(quota.facility_id),
        history=history_of("quota", quota.id),
    )


def _concerned(quota: QuotaPlace) -> list[ResourcePlace]:
    return [one for one in places().resources_of(quota.facility_id) if quota.concerns(one)]


@bp.route(f"{QUOTA}/edit", methods=["GET", "POST"])
def edit(quota_id: int) -> Response | tuple[str, int]:
    quota = quota_actions.find_quota(quota_id)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, quota.facility_id)
    facility = places().facilities[quota.facility_id]
    here = url_for(".show", quota_id=quota_id)
    form = QuotaForm(data=_values(quota_actions.picture(quota)))
    form.offer(facility)

    def act() -> Quota:
        details = form.details(facility.code)
        return quota_actions.change_quota(quota_id, details, viewer, form.as_read.data)

    if form.sent(act):
        return done("Stored. It counts from now on; bookings that exist stay.", here)
    quota = quota_actions.find_quota(quota_id)
    form.mark(quota_actions.picture(quota))
    return form_page(
        f"Change {quota.name}",
        form,
        here,
        crumb=(here, quota.name),
        lead=f"For {facility.name}.",
        template="admin/quotas/form.html",
        facility=facility,
        history=history_of("quota", quota.id) if form.status == 412 else [],
    )


def _values(picture: dict[str, Any]) -> dict[str, Any]:
    """Return a quota with an empty text for whatever may be any."""
    return dict.fromkeys(("kind", "running", "resource", "role", "project", "organisation"), "") | picture


@bp.post(f"{QUOTA}/remove")
def remove(quota_id: int) -> Response:
    quota_actions.remove_quota(quota_id, the_viewer())
    return done("The quota was removed.", url_for(".index"))
