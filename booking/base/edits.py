"""What changing any record has in common: faults of the input, what changed, whether it is as it was read."""

import hashlib
import json
from collections.abc import Container, Mapping
from datetime import date, time
from typing import Any

from sqlalchemy.exc import IntegrityError

from booking.base import audit
from booking.base.db import db
from booking.base.errors import Invalid, Stale
from booking.base.texts import text_fault

Picture = Mapping[str, Any]


class Faults:
    """Collects what is wrong with an input, field by field, so that all of it is said at once."""

    def __init__(self) -> None:
        self.errors: dict[str, list[str]] = {}

    def add(self, field: str, message: str | None) -> None:
        if message:
            self.errors.setdefault(field, []).append(message)

    def text(self, field: str, text: str, longest: int, needed: str = "", lines: bool = False) -> None:
        """Check a text: its length, its characters and, if `needed` says why, that there is one."""
        self.add(field, text_fault(text, longest, lines))
        if needed and not text.strip():
            self.add(field, needed)

    def number(self, field: str, number: int | None, least: int, most: int) -> None:
        if number is not None and not least <= number <= most:
            self.add(field, f"Give a number from {least} to {most}.")

    def choice(self, field: str, value: str | None, known: Container[str | None]) -> None:
        if value not in known:
            self.add(field, "Choose one of the list.")

    def day(self, field: str, day: date | None) -> None:
        if day is not None and not 1990 <= day.year <= 2199:
            self.add(field, "This date is out of reach; check the year.")

    def stop(self) -> None:
        """Raise `Invalid` if anything was wrong."""
        if self.errors:
            raise Invalid(self.errors)


def storable(text: str) -> bool:
    """Tell whether a text can be looked for in the database at all."""
    return text_fault(text, 300) is None


def code_fault(code: str) -> str | None:
    """Say why a text cannot be a code, or return None: codes stand in addresses and on labels."""
    plain = code.isascii() and code.replace("-", "").replace(".", "").replace("_", "").isalnum()
    if not plain or not code[0].isalnum() or len(code) > 40:
        return "Use up to 40 letters, digits, hyphens and full stops, beginning with a letter or digit."
    return None


def flush_unique(field: str, message: str) -> None:
    """Write what was added or changed; a name that another has becomes a message at its field."""
    try:
        db.session.flush()
    except IntegrityError as error:
        raise Invalid({field: [message]}) from error


def plain(value: Any) -> Any:
    """Return a value as history stores it."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    return value


def as_read(picture: Picture) -> str:
    """Return a short mark of a record as it stands: a form carries it to notice other changes."""
    text = json.dumps({name: plain(value) for name, value in picture.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def must_be_as_read(picture: Picture, mark: str | None) -> None:
    """Raise `Stale` if a record changed since its mark was given out; no mark, no question."""
    if mark and mark != as_read(picture):
        raise Stale


def record(
    action: str, kind: str, row_id: int, by_id: int | None, before: Picture, after: Picture, reason: str = ""
) -> bool:
    """Write into history what differs between two pictures; tell whether anything does."""
    names = sorted(name for name in {*before, *after} if plain(before.get(name)) != plain(after.get(name)))
    if not names and before:
        return False
    then = {name: plain(before[name]) for name in names if name in before}
    now = {name: plain(after[name]) for name in names if name in after}
    audit.record(action, kind, row_id, by_id, then, now, reason)
    return True
