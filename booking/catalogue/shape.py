"""Checks a catalogue against `schema.json`: types, missing and unknown members, texts, days and times."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date
from functools import lru_cache
from pathlib import Path as File
from typing import Any
from zoneinfo import available_timezones

import jsonschema  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]

from booking.catalogue import dates
from booking.catalogue.faults import Fault, Path, place, quoted
from booking.facilities.places import holiday_name

SCHEMA: dict[str, Any] = json.loads((File(__file__).parent / "schema.json").read_text(encoding="utf-8"))
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_CODE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def shape_faults(data: Any, t0: date) -> list[tuple[Path, Fault]]:
    """Return every fault of shape with its path, in the order of the file."""
    return [fault for error in _validator(t0).iter_errors(data) for fault in _faults_of(error)]


def sound_part(data: Any, faults: list[tuple[Path, Fault]]) -> Any:
    """Return a copy in which everything with a fault of shape is missing, so that the rest can be judged."""
    copy = deepcopy(data)
    for path, _ in faults:
        _cut(copy, path)
    return copy


def _cut(data: Any, path: Path) -> None:
    holder = data
    try:
        for step in path[:-1]:
            holder = holder[step]
        if path:
            holder[path[-1]] = None
    except (KeyError, IndexError, TypeError):
        return


@lru_cache(maxsize=4)
def _validator(t0: date) -> Any:
    strict = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    kind = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=strict)
    checker = jsonschema.FormatChecker(formats=())
    for name, check in _formats(t0).items():
        checker.checks(name, raises=ValueError)(_only_texts(check))
    return kind(SCHEMA, format_checker=checker)


def _only_texts(check: Callable[[str], object]) -> Callable[[object], bool]:
    def holds(value: object) -> bool:
        if isinstance(value, str):
            check(value)
        return True

    return holds


def _faults_of(error: ValidationError) -> Iterator[tuple[Path, Fault]]:
    path = list(error.absolute_path)
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        for name in sorted(set(error.instance) - _known_members(error.schema)):
            yield _fault([*path, name], "there is no such member")
    elif error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield _fault([*path, name], "this is missing")
    elif error.validator == "anyOf":
        yield from _faults_of_choice(error)
    else:
        yield _fault(path, _WORDS[str(error.validator)](error))


def _faults_of_choice(error: ValidationError) -> Iterator[tuple[Path, Fault]]:
    inside = [cause for cause in error.context or () if cause.validator != "type" or len(cause.path)]
    if inside:
        for cause in inside:
            yield from _faults_of(cause)
        return
    kinds = [_TYPES[str(cause.validator_value)] for cause in error.context or ()]
    yield _fault(list(error.absolute_path), f"{' or '.join(kinds)} is needed")


def _fault(path: Path, message: str) -> tuple[Path, Fault]:
    return path, Fault(place(path), message)


def _known_members(schema: Any) -> set[str]:
    names = set(schema.get("properties", {}))
    if "$ref" in schema:
        names |= _known_members(SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]])
    return names


_WORDS: dict[str, Callable[[ValidationError], str]] = {
    "type": lambda e: f"{_TYPES[str(e.validator_value)]} is needed",
    "const": lambda e: f"this must be {e.validator_value}",
    "enum": lambda e: f"one of {', '.join(map(str, e.validator_value))} is needed",  # type: ignore[arg-type]
    "minimum": lambda e: f"at least {e.validator_value} is needed, not {str(e.instance)[:20]}",
    "maximum": lambda e: f"at most {e.validator_value} is possible, not {str(e.instance)[:20]}",
    "minItems": lambda e: f"at least {e.validator_value} is needed",
    "maxItems": lambda e: f"at most {e.validator_value} are possible",
    "maxLength": lambda e: f"at most {e.validator_value} characters are possible",
    "format": lambda e: str(e.cause),
    "uniqueItems": lambda e: "something is listed twice",
}


# --- texts -----------------------------------------------------------------------------------------


def _formats(t0: date) -> dict[str, Callable[[str], object]]:
    """Return what each `format` of the schema demands: a check raises `ValueError` with the reason."""
    return {
        "line": _must_be_a_line,
        "name": _must_be_a_name,
        "text": lambda text: _must_be_shown(text, "\n\t"),
        "code": _must_be_a_code,
        "email": must_be_an_email,
        "timezone": _must_be_a_zone,
        "holidays": _must_be_holidays,
        "clock": dates.clock_time,
        "day": lambda text: dates.day(text, t0),
    }


def _must_be_shown(text: str, allowed: str) -> None:
    if any((ord(c) < 32 and c not in allowed) or ord(c) == 127 or 0xD800 <= ord(c) < 0xE000 for c in text):
        raise ValueError("this holds characters that cannot be shown")


def _must_be_a_line(text: str) -> None:
    _must_be_shown(text, "")


def _must_be_a_name(text: str) -> None:
    _must_be_shown(text, "")
    if not text.strip():
        raise ValueError("this is empty")


def _must_be_a_code(text: str) -> None:
    if not text or set(text[:41]) - _CODE:
        raise ValueError("a code is made of letters, digits, hyphens, dots and underscores")


def must_be_an_email(text: str) -> None:
    """Raise `ValueError` if a text is no e-mail address."""
    local, _, domain = text.partition("@")
    plain = text.isascii() and text.isprintable() and not set(' ",;:<>()[]\\') & set(text)
    parts = domain.split(".")
    if not (plain and 0 < len(local) <= 64 and "@" not in domain and all(parts) and len(text) <= 254):
        raise ValueError(f"{quoted(text)} is no e-mail address")


def _must_be_a_zone(text: str) -> None:
    if text not in available_timezones():
        raise ValueError(f"there is no time zone {quoted(text)}")


def _must_be_holidays(text: str) -> None:
    try:
        holiday_name(text, date(2026, 1, 1))
    except (NotImplementedError, ValueError, TypeError, AttributeError):
        raise ValueError(f"there is no calendar of holidays {quoted(text)}; England's is GB-ENG") from None
