"""Counts the SQL statements of an action, so that none grows with what it is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from booking.base.db import db

NOT_WORK = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA")


@contextmanager
def recorded_with_values() -> Iterator[list[tuple[str, Any]]]:
    """Collect the SELECT statements sent within a block, each with its values."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            statements.append((statement, values))

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Collect the statements sent within a block; the beginnings and ends of transactions do not count."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(NOT_WORK):
            statements.append(" ".join(statement.split()))

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def listed(statements: list[str]) -> str:
    """Return the statements as a numbered list for the message of a failure."""
    return "".join(f"\n{n:3} {statement[:150]}" for n, statement in enumerate(statements, 1))
