"""Training for staff: modules, who holds what, what resources ask for, what ends soon."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import DateField, IntegerField, SelectField
from wtforms.validators import Optional

from booking.base import clock
from booking.bookings.endangered import Endangered, endangered
from booking.bookings.queries import details
from booking.bookings.visibility import Level
from booking.facilities import certificates
from booking.facilities.actions import find_resource
from booking.facilities.certificates import CertificateDetails
from booking.facilities.queries import places
from booking.people.actions import find_person
from booking.people.permissions import Permission, able_to, must_be_able_to
from booking.training import asking, competences
from booking.training.competences import ModuleDetails
from booking.training.listing import Ending, ending
from booking.training.models import Module
from booking.training.queries import all_modules, competences_of
from booking.training.words import LEVEL_WORDS
from booking.web import words
from booking.web.admin.parts import Filter, form_page, history_of, link, list_page, page_after, with_code
from booking.web.editing import EditForm, done, lines, text
from booking.web.session import the_viewer
from booking.web.views import row_of

bp = Blueprint("training", __name__, url_prefix="/training")
DAYS = {"14": "14 days", "60": "60 days", "90": "90 days"}
USUAL = 30
ENDANGERED_AHEAD = timedelta(days=400)
SHOWN = 50


# --- modules ---------------------------------------------------------------------------------------


class ModuleForm(EditForm):
    """A module; its code is fixed once it is added."""

    code = text("Code", "Short, such as T-CL2. It cannot be changed later.")
    title = text("Title")
    mode = text("Mode", "Such as practical or e-learning.", optional=True)
    minutes = IntegerField("Length in minutes", [Optional()])
    valid_months = IntegerField("Valid for months", [Optional()], description="0: without end.")
    lapse_months = IntegerField(
        "Lapses after months without use",
        [Optional()],
        description="0: never. Bookings of resources that ask for the module keep people in practice.",
    )
    assessed = text("Assessed by", "Such as observed or quiz.", optional=True)
    set_by = text("Asked for by", "People who are refused are told whom to ask.", optional=True)
    firsts = text("Comes after", "Codes of modules to pass before, with commas between.", optional=True)

    def details(self, code: str) -> ModuleDetails:
        return ModuleDetails(
            code=code,
            title=self.title.data or "",
            mode=self.mode.data or "",
            minutes=self.minutes.data,
            valid_months=self.valid_months.data,
            lapse_months=self.lapse_months.data,
            assessed=self.assessed.data or "",
            set_by=self.set_by.data or "",
            firsts=tuple((self.firsts.data or "").split(",")),
        )


def may_record() -> bool:
    return able_to(the_viewer(), Permission.RECORD_TRAINING)


@bp.get("")
def index() -> str:
    needle = Filter("q", "Code, title")
    found = [one for one in all_modules() if needle.value.casefold() in f"{one.code} {one.title}".casefold()]
    page, after = page_after(found, lambda one: one.code)
    cells = [
        (
            with_code(one.title, one.code, url_for(".show", code=one.code)),
            one.mode,
            _months(one.valid_months, "without end"),
            _months(one.lapse_months, "never"),
        )
        for one in page
    ]
    return list_page(
        "Training",
        ("Module", "Mode", "Valid for", "Lapses without use after"),
        cells,
        (needle,),
        after=after,
        add=(url_for(".new"), "Add a module") if may_record() else None,
        lead=link("What ends soon, and the bookings that it endangers", url_for(".expiry")),
    )


def _months(count: int, none: str) -> str:
    return f"{count} months" if count else none


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.RECORD_TRAINING)
    form = ModuleForm(data={"minutes": 0, "valid_months": 24, "lapse_months": 0})
    if form.sent(lambda: competences.add_module(form.details(form.code.data or ""), viewer)):
        return done(f"{form.stored.code} was added.", url_for(".show", code=form.stored.code))
    return form_page("Add a module", form, url_for(".index"), submit="Add")


@bp.get("/<code>")
def show(code: str) -> str:
    module = competences.find_module(code)
    asks = asking.resources_asking(module.id)
    return render_template(
        "admin/training/show.html",
        module=module,
        picture=competences.picture_of_module(module),
        asks=[(places().resources[key], level) for key, level in asks if key in places().resources],
        levels=LEVEL_WORDS,
        valid=_months(module.valid_months, "without end"),
        lapses=_months(module.lapse_months, "never"),
        may_record=may_record(),
        history=history_of("module", module.id),
    )


@bp.route("/<code>/edit", methods=["GET", "POST"])
def edit(code: str) -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.RECORD_TRAINING)
    module = competences.find_module(code)
    here = url_for(".show", code=code)
    picture = competences.picture_of_module(module)
    form = ModuleForm(data=picture | {"firsts": ", ".join(picture["firsts"])})
    del form.code

    def act() -> Module:
        return competences.change_module(code, form.details(code), viewer, form.as_read.data)

    if form.sent(act):
        return done("Stored.", here)
    form.mark(competences.picture_of_module(competences.find_module(code)))
    return form_page(f"Change {module.code}", form, here, crumb=(here, module.title))


# --- who holds what --------------------------------------------------------------------------------


class AwardForm(EditForm):
    """What somebody has shown, as a trainer records it."""

    module = SelectField("Module")
    level = SelectField("Level", choices=LEVEL_WORDS)
    awarded_on = DateField("Shown on", [Optional()])
    valid_through = DateField(
        "Valid through", [Optional()], description="To the end of this day; empty for without end."
    )


@bp.route("/people/<public_id>/award", methods=["GET", "POST"])
def award(public_id: str) -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.RECORD_TRAINING)
    person = find_person(public_id)
    usual = {"awarded_on": clock.now().date(), "level": "competent"}
    form = AwardForm(data=usual | {"module": request.args.get("module")})
    form.module.choices = {one.code: f"{one.code} {one.title}" for one in all_modules()}

    def act() -> Any:
        return competences.award(
            person.email,
            form.module.data or "",
            form.level.data,
            form.awarded_on.data,
            form.valid_through.data,
            viewer,
        )

    here = url_for("admin.people.show", public_id=public_id)
    if form.sent(act):
        return done("Recorded.", here)
    return form_page(f"Record training of {person.name}", form, here, crumb=(here, person.name))


class WithdrawForm(EditForm):
    """Why a competence is withdrawn."""

    module = SelectField("Module")
    reason = lines("Why", "It stays in the person's history.", optional=False)


@bp.route("/people/<public_id>/withdraw", methods=["GET", "POST"])
def withdraw(public_id: str) -> Response | tuple[str, int]:
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.RECORD_TRAINING)
    person = find_person(public_id)
    form = WithdrawForm(data={"module": request.args.get("module")})
    form.module.choices = {module.code: module.title for _, module in competences_of(person.id)}
    here = url_for("admin.people.show", public_id=public_id)

    def act() -> None:
        competences.withdraw(person.email, form.module.data or "", viewer, form.reason.data or "")

    if form.sent(act):
        return done("Withdrawn. Bookings that need it stay: see what is endangered.", url_for(".expiry"))
    return form_page(
        f"Withdraw training of {person.name}", form, here, crumb=(here, person.name), submit="Withdraw"
    )


# --- what resources ask for ------------------------------------------------------------------------


def _asked_form(asked: dict[str, str]) -> EditForm:
    """Build a form with a level for each module."""
    choices = {
        "": "Not asked for",
        **{level: f"{level.capitalize()} may work alone" for level in LEVEL_WORDS},
    }
    fields = {
        f"level-{one.id}": SelectField(f"{one.code} {one.title}", choices=choices) for one in all_modules()
    }
    data = {f"level-{one.id}": asked.get(one.code, "") for one in all_modules()}
    form: EditForm = type("AskedForm", (EditForm,), fields)(data=data)
    return form


@bp.route("/resources/<code>", methods=["GET", "POST"])
def resource(code: str) -> Response | tuple[str, int]:
    viewer = the_viewer()
    found = find_resource(code)
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, found.facility_id)
    here = url_for("admin.resources.show", code=code)
    form = _asked_form(asking.picture_of_modules(found.id))

    def act() -> None:
        asked = {
            one.code: form[f"level-{one.id}"].data for one in all_modules() if form[f"level-{one.id}"].data
        }
        asking.set_modules(code, asked, viewer, form.as_read.data)

    if form.sent(act):
        return done("Stored. Bookings to come stay: see what is endangered.", here)
    form.mark(asking.picture_of_modules(found.id))
    return form_page(
        f"Training for {found.name}",
        form,
        here,
        crumb=(here, found.name),
        lead="Who is below the level may book with a named supervisor who has it.",
    )


# --- certificates ----------------------------------------------------------------------------------


class CertificateForm(EditForm):
    """An examination or calibration."""

    kind = text("What was examined", "Such as Cabinet examination or Calibration.")
    reference = text("Reference", optional=True)
    examined_on = DateField("Examined on", [Optional()])
    valid_through = DateField(
        "Serviceable until", [Optional()], description="No booking may run past the end of this day."
    )
    issued_by = text("Issued by", optional=True)
    note = lines("Note")


@bp.route("/resources/<code>/certificates", methods=["GET", "POST"])
def add_certificate(code: str) -> Response | tuple[str, int]:
    viewer = the_viewer()
    found = find_resource(code)
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, found.facility_id)
    here = url_for("admin.resources.show", code=code)
    form = CertificateForm(data={"examined_on": clock.now().date()})

    def act() -> Any:
        given = CertificateDetails(
            form.kind.data or "",
            form.examined_on.data,
            form.valid_through.data,
            form.reference.data or "",
            form.issued_by.data or "",
            form.note.data or "",
        )
        return certificates.add_certificate(code, given, viewer)

    if form.sent(act):
        return done("Recorded. The newest certificate of each kind counts.", here)
    return form_page(f"Certificate of {found.name}", form, here, crumb=(here, found.name), submit="Record")


@bp.post("/certificates/<int(max=2147483647):certificate_id>/remove")
def remove_certificate(certificate_id: int) -> Response:
    code = certificates.remove_certificate(certificate_id, the_viewer())
    return done("The certificate was removed.", url_for("admin.resources.show", code=code))


# --- what ends soon --------------------------------------------------------------------------------


@bp.get("/expiry")
def expiry() -> str:
    viewer = the_viewer()
    days = Filter("days", "Ends within", DAYS, f"{USUAL} days")
    number = int(days.value or USUAL)
    mine = [one.id for one in places().facilities.values() if viewer.staffs(one.id)]
    found = endangered(mine, ENDANGERED_AHEAD)
    today = clock.now().date()
    return render_template(
        "admin/training/expiry.html",
        filter=days,
        days=number,
        rows=[_ending_cells(one, today) for one in ending(number)],
        endangered=_endangered_rows(found[:SHOWN]),
        count=len(found),
    )


def _ending_cells(one: Ending, today: date) -> tuple[Any, ...]:
    pages = {
        "Competence": lambda key: url_for("admin.people.show", public_id=key),
        "Permit": lambda key: url_for("admin.permits.show", permit_id=key),
        "Certificate": lambda key: url_for("admin.resources.show", code=key),
    }
    last = words.day(one.last_day) + (" (ended)" if one.last_day < today else "")
    return one.kind, link(one.what, pages[one.kind](one.key)), one.whose, last


def _endangered_rows(found: list[Endangered]) -> list[dict[str, Any]]:
    seen = {one.booking.id: one for one in details([each.booking for each in found], the_viewer())}
    rows = []
    for one in found:
        detail = seen.get(one.booking.id)
        if detail is not None and detail.level is Level.FULL:
            reasons = " ".join(refusal.message for refusal in one.refusals)
            rows.append(row_of(detail) | {"note": f"{detail.organiser.name}: {reasons}"})
    return rows
