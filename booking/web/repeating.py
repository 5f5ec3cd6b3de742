"""The fields that say how a booking repeats, and the dates that are shown before anything is booked.

Every date comes with a tick; those that cannot be booked have none. What is booked are the ticked ones.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import DateField, Field, HiddenField, SelectMultipleField
from wtforms.fields.choices import SelectField
from wtforms.validators import Length, NumberRange, StopValidation

from booking.base.errors import Invalid
from booking.base.period import wall
from booking.base.words import local_when
from booking.bookings.request import BookingRequest
from booking.bookings.series import Judged, Repeat, unfold
from booking.people.idempotency import fingerprint
from booking.schedule.recurrence import DAYS, MAX_INTERVAL, MAX_OCCURRENCES
from booking.schedule.words import DAY_NAMES
from booking.web.forms import WholeNumber

NOT = {"": "Does not repeat"}
REPEATS = {
    "weekly": "Weekly",
    "daily": "Daily",
    "working": "Every day from Monday to Friday",
    "monthly_date": "Monthly, on the same date",
    "monthly_day": "Monthly, on the same weekday, such as the second Tuesday",
    "monthly_last": "Monthly, on the last such weekday",
}
_FREQUENCY = {"weekly": "WEEKLY", "daily": "DAILY", "working": "DAILY;BYDAY=MO,TU,WE,TH,FR"}


def given(form: FlaskForm, field: Field) -> None:
    """Stop where nothing was given, as `Optional` does, without calling the field optional."""
    if not field.raw_data or not str(field.raw_data[0]).strip():
        field.errors = []
        raise StopValidation


class RepeatFields(FlaskForm):
    """How a booking repeats; part of the form for a new booking, and a form by itself."""

    repeats = SelectField("Repeats", choices={**NOT, **REPEATS}, default="")
    every = WholeNumber(
        "Every",
        [given, NumberRange(1, MAX_INTERVAL, f"Give a number from 1 to {MAX_INTERVAL}.")],
        description="2 means every second week, day or month.",
        default=1,
    )
    weekdays = SelectMultipleField(
        "On",
        choices=dict(zip(DAYS, DAY_NAMES, strict=True)),
        description="If none is ticked: the weekday of the start.",
    )
    count = WholeNumber(
        "How many times",
        [given, NumberRange(1, MAX_OCCURRENCES, f"Give a number from 1 to {MAX_OCCURRENCES}.")],
    )
    until = DateField("Or until (and on)", [given])
    previewed = HiddenField(validators=[Length(max=64)])

    def validate(self, extra_validators: Any = None) -> bool:
        fits = bool(super().validate(extra_validators))
        if self.repeats.data and fits and (self.count.data is None) == (self.until.data is None):
            self.count.errors = ["Say how many times, or until which day; one of both."]
            fits = False
        return fits

    def rrule(self, first: date) -> str:
        """Return the pattern of what was chosen, for a series that begins on a day."""
        parts = [f"FREQ={self._frequency(first)}"]
        if self.repeats.data != "working" and (self.every.data or 1) > 1:
            parts.append(f"INTERVAL={self.every.data}")
        if self.repeats.data == "weekly" and self.weekdays.data:
            parts.append(f"BYDAY={','.join(self.weekdays.data)}")
        parts.append(f"UNTIL={self.until.data:%Y%m%d}" if self.until.data else f"COUNT={self.count.data}")
        return ";".join(parts)

    def _frequency(self, first: date) -> str:
        name, day = DAYS[first.weekday()], (first.day - 1) // 7 + 1
        monthly = {
            "monthly_date": f"MONTHLY;BYMONTHDAY={first.day}",
            "monthly_day": f"MONTHLY;BYDAY={day}{name}",
            "monthly_last": f"MONTHLY;BYDAY=-1{name}",
        }
        return (_FREQUENCY | monthly)[self.repeats.data]


@dataclass(frozen=True)
class Row:
    """One date as it is shown: with a tick, or with what is in its way."""

    day: str
    when: str
    note: str
    faults: tuple[str, ...]
    ticked: bool


@dataclass(frozen=True)
class Preview:
    """The dates of a series."""

    rows: tuple[Row, ...]

    @property
    def free(self) -> int:
        return sum(not row.faults for row in self.rows)


def rrule_of(form: RepeatFields, asked: BookingRequest, tz: ZoneInfo) -> str:
    """Return the pattern that a form says, for the booking with which it begins."""
    return form.rrule(wall(asked.starts_at, tz).date())


def preview_of(
    form: RepeatFields, judged: Sequence[Judged], asked: BookingRequest, rrule: str, kept: Collection[str]
) -> Preview:
    """Show the dates of a series; `kept` are those that were ticked before."""
    form.previewed.data = _mark(asked, rrule)
    return Preview(tuple(_row(one, kept) for one in judged))


def _row(one: Judged, kept: Collection[str]) -> Row:
    day, occurrence = one.occurrence.start.date().isoformat(), one.occurrence
    faults = tuple(dict.fromkeys(reason.message for reason in one.refusals))
    when = local_when(occurrence.start, occurrence.end)
    return Row(day, when, occurrence.note if not faults else "", faults, not kept or day in kept)


def confirmed(
    form: RepeatFields,
    data: "MultiDict[str, str]",
    asked: BookingRequest,
    tz: ZoneInfo,
    always: Collection[str] = (),
) -> Repeat | None:
    """Return what to book if exactly this was shown before and is now confirmed, else nothing.

    The days of `always` need no tick.
    """
    rrule = rrule_of(form, asked, tz)
    if "book" not in data or form.previewed.data != _mark(asked, rrule):
        return None
    kept = {*data.getlist("keep"), *always}
    days = [one.start.date() for one in unfold(rrule, asked.period, tz)]
    if not any(day.isoformat() in kept - set(always) for day in days):
        raise Invalid({"repeat": ["Tick at least one date."]})
    left_out = ",".join(f"{day:%Y%m%d}" for day in days if day.isoformat() not in kept)
    return Repeat(f"{rrule}\nEXDATE:{left_out}" if left_out else rrule)


def _mark(asked: BookingRequest, rrule: str) -> str:
    return fingerprint([repr(asked), rrule])
