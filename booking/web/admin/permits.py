"""Permits for staff: grant, change and withdraw them, keep their papers, say what asks for one."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import or_, select
from werkzeug.wrappers import Response
from wtforms import DateField, SelectField
from wtforms.validators import Optional

from booking.base import clock
from booking.base.db import db
from booking.base.errors import Invalid, NotFound
from booking.facilities.models import KINDS
from booking.facilities.places import Places
from booking.facilities.queries import places
from booking.people.models import Project
from booking.people.permissions import Permission, able_to, must_be_able_to
from booking.training import asking, permits
from booking.training.asking import NeedDetails
from booking.training.models import Permit, PermitDocument, PermitNeed
from booking.training.permits import PermitDetails
from booking.training.words import TIMES_WORDS
from booking.web import words
from booking.web.admin.parts import (
    PAGE,
    Filter,
    facility_choices,
    form_page,
    history_of,
    link,
    list_page,
    page_of,
)
from booking.web.editing import EditForm, done, lines, text
from booking.web.session import the_viewer

bp = Blueprint("permits", __name__, url_prefix="/permits")
PERMIT = "/<int(max=2147483647):permit_id>"


class PermitForm(EditForm):
    """A permit; its reference is fixed once it is granted."""

    reference = text("Reference", "Such as RA-2027-0101. It cannot be changed later.")
    kind = text("Kind", "As the rules name it, such as Risk assessment.")
    granted_by = text("Granted by")
    valid_from = DateField("Valid from", [Optional()])
    valid_through = DateField("Valid through", [Optional()], description="To the end of this day.")
    project = text("Project", "Its code; the permit counts for bookings of this project.", optional=True)
    user = text("Person", "An e-mail address; the permit counts for bookings of this person.", optional=True)
    room = text("Room", "Its code, if it counts in one room only.", optional=True)
    resources = text("Resources", "Codes with commas between, if it counts for these only.", optional=True)
    note = lines("Note")

    def details(self, reference: str) -> PermitDetails:
        return PermitDetails(
            reference=reference,
            kind=self.kind.data or "",
            valid_from=self.valid_from.data,
            valid_through=self.valid_through.data,
            granted_by=self.granted_by.data or "",
            project=self.project.data or "",
            user=self.user.data or "",
            room=self.room.data or "",
            resources=tuple((self.resources.data or "").split(",")),
            note=self.note.data or "",
        )


def may_grant() -> bool:
    return able_to(the_viewer(), Permission.GRANT_PERMITS)


@bp.get("")
def index() -> str:
    filters = (
        Filter("q", "Reference, kind"),
        Filter("state", "State", {"past": "Ended or withdrawn"}, "In force"),
    )
    needle, state = (one.value for one in filters)
    query = select(Permit).order_by(Permit.valid_through, Permit.id).limit(PAGE + 1)
    over = or_(Permit.valid_through < clock.now().date(), Permit.withdrawn_on.is_not(None))
    query = query.where(over if state else ~over)
    if needle and "\x00" not in needle:
        query = query.where(
            or_(
                Permit.reference.icontains(needle, autoescape=True),
                Permit.kind.icontains(needle, autoescape=True),
            )
        )
    after = request.args.get("after", "")
    if after.isascii() and after.isdecimal() and len(after) < 10:
        last = db.session.get(Permit, int(after))
        if last is not None:
            later = (Permit.valid_through == last.valid_through) & (Permit.id > last.id)
            query = query.where((Permit.valid_through > last.valid_through) | later)
    page, key = page_of(db.session.scalars(query).all(), lambda one: one.id)
    cells = [
        (
            link(one.reference, url_for(".show", permit_id=one.id)),
            one.kind,
            _whose(one),
            words.day(one.valid_through),
        )
        for one in page
    ]
    return list_page(
        "Permits",
        ("Reference", "Kind", "For", "Valid through"),
        cells,
        filters,
        after=key,
        add=(url_for(".new"), "Grant a permit") if may_grant() else None,
        lead=link("What asks for a permit", url_for(".needs")),
    )


def _whose(permit: Permit) -> str:
    picture = permits.picture(permit)
    return ", ".join(picture[name] for name in ("project", "user", "room") if picture[name])


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.GRANT_PERMITS)
    first = {"valid_from": clock.now().date(), "granted_by": viewer.name}
    form = PermitForm(data=first | {name: request.args.get(name) for name in ("project", "user", "kind")})
    if form.sent(lambda: permits.grant(form.details(form.reference.data or ""), viewer)):
        return done(f"{form.stored.reference} was granted.", url_for(".show", permit_id=form.stored.id))
    return form_page("Grant a permit", form, url_for(".index"), submit="Grant")


@bp.get(PERMIT)
def show(permit_id: int) -> str:
    permit = permits.find_permit(permit_id)
    document = db.session.get(PermitDocument, permit.id)
    return render_template(
        "admin/permits/show.html",
        permit=permit,
        picture=permits.picture(permit),
        document=document if document is not None and permits.may_read(permit, the_viewer()) else None,
        may_grant=may_grant(),
        history=history_of("permit", permit.id),
    )


@bp.route(f"{PERMIT}/edit", methods=["GET", "POST"])
def edit(permit_id: int) -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.GRANT_PERMITS)
    permit = permits.find_permit(permit_id)
    here = url_for(".show", permit_id=permit_id)
    picture = permits.picture(permit)
    form = PermitForm(data=picture | {"resources": ", ".join(picture["resources"])})
    del form.reference

    def act() -> Permit:
        return permits.change_permit(permit_id, form.details(permit.reference), viewer, form.as_read.data)

    if form.sent(act):
        return done("Stored.", here)
    form.mark(permits.picture(permits.find_permit(permit_id)))
    return form_page(f"Change {permit.reference}", form, here, crumb=(here, permit.reference))


class ReasonForm(EditForm):
    """Why a permit is withdrawn."""

    reason = lines("Why", "It stays in the permit's history.", optional=False)


@bp.route(f"{PERMIT}/withdraw", methods=["GET", "POST"])
def withdraw(permit_id: int) -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.GRANT_PERMITS)
    permit = permits.find_permit(permit_id)
    here = url_for(".show", permit_id=permit_id)
    form = ReasonForm()
    if form.sent(lambda: permits.withdraw_permit(permit_id, viewer, form.reason.data or "")):
        return done("Withdrawn. Bookings that need it stay: see what is endangered.", here)
    return form_page(
        f"Withdraw {permit.reference}", form, here, crumb=(here, permit.reference), submit="Withdraw"
    )


@bp.route(f"{PERMIT}/document", methods=["GET", "POST"])
def document(permit_id: int) -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.GRANT_PERMITS)
    permit = permits.find_permit(permit_id)
    here = url_for(".show", permit_id=permit_id)
    form = EditForm()

    def act() -> Any:
        given = request.files.get("document")
        if given is None or not given.filename:
            raise Invalid({"document": ["Choose a file."]})
        return permits.keep_document(permit_id, given.filename, given.read(), viewer)

    if form.sent(act):
        return done("The document is kept.", here)
    return form_page(
        f"Document of {permit.reference}",
        form,
        here,
        crumb=(here, permit.reference),
        template="admin/permits/document.html",
        submit="Keep",
    )


# --- what asks for a permit ------------------------------------------------------------------------


@bp.get("/needs")
def needs() -> str:
    catalogue = places()
    rows = [
        (catalogue.facilities[one.facility_id].code, one, _scope(one, catalogue), _may_change(one))
        for one in asking.needs_at(catalogue.facilities)
    ]
    return render_template(
        "admin/permits/needs.html", rows=rows, times=TIMES_WORDS, may_add=bool(facility_choices())
    )


def _may_change(need: PermitNeed) -> bool:
    return able_to(the_viewer(), Permission.CHANGE_FACILITY, need.facility_id)


def _scope(need: PermitNeed, catalogue: Places) -> str:
    parts = []
    if need.resource_id:
        parts.append(catalogue.resources[need.resource_id].code)
    if need.room_id:
        parts.append(f"room {catalogue.rooms[need.room_id].code}")
    if need.resource_kind:
        parts.append(f"every {need.resource_kind}")
    if need.work:
        parts.append(f"work: {need.work}")
    return ", ".join(parts) or "everything here"


class NeedForm(EditForm):
    """What asks for a permit, where and when."""

    facility = SelectField("Facility")
    permit = text("Kind of permit", "As permits name it, such as Risk assessment.")
    set_by = text("Asked for by", "People who are refused are told whom to ask.")
    room = text("Room", "Its code, if only there.", optional=True)
    resource = text("Resource", "Its code, if only for it.", optional=True)
    kind = SelectField("Kind of resource", choices={"": "Any", **{one: one.capitalize() for one in KINDS}})
    work = text("Kind of work", "If only for projects that do this work.", optional=True)
    at_times = SelectField("When", choices=TIMES_WORDS)


@bp.route("/needs/new", methods=["GET", "POST"])
def new_need() -> Response | tuple[str, int]:
    viewer = the_viewer()
    if not facility_choices():
        must_be_able_to(viewer, Permission.CHANGE_FACILITY)
    form = NeedForm()
    form.facility.choices = facility_choices()

    def act() -> PermitNeed:
        names = ("facility", "permit", "set_by", "room", "resource", "kind", "work", "at_times")
        return asking.ask_for_permit(NeedDetails(**{name: form[name].data or "" for name in names}), viewer)

    if form.sent(act):
        return done("From now on bookings need it; those that lack it stay.", url_for(".needs"))
    return form_page("Ask for a permit", form, url_for(".needs"), submit="Ask for it")


@bp.post("/needs/<int(max=2147483647):need_id>/remove")
def remove_need(need_id: int) -> Response:
    asking.stop_asking(need_id, the_viewer())
    return done("It is not asked for any more.", url_for(".needs"))


class WorksForm(EditForm):
    """The kinds of work that a project does."""

    works = lines("Kinds of work", "One a line, as the rules name them, such as Human donor material.")


@bp.route("/projects/<code>", methods=["GET", "POST"])
def works(code: str) -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.GRANT_PERMITS)
    project = db.session.scalar(select(Project).where(Project.code == code)) if "\x00" not in code else None
    if project is None:
        raise NotFound
    here = url_for("admin.projects.show", code=code)
    form = WorksForm(data={"works": "\n".join(asking.works_of(project.id))})
    if form.sent(lambda: asking.set_works(project.id, (form.works.data or "").splitlines(), viewer)):
        return done("Stored.", here)
    return form_page(f"Work of {project.name}", form, here, crumb=(here, project.name))
