"""The booking form: local dates and times in the facility's zone, one row for each resource."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict
from wtforms import (
    DateField,
    HiddenField,
    RadioField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.fields.choices import SelectField, SelectMultipleField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from booking.base import clock
from booking.base.errors import Invalid, Refusal
from booking.bookings.alternatives import next_free
from booking.bookings.queries import Detail, my_projects
from booking.bookings.request import (
    MAX_NOTES,
    MAX_PEOPLE,
    MAX_RESOURCES,
    MAX_TITLE,
    BookingRequest,
    Override,
    Wanted,
)
from booking.bookings.words import refusal_words
from booking.facilities.models import OVERRIDABLE
from booking.facilities.places import ResourcePlace
from booking.facilities.queries import places
from booking.people.viewer import Viewer
from booking.web.banners import banners_around
from booking.web.forms import LocalMoment, WholeNumber, fold_of, names_in, plain_text, put_errors
from booking.web.repeating import RepeatFields

FOLDS = {"first": "The first one (summer time)", "second": "The second one (winter time)"}
REQUEST_FIELDS = {
    "start": "start_time",
    "end": "end_time",
    "repeat": "repeats",
    "override": "overrule_reason",
}
SCOPES = {"this": "This booking only", "following": "This and all following", "all": "All that are ahead"}


class BookingForm(RepeatFields):
    """Everything a person may say about a booking."""

    title = StringField(
        "Title", [InputRequired("Give the booking a title."), Length(max=MAX_TITLE), plain_text]
    )
    start_date = DateField("Start date", [InputRequired("Give the day on which it starts.")])
    start_time = TimeField("Start time", [InputRequired("Give the time at which it starts.")])
    start_fold = RadioField("Which start do you mean?", [Optional()], choices=FOLDS)
    end_date = DateField("End date", [InputRequired("Give the day on which it ends.")])
    end_time = TimeField("End time", [InputRequired("Give the time at which it ends.")])
    end_fold = RadioField("Which end do you mean?", [Optional()], choices=FOLDS)
    people = WholeNumber(
        "People in the room", [NumberRange(0, MAX_PEOPLE, f"Give a number from 0 to {MAX_PEOPLE}.")]
    )
    project = SelectField("Project", [Optional()], validate_choice=False)
    participants = TextAreaField(
        "Others taking part", [Optional(), Length(max=5000), plain_text], render_kw={"rows": 2}
    )
    supervisor = StringField("Supervisor", [Optional(), Length(max=254), plain_text])
    on_behalf_of = StringField("Book for", [Optional(), Length(max=254), plain_text])
    notes = TextAreaField("Notes", [Optional(), Length(max=MAX_NOTES), plain_text])
    overrule = SelectMultipleField("Overrule", choices={code: refusal_words(code) for code in OVERRIDABLE})
    overrule_reason = StringField("Why it is overruled", [Length(max=1000), plain_text])
    reason = StringField("Reason for the change", [Optional(), Length(max=1000), plain_text])
    scope = RadioField("What is to change", choices=SCOPES, default="this")
    key = HiddenField(validators=[Length(max=64)])
    version = HiddenField(filters=[lambda text: int(text) if str(text or "").isdecimal() else None])

    rows: list[tuple[str, str, str]]
    row_fault: str = ""
    general: list[tuple[str, None]]
    adds_row: bool = False
    offers_overruling: bool = False
    tz: ZoneInfo
    start: LocalMoment
    end: LocalMoment

    def prepare(self, viewer: Viewer, rows: list[tuple[str, str, str]], detail: Detail | None = None) -> None:
        """Set what depends on the viewer and on the resources chosen."""
        known = {row.code: f"{row.code} {row.name}" for row in my_projects(viewer)}
        if detail and detail.project:
            known[detail.project.code] = f"{detail.project.code} {detail.project.name}"
        if self.project.data and self.project.data not in known:
            known[self.project.data] = self.project.data
        self.project.choices = {"": "None", **known}
        self.rows = rows or [("", "1", "")]
        self.general = []
        catalogue = places()
        first = next((catalogue.by_code[code] for code, *_ in rows if code in catalogue.by_code), None)
        facility = first.facility if first else next(iter(catalogue.facilities.values()), None)
        self.tz = facility.tz if facility else ZoneInfo("Europe/London")
        self.timezone = facility.timezone if facility else "Europe/London"
        for field in (
            self.participants,
            self.supervisor,
            self.on_behalf_of,
            self.notes,
            self.project,
            self.reason,
        ):
            field.flags.optional = True
        self._read_times()

    def _read_times(self) -> None:
        self.start = LocalMoment(self.start_date.data, self.start_time.data, self.start_fold.data, self.tz)
        self.end = LocalMoment(self.end_date.data, self.end_time.data, self.end_fold.data, self.tz)

    @property
    def notices(self) -> list[Mapping[str, str]]:
        """Return what stands on the notice board of the resources chosen, from today to the booking's end."""
        catalogue = places()
        chosen = [catalogue.by_code[code] for code, *_ in self.rows if code in catalogue.by_code]
        today = clock.now().astimezone(self.tz).date()
        return banners_around(chosen, today, max(self.end_date.data or today, today))

    @property
    def asks_start_fold(self) -> bool:
        return self.start.ask_fold or self.start_fold.data in FOLDS

    @property
    def asks_end_fold(self) -> bool:
        return self.end.ask_fold or self.end_fold.data in FOLDS

    def validate_start_time(self, field: TimeField) -> None:
        if self.start.fault:
            raise ValidationError(self.start.fault)

    def validate_end_time(self, field: TimeField) -> None:
        if self.end.fault:
            raise ValidationError(self.end.fault)
        if self.start.moment and self.end.moment and self.end.moment <= self.start.moment:
            raise ValidationError("The end must be after the start.")

    def validate(self, extra_validators: object = None) -> bool:
        fits = super().validate(extra_validators)
        self.row_fault = self._row_fault()
        return fits and not self.row_fault

    def _row_fault(self) -> str:
        chosen = [(code, units) for code, units, _ in self.rows if code]
        if not chosen:
            return "Choose at least one resource."
        if len(chosen) > MAX_RESOURCES:
            return f"At most {MAX_RESOURCES} resources fit into one booking."
        if any(not (units.isascii() and units.isdigit() and len(units) < 5) for _, units in chosen):
            return "Give a whole number of units for each resource."
        return ""

    def booking_request(self) -> BookingRequest:
        """Return what is asked for; only after `validate` said yes."""
        if self.start.moment is None or self.end.moment is None:
            raise Invalid({"start": ["Give a start and an end."]})
        return BookingRequest(
            starts_at=self.start.moment,
            ends_at=self.end.moment,
            resources=tuple(
                Wanted(code, int(units), (name,) if name and units == "1" else ())
                for code, units, name in self.rows
                if code
            ),
            title=self.title.data or "",
            project=self.project.data or None,
            people=self.people.data if self.people.data is not None else 1,
            participants=names_in(self.participants.data or ""),
            on_behalf_of=(self.on_behalf_of.data or "").strip() or None,
            supervisor=(self.supervisor.data or "").strip() or None,
            notes=self.notes.data or "",
            override=self._override(),
        )

    def _override(self) -> Override | None:
        codes = tuple(self.overrule.data or ())
        return Override(codes, self.overrule_reason.data or "") if codes else None

    def keep_overruling(self) -> None:
        """Show again what was chosen to be overruled."""
        chosen = [code for code in self.overrule.data or () if code in OVERRIDABLE]
        self.offers_overruling = bool(chosen)
        self.overrule.choices = {code: refusal_words(code) for code in chosen or OVERRIDABLE}

    def offer_overruling(self, refusals: Iterable[Refusal]) -> None:
        """Offer to overrule these refusals, each code once."""
        found: dict[str, list[str]] = {}
        for one in refusals:
            found.setdefault(one.code, []).append(one.message)
        self.offers_overruling = bool(found)
        self.overrule.choices = {code: " ".join(texts) for code, texts in found.items()}
        self.overrule.data = [code for code in self.overrule.data or () if code in found]

    def take_errors(self, error: Invalid) -> None:
        """Put the messages of a refused shape at their fields."""
        faults = dict(error.errors)
        self.row_fault = " ".join(faults.pop("resources", []))
        self.general = put_errors(self, Invalid(faults), REQUEST_FIELDS)


def from_post(data: "MultiDict[str, str]", viewer: Viewer, detail: Detail | None = None) -> BookingForm:
    """Read a form that was sent; a chosen alternative replaces times and resources."""
    data = _with_alternative(data)
    form = BookingForm(formdata=data)
    rows = rows_of(data)
    form.adds_row = "add" in data
    form.keep_overruling()
    form.prepare(viewer, rows, detail)
    if form.adds_row:
        form.rows = [*rows, ("", "1", "")]
    return form


def resource_choices() -> list[tuple[str, list[ResourcePlace]]]:
    """Return the resources to choose from, by facility."""
    catalogue = places()
    return [
        (place.name, catalogue.resources_of(facility_id=place.id)) for place in catalogue.facilities.values()
    ]


def rows_of(data: "MultiDict[str, str]") -> list[tuple[str, str, str]]:
    """Return the resources chosen in a form, each with units and, if one is wanted, the unit's name."""
    codes, units, names = (data.getlist(name) for name in ("resource", "units", "unit"))
    return [
        (code[:40], (_nth(units, n) or "1").strip()[:8] or "1", _nth(names, n)[:60])
        for n, code in enumerate(codes[: MAX_RESOURCES + 1])
        if code
    ]


def _nth(values: list[str], n: int) -> str:
    return values[n] if n < len(values) else ""


def _with_alternative(data: "MultiDict[str, str]") -> "MultiDict[str, str]":
    """An alternative's button carries `start|end|code:units,…` with local times."""
    parts = data.get("take", "").split("|")
    if len(parts) != 5:
        return data
    start, start_fold, end, end_fold, resources = parts
    chosen: MultiDict[str, str] = MultiDict(
        [
            (key, value)
            for key, value in data.items(multi=True)
            if key not in ("resource", "units", "unit", "take", "key", "overrule")
        ]
    )
    for name, local, fold in (("start", start, start_fold), ("end", end, end_fold)):
        day, _, moment = local.partition("T")
        chosen[f"{name}_date"], chosen[f"{name}_time"], chosen[f"{name}_fold"] = day, moment, fold
    for pair in resources.split(","):
        code, _, units = pair.rpartition(":")
        chosen.add("resource", code)
        chosen.add("units", units)
    chosen["key"] = secrets.token_hex(16)
    return chosen


def taking(start: datetime, end: datetime, resources: tuple[tuple[str, int], ...], tz: ZoneInfo) -> str:
    """Return the value of an alternative's button."""
    local = (f"{moment.astimezone(tz):%Y-%m-%dT%H:%M}|{fold_of(moment, tz)}" for moment in (start, end))
    return "|".join([*local, ",".join(f"{code}:{units}" for code, units in resources)])


def blank(args: Mapping[str, str], viewer: Viewer) -> BookingForm:
    """Return the form for a new booking, filled from the address.

    `resource` may be several codes with commas between them; `start`, `end`, `units`, `participants` too.
    """
    form = BookingForm(formdata=None)
    codes = [code[:40] for code in args.get("resource", "").split(",")[:MAX_RESOURCES] if code]
    rows = [(code, args.get("units", "1")[:4], args.get("unit", "")[:60]) for code in codes]
    form.key.data = secrets.token_hex(16)
    form.people.data = 1
    form.title.data = args.get("title", "")[:MAX_TITLE]
    form.participants.data = args.get("participants", "")[:5000]
    form.prepare(viewer, rows)
    start, end = first_times(args, viewer, form)
    set_times(form, start, end)
    for name in ("start", "end"):
        fold = args.get(f"{name}_fold")
        form[f"{name}_fold"].data = fold if fold in FOLDS else None
    return form


def first_times(args: Mapping[str, str], viewer: Viewer, form: BookingForm) -> tuple[datetime, datetime]:
    """Return the times from the address, else the next that would be accepted, else tomorrow at ten."""
    resource = places().by_code.get(args.get("resource", ""))
    slot = next_free(resource, viewer) if resource and not args.get("start") else None
    if slot is not None:
        first, last = (moment.astimezone(form.tz).replace(tzinfo=None) for moment in (slot.start, slot.end))
        return first, last
    tomorrow = clock.now().astimezone(form.tz).replace(tzinfo=None) + timedelta(days=1)
    start = _local(args.get("start"), tomorrow.replace(hour=10, minute=0, second=0, microsecond=0))
    return start, _local(args.get("end"), start + timedelta(hours=1))


def _local(text: str | None, default: datetime) -> datetime:
    """Read a local time from an address: `2026-11-24T09:00`; a bad one becomes the default."""
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=None, second=0, microsecond=0)
    except ValueError:
        return default


def set_times(form: BookingForm, start: datetime, end: datetime) -> None:
    """Fill a form's four fields of time with local times."""
    form.start_date.data, form.start_time.data = start.date(), start.time()
    form.end_date.data, form.end_time.data = end.date(), end.time()


def filled(detail: Detail, args: Mapping[str, str], viewer: Viewer) -> BookingForm:
    """Return the form that shows a booking as it is, to be changed."""
    booking = detail.booking
    form = BookingForm(formdata=None)
    rows = [(resource.code, str(units), "") for resource, units, _ in detail.resources]
    form.title.data, form.notes.data, form.people.data = booking.title, booking.notes, booking.people
    form.project.data = detail.project.code if detail.project else ""
    form.participants.data = ", ".join(user.email for user in detail.participants)
    form.supervisor.data = detail.supervisor.email if detail.supervisor else ""
    form.version.data = booking.version
    form.prepare(viewer, rows, detail)
    start, end = (moment.astimezone(form.tz) for moment in (booking.starts_at, booking.ends_at))
    form.start_fold.data = fold_of(booking.starts_at, form.tz) or None
    form.end_fold.data = fold_of(booking.ends_at, form.tz) or None
    set_times(form, start.replace(tzinfo=None), end.replace(tzinfo=None))
    return form


def copied(detail: Detail, weeks: int, viewer: Viewer) -> BookingForm:
    """Return the form for a new booking like another, some weeks later at the same local time."""
    form = filled(detail, {}, viewer)
    if detail.organiser.id != viewer.id:
        form.on_behalf_of.data = detail.organiser.email
    form.version.data, form.key.data = None, secrets.token_hex(16)
    form.start_fold.data = form.end_fold.data = None
    for field in (form.start_date, form.end_date):
        field.data = field.data + timedelta(weeks=weeks)
    return form
