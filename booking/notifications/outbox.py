"""How mails come into the outbox: as rows, in the transaction of what they tell of."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from booking.base import clock
from booking.base.db import write
from booking.notifications.models import OutboxMessage
from booking.people.models import public_id

Row = dict[str, Any]
_MESSAGE = insert(OutboxMessage)


def message(kind: str, booking_id: int | None, person: int, facts: Row, due: datetime) -> Row:
    """Return the row of a mail to one person, to be sent at a moment."""
    return {
        "public_id": public_id(),
        "kind": kind,
        "recipient_id": person,
        "booking_id": booking_id,
        "facts": facts,
        "created_at": clock.now(),
        "due_at": due,
        "next_try_at": due,
    }


def put(rows: Iterable[Row]) -> None:
    """Write mails into the outbox."""
    write(_MESSAGE, list(rows))
