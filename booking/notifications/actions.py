"""What staff do with mails and timed acts that did not go as planned: try them again, or give them up."""

from typing import TypeVar

from sqlalchemy import update

from booking.base import audit, clock
from booking.base.acts import TimedAct
from booking.base.db import db, lock, transaction
from booking.base.errors import NotChangeable, NotFound
from booking.base.work import LEASE, Work
from booking.notifications.models import OutboxMessage
from booking.notifications.queries import find_message
from booking.people.sessions import must_be_able_to_write
from booking.people.viewer import Viewer

Row = TypeVar("Row", bound=Work)


def retry(public_id: str, by: Viewer) -> None:
    """Send a mail that was given up after all, or one whose next try is hours away at once."""
    with transaction():
        message = _open(OutboxMessage, find_message(public_id, by).id, by)
        if not may_retry(message):
            raise NotChangeable("It is tried by itself within two minutes, or when it is due.")
        _again(message)
        audit.record("retried", "outbox", message.id, by.id)


def may_retry(message: OutboxMessage) -> bool:
    """Tell whether a mail was given up, or failed and is in no worker's hands: those hold it for a lease."""
    if message.dead_at is not None:
        return True
    waits = message.next_try_at is not None and message.next_try_at > clock.now() + LEASE
    return waits and message.tries > 0


def give_up(public_id: str, by: Viewer) -> None:
    """Do not send a mail that waits."""
    with transaction():
        message = _open(OutboxMessage, find_message(public_id, by).id, by)
        if message.dead_at is not None:
            raise NotChangeable("This mail was given up already.")
        message.dead_at, message.next_try_at, message.last_error = (
            clock.now(),
            None,
            f"Given up by {by.name}.",
        )
        message.tries += 1  # whoever is at it now has lost it
        audit.record("given_up", "outbox", message.id, by.id)


def leave_unsent(reason: str) -> None:
    """Close every mail that is due without sending it."""
    now = clock.now()
    with transaction():
        due = update(OutboxMessage).where(OutboxMessage.next_try_at <= now)
        closed = due.values(done_at=now, next_try_at=None, last_error=reason)
        db.session.execute(closed, execution_options={"synchronize_session": False})


def retry_act(act_id: int, by: Viewer) -> None:
    """Carry out a timed act that was given up after all."""
    if not by.staffs_anything or db.session.get(TimedAct, act_id) is None:
        raise NotFound
    with transaction():
        act = _open(TimedAct, act_id, by)
        if act.dead_at is None:
            raise NotChangeable("It is carried out by itself when it is due.")
        _again(act)
        audit.record("retried", "timed_act", act.id, by.id)


def _open(model: type[Row], row_id: int, by: Viewer) -> Row:
    must_be_able_to_write(by)
    row = lock(model, [row_id])[row_id]
    if row.done_at is not None:
        raise NotChangeable("This is done already.")
    return row


def _again(row: Work) -> None:
    row.dead_at, row.last_error, row.tries = None, "", 0
    row.due_at = row.next_try_at = clock.now()
