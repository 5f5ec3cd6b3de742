"""Projects: who works together, who leads, and what is confidential."""

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField

from booking.people import actions, queries
from booking.people.actions import ProjectDetails
from booking.people.models import Organisation
from booking.people.permissions import Permission, able_to, must_be_able_to
from booking.training.asking import works_of
from booking.web.admin.parts import Filter, form_page, history_of, list_page, page_of, with_code, yes
from booking.web.editing import EditForm, done, lines, text
from booking.web.session import the_viewer

bp = Blueprint("projects", __name__, url_prefix="/projects")


class ProjectForm(EditForm):
    """A project's details and its people."""

    code = text("Code", "Short, such as P-CART. It cannot be changed later.")
    name = text("Name")
    organisation = SelectField("Organisation")
    confidential = BooleanField(
        "Confidential",
        description="Only its own people and staff see its bookings; it counts as a client of its own.",
    )
    cost_code = text("Cost code", optional=True)
    leads = lines(
        "Group leads", "E-mail addresses, one on each line. They may change the bookings of the group."
    )
    members = lines(
        "Members", "E-mail addresses, one on each line. They see the project's bookings and book for it."
    )
    active = BooleanField("In use", description="Nobody can book for a project that is not in use.")

    def offer(self, current: Organisation | None = None) -> None:
        choices = queries.organisation_choices()
        if current is not None:
            choices.setdefault(current.code, f"{current.name} ({current.code})")
        self.organisation.choices = choices

    def details(self, code: str) -> ProjectDetails:
        return ProjectDetails(
            code=code,
            name=self.name.data or "",
            organisation=self.organisation.data,
            confidential=self.confidential.data,
            cost_code=self.cost_code.data or "",
            active=self.active.data,
            leads=actions.addresses(self.leads.data or ""),
            members=actions.addresses(self.members.data or ""),
        )


@bp.get("")
def index() -> str:
    filters = (
        Filter("q", "Name, code, organisation"),
        Filter("organisation", "Organisation", queries.organisation_choices()),
    )
    q, organisation = (one.value for one in filters)
    place = queries.organisation_by_code(organisation) if organisation else None
    rows = queries.projects(q, place.id if place else None, request.args.get("after", ""))
    page, after = page_of(rows, lambda row: row[0].code)
    cells = [
        (
            with_code(project.name, project.code, url_for(".show", code=project.code)),
            of.name,
            yes(project.confidential),
            yes(project.active),
        )
        for project, of in page
    ]
    may_add = able_to(the_viewer(), Permission.CHANGE_PROJECTS)
    return list_page(
        "Projects",
        ("Project", "Organisation", "Confidential", "In use"),
        cells,
        filters,
        after=after,
        add=(url_for(".new"), "Add a project") if may_add else None,
    )


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_PROJECTS)
    form = ProjectForm(data={"active": True, "organisation": request.args.get("organisation")})
    form.offer()
    if form.sent(lambda: actions.add_project(form.details(form.code.data or ""), viewer)):
        return done(f"{form.stored.name} was added.", url_for(".show", code=form.stored.code))
    return form_page("Add a project", form, url_for(".index"), submit="Add")


@bp.get("/<code>")
def show(code: str) -> str:
    project = actions.find_project(code)
    return render_template(
        "admin/projects/show.html",
        project=project,
        organisation=_organisation(project.code),
        people=queries.members_of(project.id),
        works=works_of(project.id),
        may_change=able_to(the_viewer(), Permission.CHANGE_PROJECTS),
        may_grant=able_to(the_viewer(), Permission.GRANT_PERMITS),
        history=history_of("project", project.id),
    )


def _organisation(code: str) -> Organisation:
    picture = queries.picture_of_project(actions.find_project(code))
    return actions.find_organisation(picture["organisation"])


@bp.route("/<code>/edit", methods=["GET", "POST"])
def edit(code: str) -> Response | tuple[str, int]:
    project = actions.find_project(code)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_PROJECTS)
    here = url_for(".show", code=code)
    picture = queries.picture_of_project(project)
    people = {name: "\n".join(picture[name]) for name in ("leads", "members")}
    form = ProjectForm(data=picture | people)
    del form.code
    form.offer(_organisation(code))
    if form.sent(lambda: actions.change_project(code, form.details(code), viewer, form.as_read.data)):
        return done("Stored.", here)
    project = actions.find_project(code)
    form.mark(queries.picture_of_project(project))
    return form_page(
        f"Change {project.name}",
        form,
        here,
        crumb=(here, project.name),
        history=history_of("project", project.id) if form.status == 412 else [],
    )
