"""What forms that change records share: faults at their fields, nothing typed lost, no blind overwriting."""

import re
from collections.abc import Callable, Mapping
from datetime import time
from typing import Any

from flask import flash, redirect, request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import Optional

from booking.base.edits import as_read
from booking.base.errors import Invalid, Stale
from booking.web.forms import plain_text, put_errors

STALE = (
    "Somebody changed this while you had it open; the history below says what. "
    "What you typed is still here: send it again to store it over theirs."
)


class EditForm(FlaskForm):
    """A form that runs an action and shows what the action says is wrong."""

    as_read = HiddenField()
    status = 200
    stored: Any = None

    class Meta:
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> MultiDict[str, str] | None:
            return request.form if form.is_submitted() else None

    def sent(self, act: Callable[[], Any], names: Mapping[str, str] | None = None) -> bool:
        """Run the action if the form was sent and can be read; tell whether it was stored."""
        if not self.is_submitted():
            return False
        self.status = 422
        if not self.validate():
            return False
        try:
            self.stored = act()
        except Invalid as error:
            self.form_errors = [message for message, _ in put_errors(self, error, names or {})]
        except Stale as error:
            self.status, self.form_errors = error.status, [STALE]
        else:
            return True
        return False

    def mark(self, picture: Mapping[str, Any]) -> None:
        """Remember how the record stood when this form was shown."""
        if self.status in (200, Stale.status):
            self.as_read.data = as_read(picture)


def done(message: str, href: str) -> Response:
    """Say that it is stored and go on."""
    flash(message, "success")
    return redirect(href, 303)


def text(label: str, hint: str = "", optional: bool = False, **more: Any) -> StringField:
    """Make a field for one line."""
    return StringField(label, [*([Optional()] if optional else []), plain_text], description=hint, **more)


def lines(label: str, hint: str = "", optional: bool = True) -> TextAreaField:
    """Make a field for several lines."""
    return TextAreaField(label, [*([Optional()] if optional else []), plain_text], description=hint)


UNITS = {
    "min": 1,
    "minute": 1,
    "minutes": 1,
    "h": 60,
    "hour": 60,
    "hours": 60,
    "d": 1440,
    "day": 1440,
    "days": 1440,
    "w": 10080,
    "week": 10080,
    "weeks": 10080,
}
LENGTH = re.compile(r"([0-9]{1,6}) *([a-z]+)")


class LengthField(StringField):
    """A length of time in words, such as `30 min`, `4 h` or `2 days 12 h`; its data are minutes."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return length_words(self.data) if isinstance(self.data, int) else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        typed = (valuelist[0] if valuelist else "").strip().casefold()
        if not typed:
            return
        parts = LENGTH.findall(typed)
        if LENGTH.sub("", typed).strip(" ,") or not all(unit in UNITS for _, unit in parts):
            raise ValueError("Give a length with its unit, such as 30 min, 4 h, 2 days or 12 weeks.")
        self.data = sum(int(number) * UNITS[unit] for number, unit in parts)


def length_words(minutes: int) -> str:
    """Write a length the way `LengthField` reads it, in whole weeks where it is some."""
    if minutes and minutes % UNITS["week"] == 0:
        return f"{minutes // UNITS['week']} w"
    days, rest = divmod(minutes, UNITS["day"])
    hours, rest = divmod(rest, 60)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{rest} min" if rest else ""]
    return " ".join(part for part in parts if part) or "0 min"


class DaysField(LengthField):
    """A length of whole days, such as `12 weeks`; its data are days."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return length_words(self.data * UNITS["day"]) if isinstance(self.data, int) else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None:
            if self.data % UNITS["day"]:
                raise ValueError("Give whole days or weeks, such as 10 days or 12 weeks.")
            self.data //= UNITS["day"]


SPAN = re.compile(r"([0-9]{1,2})[:.]([0-9]{2}) *[-–—] *([0-9]{1,2})[:.]([0-9]{2})")


class HoursField(StringField):
    """A day's opening hours, such as `08:30-12:00, 13:00-17:30`; its data are pairs of times."""

    data: tuple[tuple[time, time], ...] | None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return ", ".join(f"{a:%H:%M}-{b:%H:%M}" for a, b in self.data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = ()
        typed = (valuelist[0] if valuelist else "").strip()
        if not typed:
            return
        spans = SPAN.findall(typed)
        if SPAN.sub("", typed).strip(" ,;"):
            raise ValueError(
                "Give hours such as 08:30-17:30; leave the field empty for a day that is closed."
            )
        try:
            self.data = tuple((time(int(a), int(b)), time(int(c), int(d))) for a, b, c, d in spans)
        except ValueError:
            raise ValueError("There is no such time of day; the last is 23:59.") from None
