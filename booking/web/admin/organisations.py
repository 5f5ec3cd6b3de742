"""Organisations: their names, the aliases that others see, and who coordinates them."""

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField

from booking.people import actions, queries
from booking.people.actions import OrganisationDetails
from booking.people.models import ORGANISATION_KINDS
from booking.people.permissions import Permission, able_to, must_be_able_to
from booking.web.admin.parts import Filter, form_page, history_of, list_page, page_of, with_code, yes
from booking.web.editing import EditForm, done, lines, text
from booking.web.session import the_viewer

bp = Blueprint("organisations", __name__, url_prefix="/organisations")
KINDS = {
    "host": "Host university",
    "academic": "Another university",
    "member": "Member company",
    "industry": "Company",
    "supplier": "Supplier",
}


class OrganisationForm(EditForm):
    """An organisation's details."""

    code = text("Code", "Short, such as NWT. It cannot be changed later.")
    name = text("Name")
    alias = text(
        "Alias",
        "All that users of other organisations see. It must not give the name away. The host needs none.",
        optional=True,
    )
    kind = SelectField("Kind", choices={kind: KINDS[kind] for kind in ORGANISATION_KINDS})
    tier = text("Tier", optional=True)
    note = lines("Note", "Seen by staff only.")
    coordinators = lines(
        "Coordinators",
        "E-mail addresses, one on each line. They see and change this organisation's bookings.",
    )
    active = BooleanField(
        "In use", description="One that is not in use cannot be chosen for people and projects."
    )

    def details(self, code: str) -> OrganisationDetails:
        return OrganisationDetails(
            code=code,
            name=self.name.data or "",
            alias=self.alias.data or "",
            kind=self.kind.data,
            tier=self.tier.data or "",
            note=self.note.data or "",
            active=self.active.data,
            coordinators=actions.addresses(self.coordinators.data or ""),
        )


@bp.get("")
def index() -> str:
    filters = (Filter("q", "Name, code, alias"), Filter("kind", "Kind", KINDS))
    q, kind = (one.value for one in filters)
    rows = queries.organisations(q, kind or None, request.args.get("after", ""))
    page, after = page_of(rows, lambda row: row.code)
    cells = [
        (
            with_code(one.name, one.code, url_for(".show", code=one.code)),
            one.alias,
            KINDS[one.kind],
            yes(one.active),
        )
        for one in page
    ]
    may_add = able_to(the_viewer(), Permission.ADD_ORGANISATIONS)
    return list_page(
        "Organisations",
        ("Organisation", "Alias", "Kind", "In use"),
        cells,
        filters,
        after=after,
        add=(url_for(".new"), "Add an organisation") if may_add else None,
    )


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.ADD_ORGANISATIONS)
    form = OrganisationForm(data={"active": True, "kind": "industry"})
    if not able_to(viewer, Permission.CHANGE_ORGANISATIONS):
        form.kind.choices = {kind: KINDS[kind] for kind in ORGANISATION_KINDS if kind != "host"}
    if form.sent(lambda: actions.add_organisation(form.details(form.code.data or ""), viewer)):
        return done(f"{form.stored.name} was added.", url_for(".show", code=form.stored.code))
    return form_page("Add an organisation", form, url_for(".index"), submit="Add")


@bp.get("/<code>")
def show(code: str) -> str:
    organisation = actions.find_organisation(code)
    people = queries.people(organisation_ids=[organisation.id], limit=10)
    projects = queries.projects(organisation_id=organisation.id, limit=10)
    return render_template(
        "admin/organisations/show.html",
        organisation=organisation,
        kind=KINDS[organisation.kind],
        coordinators=queries.coordinators_of(organisation.id),
        people=[user for user, _ in people[:10]],
        more_people=len(people) > 10,
        projects=[project for project, _ in projects[:10]],
        more_projects=len(projects) > 10,
        may_change=able_to(the_viewer(), Permission.CHANGE_ORGANISATIONS),
        history=history_of("organisation", organisation.id),
    )


@bp.route("/<code>/edit", methods=["GET", "POST"])
def edit(code: str) -> Response | tuple[str, int]:
    organisation = actions.find_organisation(code)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_ORGANISATIONS)
    here = url_for(".show", code=code)
    picture = queries.picture_of_organisation(organisation)
    form = OrganisationForm(data=picture | {"coordinators": "\n".join(picture["coordinators"])})
    del form.code
    if form.sent(lambda: actions.change_organisation(code, form.details(code), viewer, form.as_read.data)):
        return done("Stored.", here)
    organisation = actions.find_organisation(code)
    form.mark(queries.picture_of_organisation(organisation))
    return form_page(
        f"Change {organisation.name}",
        form,
        here,
        crumb=(here, organisation.name),
        history=history_of("organisation", organisation.id) if form.status == 412 else [],
    )
