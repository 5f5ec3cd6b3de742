"""Timed acts: what is to happen by itself at a moment, written in the transaction of its cause.

A package says what an act of a kind does with `carries_out`; `booking worker` does it, in one transaction
with the mark that it is done.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Index, String, delete, or_, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from booking.base.db import db, is_sqlite, transaction
from booking.base.work import Work, claim, due_index, finish, put_off

Handler = Callable[[int], None]
OPEN = text("done_at IS NULL")
_handlers: dict[str, Handler] = {}


class TimedAct(Work):
    """An act of a kind upon a subject, such as the expiry of a request; at most one of each is open."""

    __tablename__ = "timed_acts"
    __table_args__ = (
        due_index("timed_acts"),
        Index(
            "uq_timed_acts_open",
            "kind",
            "subject_id",
            unique=True,
            postgresql_where=OPEN,
            sqlite_where=OPEN,
        ),
        Index(
            "ix_timed_acts_dead",
            "dead_at",
            postgresql_where=text("dead_at IS NOT NULL"),
            sqlite_where=text("dead_at IS NOT NULL"),
        ),
    )

    kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]


def carries_out(kind: str) -> Callable[[Handler], Handler]:
    """Register what an act of a kind does to its subject; it may find that nothing is to be done any more."""

    def register(handler: Handler) -> Handler:
        _handlers[kind] = handler
        return handler

    return register


def plan(kind: str, subject_id: int, due_at: datetime) -> None:
    """Let something happen at a moment; where it is planned already, the earlier moment counts."""
    insert = sqlite_insert if is_sqlite() else postgresql_insert
    statement = insert(TimedAct).values(
        kind=kind, subject_id=subject_id, due_at=due_at, next_try_at=due_at, tries=0, last_error=""
    )
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["kind", "subject_id"],
        index_where=OPEN,
        set_={"due_at": new.due_at, "next_try_at": new.due_at, "tries": 0, "last_error": "", "dead_at": None},
        where=or_(TimedAct.dead_at.is_not(None), TimedAct.due_at > new.due_at),
    )
    db.session.execute(statement)


def unplan(kind: str, subject_id: int) -> None:
    """Let something not happen after all."""
    mine = (TimedAct.kind == kind, TimedAct.subject_id == subject_id, TimedAct.done_at.is_(None))
    db.session.execute(delete(TimedAct).where(*mine), execution_options={"synchronize_session": False})


def carry_out_due(limit: int = 50) -> int:
    """Carry out what is due, each in a transaction of its own; return how many were."""
    done = 0
    for _ in range(limit):
        act = claim(TimedAct)
        if act is None:
            break
        done += _carry_out(act)
    return done


def _carry_out(act: TimedAct) -> bool:
    try:
        with transaction():
            if not finish(act):
                return False
            _handlers[act.kind](act.subject_id)
    except Exception as error:  # whatever it is, the others must not wait for it
        put_off(act, f"{type(error).__name__}: {error}")
        return False
    return True
