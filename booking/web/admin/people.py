"""Accounts: who there is, their role, organisation, duties and password."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField, SelectField, SelectMultipleField
from wtforms.validators import Optional

from booking.facilities import pictures
from booking.facilities.actions import set_duties
from booking.facilities.models import DUTIES
from booking.facilities.places import FacilityPlace
from booking.facilities.queries import places
from booking.people import actions, queries
from booking.people.actions import PersonDetails
from booking.people.models import ROLES, Organisation, User
from booking.people.permissions import Permission, able_to, must_be_able_to
from booking.training.queries import competences_of
from booking.web import words
from booking.web.admin.parts import Filter, address, form_page, history_of, link, list_page, page_of
from booking.web.editing import EditForm, done, text
from booking.web.session import the_viewer

bp = Blueprint("people", __name__, url_prefix="/people")
STATES = {"closed": "Closed accounts", "all": "All"}
DUTY_WORDS = {duty: duty.replace("_", " ").capitalize() for duty in DUTIES}


class PersonForm(EditForm):
    """An account's details."""

    name = text("Name")
    email = text("E-mail address", "To sign in with, and where messages go.")
    role = SelectField("Role", choices={role: role.capitalize() for role in ROLES})
    organisation = SelectField("Organisation")
    group = text("Group", optional=True)
    password = PasswordField(
        "First password",
        [Optional()],
        description="At least 10 characters. Without one, the person is mailed a link to choose it.",
        render_kw={"autocomplete": "new-password"},
    )
    active = BooleanField(
        "The account is open", description="A closed account cannot sign in; its history stays."
    )

    def offer(self, viewer_is_admin: bool, current: Organisation | None = None) -> None:
        """Offer only what this viewer may choose."""
        roles = [role for role in ROLES if viewer_is_admin or role != "admin"]
        self.role.choices = {role: role.capitalize() for role in roles}
        choices = queries.organisation_choices()
        if current is not None:
            choices.setdefault(current.code, f"{current.name} ({current.code})")
        self.organisation.choices = choices

    def details(self, active: bool = True) -> PersonDetails:
        return PersonDetails(
            self.email.data or "",
            self.name.data or "",
            self.role.data,
            self.organisation.data,
            self.group.data or "",
            active,
        )


class PasswordForm(EditForm):
    """A new password for somebody."""

    password = PasswordField(
        "New password",
        description="At least 10 characters; a few words are easy to remember.",
        render_kw={"autocomplete": "new-password"},
    )


@bp.get("")
def index() -> str:
    organisations = queries.organisation_choices()
    filters = (
        Filter("q", "Name, address, group"),
        Filter("role", "Role", {role: role.capitalize() for role in ROLES}),
        Filter("organisation", "Organisation", organisations),
        Filter("state", "State", STATES, "Open accounts"),
    )
    q, role, organisation, state = (one.value for one in filters)
    place = queries.organisation_by_code(organisation) if organisation else None
    rows = queries.people(
        q,
        role or None,
        [place.id] if place else None,
        {"": True, "closed": False}.get(state),
        request.args.get("after", ""),
    )
    page, after = page_of(rows, lambda row: row[0].public_id)
    cells = [
        (
            link(user.name, url_for(".show", public_id=user.public_id)),
            address(user.email),
            user.role,
            of.name,
            _state(user),
        )
        for user, of in page
    ]
    may_add = able_to(the_viewer(), Permission.ADD_PEOPLE)
    return list_page(
        "People",
        ("Name", "E-mail", "Role", "Organisation", "State"),
        cells,
        filters,
        after=after,
        add=(url_for(".new"), "Add a person") if may_add else None,
    )


def _state(user: User) -> str:
    if not user.active:
        return "closed"
    return "open" if user.password_hash else "open, no password"


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.ADD_PEOPLE)
    form = PersonForm(data={"organisation": request.args.get("organisation")})
    del form.active
    form.offer(viewer.is_admin)
    if form.sent(lambda: actions.add_person(form.details(), viewer, form.password.data or "")):
        return done(f"{form.stored.name} was added.", url_for(".show", public_id=form.stored.public_id))
    return form_page("Add a person", form, url_for(".index"), submit="Add")


@bp.get("/<public_id>")
def show(public_id: str) -> str:
    person = actions.find_person(public_id)
    viewer = the_viewer()
    duties = pictures.of_duties(person.id)
    return render_template(
        "admin/people/show.html",
        person=person,
        picture=queries.picture_of_person(person),
        organisation=_organisation(person),
        state=_state(person),
        duties=[(code, [DUTY_WORDS[duty] for duty in held]) for code, held in duties.items()],
        coordinates=queries.coordinated_by(person.id),
        projects=queries.projects_of(person.id),
        competences=competences_of(person.id),
        since=words.day(person.created_at, "Europe/London"),
        may_change=able_to(viewer, Permission.CHANGE_PEOPLE),
        may_invite=person.active and not person.password_hash and able_to(viewer, Permission.ADD_PEOPLE),
        may_record=able_to(viewer, Permission.RECORD_TRAINING),
        may_give=bool(_my_facilities()) and (viewer.is_admin or person.role != "admin"),
        history=history_of("user", person.id),
    )


def _organisation(person: User) -> Organisation:
    code = queries.picture_of_person(person)["organisation"]
    return actions.find_organisation(code)


@bp.route("/<public_id>/edit", methods=["GET", "POST"])
def edit(public_id: str) -> Response | tuple[str, int]:
    person = actions.find_person(public_id)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_PEOPLE)
    here = url_for(".show", public_id=public_id)
    form = PersonForm(data=queries.picture_of_person(person))
    del form.password
    form.offer(viewer.is_admin, _organisation(person))

    def act() -> User:
        return actions.change_person(public_id, form.details(form.active.data), viewer, form.as_read.data)

    if form.sent(act):
        return done("Stored.", here)
    person = actions.find_person(public_id)
    form.mark(queries.picture_of_person(person))
    return form_page(
        f"Change {person.name}",
        form,
        here,
        crumb=(here, person.name),
        history=history_of("user", person.id) if form.status == 412 else [],
    )


@bp.route("/<public_id>/password", methods=["GET", "POST"])
def password(public_id: str) -> Response | tuple[str, int]:
    person = actions.find_person(public_id)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_PEOPLE)
    here = url_for(".show", public_id=public_id)
    form = PasswordForm()
    if form.sent(lambda: actions.set_password(public_id, form.password.data or "", viewer)):
        return done("The new password counts from now on; all open sessions were ended.", here)
    return form_page(
        f"New password for {person.name}",
        form,
        here,
        crumb=(here, person.name),
        lead="Wherever this person is signed in, they are signed out. Tell them the password in person.",
    )


@bp.post("/<public_id>/invite")
def invite(public_id: str) -> Response:
    actions.invite(public_id, the_viewer())
    return done("A link to choose a password is on its way.", url_for(".show", public_id=public_id))


# --- duties ----------------------------------------------------------------------------------------


def _my_facilities() -> list[FacilityPlace]:
    viewer = the_viewer()
    return [one for one in places().facilities.values() if able_to(viewer, Permission.GIVE_DUTIES, one.id)]


def _duties_form(picture: dict[str, Any]) -> EditForm:
    """Build a form with a list of duties for each facility that I may give them at."""
    facilities = _my_facilities()
    fields = {
        f"duties_{one.id}": SelectMultipleField(one.name, choices=dict(DUTY_WORDS)) for one in facilities
    }
    data = {f"duties_{one.id}": picture.get(one.code, []) for one in facilities}
    form: EditForm = type("DutiesForm", (EditForm,), fields)(data=data)
    return form


@bp.route("/<public_id>/duties", methods=["GET", "POST"])
def duties(public_id: str) -> Response | tuple[str, int]:
    person = actions.find_person(public_id)
    viewer = the_viewer()
    facilities = _my_facilities()
    must_be_able_to(viewer, Permission.GIVE_DUTIES, facilities[0].id if facilities else None)
    here = url_for(".show", public_id=public_id)
    form = _duties_form(pictures.of_duties(person.id))

    def act() -> None:
        wanted = {one.code: form[f"duties_{one.id}"].data or () for one in facilities}
        set_duties(public_id, wanted, viewer, form.as_read.data)

    if form.sent(act):
        return done("Stored.", here)
    form.mark(pictures.of_duties(person.id))
    return form_page(
        f"Duties of {person.name}",
        form,
        here,
        crumb=(here, person.name),
        lead="What this person does at each facility. A facility manager may change everything there.",
    )
