"""Reading what callers send: JSON as strict as RFC 8259 allows, times with their offset, plain texts."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from flask import Request
from marshmallow import Schema, ValidationError, fields, validate
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from booking.api.problems import Unreadable, WrongMediaType, flat
from booking.base.errors import Invalid
from booking.base.period import MAX_MOMENT, MIN_MOMENT
from booking.base.texts import text_fault
from booking.bookings.request import MAX_NOTES, Wanted

_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,20}))?"
    r"([Zz]|[+-][0-9]{2}:[0-5][0-9])?"
)
_LOST_PLUS = re.compile(r" (?=[0-9]{2}:[0-9]{2}$)")


# --- JSON ------------------------------------------------------------------------------------------


def body_of(request: Request) -> bytes:
    """Return the body of a request; raise `RequestEntityTooLarge` for chunks beyond the limit.

    Werkzeug refuses a length that is too large, but cuts off what comes in chunks without a length.
    """
    raw = request.get_data()
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(raw) >= limit:
        raise RequestEntityTooLarge
    return raw


def read_json(request: Request) -> Any:
    """Return the body of a request; raise `Unreadable` for whatever is not one plain JSON text in UTF-8."""
    raw = body_of(request)
    if not raw:
        raise Unreadable("A JSON object is needed in the body.")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if not request.is_json or charset not in ("utf-8", "utf8"):
        raise WrongMediaType("Send the body as application/json in UTF-8.")
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_number)
    except RecursionError:
        raise Unreadable("The body is nested too deeply.") from None
    except ValueError as error:
        raise Unreadable(f"The body is not JSON: {_reason(error)}") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is given twice in one object")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not in UTF-8."
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (line {error.lineno}, column {error.colno})."
    return f"{error}."[:200]


class Parser(FlaskParser):
    """Reads bodies and query strings for the schemas, and says what is wrong as `Invalid`."""

    def load_json(self, req: Request, schema: Schema) -> Any:
        if getattr(schema, "body_optional", False) and not body_of(req):
            return {}
        return read_json(req)

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        return {name: value for name, value in req.args.items() if value}

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        messages = error.messages
        if isinstance(messages, Mapping) and len(messages) == 1:
            messages = next(iter(messages.values()))  # the location: there is only ever one
        raise Invalid(flat(messages))


# --- fields ----------------------------------------------------------------------------------------


class Moment(fields.DateTime):
    """An RFC 3339 time with its offset, given back in UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> datetime:
        if not isinstance(value, str):
            raise ValidationError("Give the time as a text such as 2026-11-23T09:00:00+00:00.")
        return read_moment(value)


class QueryMoment(Moment):
    """The same in a query string, where an unquoted + arrives as a space."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> datetime:
        return read_moment(_LOST_PLUS.sub("+", value) if isinstance(value, str) else value)


def read_moment(text: str) -> datetime:
    """Read an RFC 3339 time; raise `ValidationError` in words for whoever sent it."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValidationError("This is not an RFC 3339 time such as 2026-11-23T09:00:00+00:00.")
    day, clock_time, fraction, offset = match.groups()
    if offset is None:
        raise ValidationError("Give the time with its offset from UTC, such as +00:00 or Z.")
    zone = "+00:00" if offset in "Zz" else offset
    try:
        moment = datetime.fromisoformat(f"{day}T{clock_time}.{(fraction or '').ljust(6, '0')[:6]}{zone}")
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValidationError("There is no such time; check day, hour and offset.") from None
    if not MIN_MOMENT <= moment <= MAX_MOMENT:
        raise ValidationError("This date is out of reach; check the year.")
    return moment


class Line(fields.String):
    """One line of plain text."""

    lines = False
    pattern = r"^[^\x00-\x1f\x7f]*$"

    def __init__(self, longest: int = 200, **more: Any) -> None:
        self.longest = longest
        more["metadata"] = {"maxLength": longest, "pattern": self.pattern, **more.get("metadata", {})}
        super().__init__(**more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **more)
        fault = text_fault(text, self.longest, self.lines)
        if fault:
            raise ValidationError(fault)
        return text


class Lines(Line):
    """Several lines of plain text."""

    lines = True
    pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

    def __init__(self, longest: int = MAX_NOTES, **more: Any) -> None:
        super().__init__(longest, **more)


class Whole(fields.Integer):
    """A whole number; 2.0 is one, and in a query string so is the text 2."""

    def __init__(self, least: int, most: int, **more: Any) -> None:
        self.least, self.most = least, most
        more["metadata"] = {"minimum": least, "maximum": most, **more.get("metadata", {})}
        super().__init__(**more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> int:
        number = whole(value)
        if number is None:
            raise ValidationError("Give a whole number.")
        if not self.least <= number <= self.most:
            raise ValidationError(f"Give a number from {self.least} to {self.most}.")
        return number


def whole(value: Any) -> int | None:
    """Return a whole number as JSON may write it, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


class QueryWhole(Whole):
    """A whole number in a query string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> int:
        digits = isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value)
        return super()._deserialize(int(value) if digits else None, attr, data, **more)


class Flag(fields.Boolean):
    """true or false, as JSON writes them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Say true or false.")
        return value


class QueryFlag(fields.Boolean):
    """true or false in a query string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> bool:
        found = {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
        if found is None:
            raise ValidationError("Say true or false.")
        return found


class WantedUnits(Schema):
    """A resource with a number of units, or with the names of units."""

    code = Line(40, required=True)
    units = Whole(1, 1000)
    unit_names = fields.List(Line(60), validate=validate.Length(max=100))


class WantedResource(fields.Field[Wanted]):
    """A resource by its code, or an object that says which and how many of its units."""

    def __init__(self, **more: Any) -> None:
        code = {"type": "string", "maxLength": 40, "pattern": Line.pattern}
        names = {"type": "string", "maxLength": 60, "pattern": Line.pattern}
        units = {
            "type": "object",
            "required": ["code"],
            "additionalProperties": False,
            "properties": {
                "code": code,
                "units": {"type": "integer", "minimum": 1, "maximum": 1000},
                "unit_names": {"type": "array", "maxItems": 100, "items": names},
            },
        }
        super().__init__(metadata={"oneOf": [code, units]}, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Wanted:
        if isinstance(value, str):
            return Wanted(value)
        if not isinstance(value, dict):
            raise ValidationError("Give a resource's code, or an object with code and units or unit_names.")
        loaded: dict[str, Any] = WantedUnits().load(value)
        names = tuple(loaded.get("unit_names", ()))
        if names and loaded.get("units", len(names)) != len(names):
            raise ValidationError("Give units or unit_names, not both.")
        return Wanted(loaded["code"], loaded.get("units", 1), names)
