"""What the forms share: text that can be stored, local dates and times, and the words of their errors."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import Field, IntegerField, ValidationError

from booking.base.errors import Invalid
from booking.base.period import LocalTimeMissing, LocalTimeTwice, from_wall
from booking.base.texts import text_fault

A_NUMBER = "Give a whole number."


def plain_text(form: FlaskForm, field: Field) -> None:
    """Refuse characters that cannot be shown or stored."""
    fault = text_fault(field.data or "", 100_000, lines=True)
    if fault:
        field.data = printable(field.data or "")
        raise ValidationError(fault)


def printable(text: str) -> str:
    """Return a text with what cannot be shown left out, so that the form can be filled in again."""
    return "".join(c for c in text if c in "\n\r\t" or (ord(c) >= 32 and not 0xD800 <= ord(c) < 0xE000))


def names_in(text: str) -> tuple[str, ...]:
    """Return the people named in a text, with commas, semicolons or new lines between them."""
    parts = text.replace("\n", ",").replace(";", ",").split(",")
    return tuple(name.strip() for name in parts if name.strip())


def put_errors(form: FlaskForm, error: Invalid, names: Mapping[str, str]) -> list[tuple[str, None]]:
    """Put each message at its field; return what belongs to none. `names` maps request to form fields."""
    rest: list[tuple[str, None]] = []
    for name, messages in error.errors.items():
        field: Any = getattr(form, names.get(name, name), None)
        if field is None:
            rest += [(message, None) for message in messages]
        else:
            field.errors = [*field.errors, *messages]
    return rest


class WholeNumber(IntegerField):
    """A whole number in plain digits; what was typed is kept when it is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0].strip():
            return
        text = valuelist[0].strip()
        self.data = None
        if not (text.isascii() and text.isdigit() and len(text) < 9):
            raise ValueError(A_NUMBER)
        self.data = int(text)


class LocalMoment:
    """A date and a time typed into a form, read in a facility's zone."""

    def __init__(self, day: date | None, clock: time | None, fold: str | None, tz: ZoneInfo) -> None:
        self.moment: datetime | None = None
        self.fault = ""
        self.ask_fold = False
        if day is None or clock is None:
            return
        try:
            if not 1990 <= day.year <= 2199:
                raise ValueError("This date is out of reach; check the year.")
            self.moment = from_wall(datetime.combine(day, clock), tz, fold)
        except LocalTimeMissing as missing:
            self.fault = f"{missing}. Choose a time before or after."
        except LocalTimeTwice as twice:
            self.fault = f"{twice}. Say whether you mean the first or the second."
            self.ask_fold = True
        except ValueError as fault:
            self.fault = str(fault)


def fold_of(moment: datetime, tz: ZoneInfo) -> str:
    """Return `first` or `second` for a moment whose local time exists twice, else an empty text."""
    local = moment.astimezone(tz)
    other = local.replace(fold=1 - local.fold)
    twice = other.utcoffset() != local.utcoffset() and _exists(local.replace(tzinfo=None), tz)
    return ("second" if local.fold else "first") if twice else ""


def _exists(local: datetime, tz: ZoneInfo) -> bool:
    return local.replace(tzinfo=tz).astimezone(UTC).astimezone(tz).replace(tzinfo=None) == local


def parse_day(text: str | None, default: date) -> date:
    """Read an ISO day from an address; a bad one becomes the default."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return default
    return day if abs(day - default) < timedelta(days=3660) else default
