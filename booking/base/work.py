"""Rows that wait to be carried out by one of any number of workers.

A claim is stored before the work begins and puts the next try off by the lease: what a dead worker held
comes due again by itself. Only the latest claim of a row may say how it went.
"""

from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from sqlalchemy import Index, Text, literal, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from booking.base import clock
from booking.base.db import Base, UTCDateTime, db, transaction

LEASE = timedelta(minutes=2)
# How long to wait after each failed try; about a day in all, then the row is dead until somebody looks.
DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120, 240, 480, 480))
MAX_ERROR = 500


class Work(Base):
    """Something to be carried out once, at a moment or soon after; open until it is done or dead."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    next_try_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(Text, default="")
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    dead_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


Row = TypeVar("Row", bound=Work)


def due_index(table: str) -> Index:
    """Return the index by which workers find what is due, however much is done already."""
    some = text("next_try_at IS NOT NULL")
    return Index(f"ix_{table}_due", "next_try_at", "id", postgresql_where=some, sqlite_where=some)


def anything_due(model: type[Row]) -> bool:
    """Tell whether a worker would find something, without a lock."""
    query = select(literal(1)).select_from(model).where(model.next_try_at <= clock.now())
    return db.session.scalar(query.limit(1)) is not None


def claim(model: type[Row]) -> Row | None:
    """Take the row that has been due longest, for the length of a lease, past those that others take."""
    if not anything_due(model):
        return None
    with transaction():
        due = select(model).where(model.next_try_at <= clock.now()).order_by(model.next_try_at, model.id)
        due = due.limit(1).with_for_update(skip_locked=True)
        row = db.session.scalar(due.execution_options(populate_existing=True))
        if row is not None:
            row.tries += 1
            row.next_try_at = clock.now() + LEASE
    return row


def finish(row: Work, note: str = "", **values: Any) -> bool:
    """Mark a claimed row as done, in the transaction of its effect; tell whether it still was ours."""
    return _settle(row, done_at=clock.now(), next_try_at=None, last_error=note, **values)


def put_off(row: Work, error: str) -> None:
    """Try a claimed row again later, the longer the more often it failed; after the last try it is dead."""
    if row.tries > len(DELAYS):
        return bury(row, error)
    structlog.get_logger("worker").warning("put off", kind=row.kind, row=row.id, reason=error)
    with transaction():
        _settle(row, next_try_at=clock.now() + DELAYS[row.tries - 1], last_error=error[:MAX_ERROR])


def bury(row: Work, error: str) -> None:
    """Try a claimed row no more until somebody says so."""
    structlog.get_logger("worker").warning("given up", kind=row.kind, row=row.id, reason=error)
    with transaction():
        _settle(row, dead_at=clock.now(), next_try_at=None, last_error=error[:MAX_ERROR])


def _settle(row: Work, **values: Any) -> bool:
    model = type(row)
    mine = (model.id == row.id, model.tries == row.tries, model.done_at.is_(None), model.dead_at.is_(None))
    statement = update(model).where(*mine).values(**values).returning(model.id)
    settled = db.session.execute(statement, execution_options={"synchronize_session": False})
    return settled.one_or_none() is not None
