"""The daily digest: what somebody asked to get together becomes one mail."""

from sqlalchemy import select, update

from booking.base import clock
from booking.base.acts import carries_out
from booking.base.db import db, transaction
from booking.notifications.models import OutboxMessage

SEND_DIGEST = "send_digest"


@carries_out(SEND_DIGEST)
def gather_digest(user_id: int) -> None:
    """Write the mail that holds all that waits for somebody's digest; nothing if nothing does."""
    with transaction():
        model = OutboxMessage
        waiting = (model.next_try_at.is_(None), model.done_at.is_(None), model.dead_at.is_(None))
        query = select(model.id).where(model.recipient_id == user_id, *waiting).with_for_update()
        held = list(db.session.scalars(query))
        if not held:
            return
        now = clock.now()
        digest = OutboxMessage(
            kind="digest", recipient_id=user_id, facts={}, created_at=now, due_at=now, next_try_at=now
        )
        db.session.add(digest)
        db.session.flush()
        gathered = update(model).where(model.id.in_(held)).values(digest_id=digest.id, done_at=now)
        db.session.execute(gathered, execution_options={"synchronize_session": False})
