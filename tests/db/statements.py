"""Counts the SQL statements of an action, so that none grows with what it is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event
from sqlalchemy.engine import Connection

from booking.base import prepared
from booking.base.db import db

NOT_WORK = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA")


@contextmanager
def recorded_with_values() -> Iterator[list[tuple[str, Any]]]:
    """Collect the SELECT statements sent within a block, each with its values."""
    with _seen() as seen:
        statements: list[tuple[str, Any]] = []
        yield statements
        statements += [one for one in seen if one[0].lstrip().upper().startswith("SELECT")]


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Collect the statements sent within a block; the beginnings and ends of transactions do not count."""
    with _seen() as seen:
        statements: list[str] = []
        yield statements
        found = [" ".join(statement.split()) for statement, _ in seen]
        statements += [statement for statement in found if not statement.upper().startswith(NOT_WORK)]


@contextmanager
def _seen() -> Iterator[list[tuple[str, Any]]]:
    """Watch both ways to the database: SQLAlchemy's own, and the short one of prepared statements."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        seen.append((statement, values))

    straight = prepared.send

    def send(connection: Connection, sql: str, values: Any, many: bool = False) -> Any:
        seen.append((sql, values))
        return straight(connection, sql, values, many)

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    with patch.object(prepared, "send", send):
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)


def listed(statements: list[str]) -> str:
    """Return the statements as a numbered list for the message of a failure."""
    return "".join(f"\n{n:3} {statement[:150]}" for n, statement in enumerate(statements, 1))
