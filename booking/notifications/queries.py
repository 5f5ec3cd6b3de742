"""Questions about the outbox: what staff of a facility may read of it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from booking.base import clock
from booking.base.acts import TimedAct
from booking.base.db import db
from booking.base.edits import storable
from booking.base.errors import NotFound
from booking.base.work import Work
from booking.bookings.models import Booking
from booking.notifications.models import OutboxMessage
from booking.people.models import User
from booking.people.viewer import Viewer

STATES = {
    "waiting": "Waiting to be sent",
    "failed": "Failed, tried again",
    "dead": "Given up",
    "planned": "Planned for later",
    "digest": "Waiting for a digest",
    "sent": "Sent",
    "unsent": "Not needed, or in a digest",
}


def state_of(row: Work) -> str:
    """Return how a mail or an act stands, as one of `STATES`."""
    if row.dead_at is not None:
        return "dead"
    if row.done_at is not None:
        return "sent" if not isinstance(row, OutboxMessage) or row.sent_at is not None else "unsent"
    if row.next_try_at is None:
        return "digest"
    if row.tries:
        return "failed"
    return "planned" if row.next_try_at > clock.now() else "waiting"


def _in_state(state: str) -> ColumnElement[bool]:
    """Return the condition for a state: `state_of` said in SQL."""
    row = OutboxMessage
    due = row.next_try_at <= clock.now()
    is_open = and_(row.done_at.is_(None), row.dead_at.is_(None))
    return {
        "waiting": and_(due, row.tries == 0),
        "failed": and_(row.next_try_at.is_not(None), row.tries > 0),
        "dead": row.dead_at.is_not(None),
        "planned": and_(row.next_try_at > clock.now(), row.tries == 0),
        "digest": and_(is_open, row.next_try_at.is_(None)),
        "sent": row.sent_at.is_not(None),
        "unsent": and_(row.done_at.is_not(None), row.sent_at.is_(None)),
    }[state]


def messages(viewer: Viewer, state: str, before: int | None, limit: int) -> Sequence[Any]:
    """List mails in a state with their recipients, the newest first; `before` is the last one's id."""
    rows = select(OutboxMessage, User.name, User.public_id)
    rows = rows.join(User, User.id == OutboxMessage.recipient_id)
    query = _visible(rows, viewer).where(_in_state(state))
    if before is not None:
        query = query.where(OutboxMessage.id < before)
    return db.session.execute(query.order_by(OutboxMessage.id.desc()).limit(limit)).all()


def _visible(query: Any, viewer: Viewer) -> Any:
    """Leave staff the mails about bookings at their facilities, and those about no booking."""
    own = Booking.facility_id.in_(sorted(viewer.staffed()))
    seen = true() if viewer.is_admin else or_(OutboxMessage.booking_id.is_(None), own)
    return query.outerjoin(Booking, Booking.id == OutboxMessage.booking_id).where(seen)


def find_message(public_id: str, viewer: Viewer) -> OutboxMessage:
    """Return a mail that a viewer may read; raise `NotFound` for all others alike."""
    query = _visible(select(OutboxMessage), viewer).where(OutboxMessage.public_id == public_id)
    message = db.session.scalar(query) if storable(public_id) and viewer.staffs_anything else None
    if message is None or (message.kind == "digest" and not _may_read_digest(message, viewer)):
        raise NotFound
    return message


def _may_read_digest(digest: OutboxMessage, viewer: Viewer) -> bool:
    """A digest may hold bookings of several facilities: only who staffs them all may read it."""
    inside = select(Booking.facility_id).join(OutboxMessage, OutboxMessage.booking_id == Booking.id)
    places = db.session.scalars(inside.where(OutboxMessage.digest_id == digest.id).distinct())
    return all(viewer.staffs(place) for place in places)


def count_to_look_at(viewer: Viewer) -> int:
    """Count the mails that wait or were given up."""
    query = _visible(select(func.count()).select_from(OutboxMessage), viewer)
    states = (_in_state(state) for state in ("waiting", "failed", "dead"))
    return db.session.scalar(query.where(or_(*states))) or 0


def dead_acts(limit: int) -> list[TimedAct]:
    """List the timed acts that were given up, the newest first."""
    query = select(TimedAct).where(TimedAct.dead_at.is_not(None)).order_by(TimedAct.dead_at.desc())
    return list(db.session.scalars(query.limit(limit)))


def planned_acts(before: int | None, limit: int) -> list[TimedAct]:
    """List the timed acts that are to be carried out, the newest first."""
    query = select(TimedAct).where(TimedAct.done_at.is_(None), TimedAct.dead_at.is_(None))
    if before is not None:
        query = query.where(TimedAct.id < before)
    return list(db.session.scalars(query.order_by(TimedAct.id.desc()).limit(limit)))
