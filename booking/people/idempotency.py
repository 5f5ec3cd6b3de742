"""The same request sent twice has its effect once: keys stored in the transaction of what they did."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from booking.base import clock
from booking.base.db import db, is_sqlite
from booking.base.errors import BookingError
from booking.people.models import IdempotencyKey

KEPT = timedelta(hours=48)


class IdempotencyMismatch(BookingError):
    status = 422
    code = "idempotency_mismatch"

    def __init__(self, message: str = "This key was used for another request; take a new one.") -> None:
        super().__init__(message)


@dataclass(frozen=True)
class Answer:
    """What the first request with a key was answered."""

    status: int
    body: dict[str, Any]


def fingerprint(content: Any) -> str:
    """Return what tells two requests apart."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def first_answer(user_id: int, key: str, request_hash: str) -> Answer | None:
    """Return the first answer to this key, or None if it is new; in the transaction of the effect.

    A key that is too old is forgotten. A key is claimed by its unique row before anything is locked: the
    same key sent twice at once waits for the first, and holds nothing while it waits.
    """
    mine = (IdempotencyKey.user_id == user_id) & (IdempotencyKey.key == key)
    db.session.execute(delete(IdempotencyKey).where(mine, IdempotencyKey.created_at < clock.now() - KEPT))
    if _claim(user_id, key, request_hash):
        return None
    query = select(IdempotencyKey).where(mine)
    row = db.session.scalars(query.execution_options(populate_existing=True)).one()
    if row.request_hash != request_hash:
        raise IdempotencyMismatch
    return Answer(row.status, row.answer)


def _claim(user_id: int, key: str, request_hash: str) -> bool:
    insert = sqlite_insert if is_sqlite() else postgresql_insert
    statement = insert(IdempotencyKey).values(
        user_id=user_id, key=key, request_hash=request_hash, status=0, answer={}, created_at=clock.now()
    )
    statement = statement.on_conflict_do_nothing(index_elements=["user_id", "key"])
    return db.session.scalar(statement.returning(IdempotencyKey.id)) is not None


def remember(user_id: int, key: str, answer: Answer) -> None:
    """Keep the answer to this key, in the transaction that claimed it."""
    db.session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
        .values(status=answer.status, answer=answer.body)
    )


def forget_old() -> None:
    """Drop keys that nobody will send again."""
    db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < clock.now() - KEPT))
