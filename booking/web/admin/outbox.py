"""The outbox: messages that wait to be sent, the oldest first."""

from flask import Blueprint, request, url_for
from sqlalchemy import func, select

from booking.base.db import db
from booking.notifications.models import OutboxMessage
from booking.people.models import User
from booking.web import words
from booking.web.admin.parts import PAGE, link, list_page, page_of

bp = Blueprint("outbox", __name__, url_prefix="/outbox")


def count_waiting() -> int:
    """Count the messages that wait."""
    waiting = select(func.count()).select_from(OutboxMessage).where(OutboxMessage.sent_at.is_(None))
    return db.session.scalar(waiting) or 0


@bp.get("")
def index() -> str:
    text = request.args.get("after", "")
    after = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    query = (
        select(OutboxMessage, User.name, User.public_id)
        .join(User, User.id == OutboxMessage.recipient_id)
        .where(OutboxMessage.sent_at.is_(None), OutboxMessage.id > after)
        .order_by(OutboxMessage.id)
        .limit(PAGE + 1)
    )
    page, last = page_of(db.session.execute(query).all(), lambda row: row[0].id)
    cells = [
        (
            message.kind.replace("_", " ").capitalize(),
            link(name, url_for("admin.people.show", public_id=public_id)),
            words.moment(message.created_at),
        )
        for message, name, public_id in page
    ]
    return list_page(
        "Outbox",
        ("Message", "For", "Written"),
        cells,
        (),
        after=last,
        lead="Messages that wait to be sent, the oldest first.",
    )
