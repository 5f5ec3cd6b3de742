"""Links in mails by which who was asked answers a request: signed, for one person and one step, for a while.

A link works once because its step is answered once; a change that asks again opens another step.
"""

from itsdangerous import BadData, URLSafeSerializer

from booking.base import clock
from booking.base.db import db
from booking.base.errors import NotFound
from booking.bookings.models import ApprovalStep, Booking
from booking.bookings.waiting import Asked, asked_of, open_for
from booking.facilities.queries import viewer_of

SALT = "answer a request"


def make_answer_link(step_id: int, user_id: int, secret: str) -> str:
    """Return the token of a link for somebody, which works as long as the request waits now."""
    step = db.session.get_one(ApprovalStep, step_id, populate_existing=True)
    until = db.session.get_one(Booking, step.booking_id, populate_existing=True).answer_due_at or clock.now()
    return _signer(secret).dumps([step_id, user_id, int(until.timestamp())])


def read_answer_link(token: str, secret: str) -> Asked:
    """Return the request that a link answers, as its owner sees it; raise `NotFound` if it does not work."""
    try:
        step_id, user_id, until = _signer(secret).loads(token)
    except (BadData, ValueError, TypeError):
        raise NotFound(GONE) from None
    by = viewer_of(user_id)
    step = db.session.get(ApprovalStep, step_id, populate_existing=True)
    if by is None or step is None or until <= clock.now().timestamp():
        raise NotFound(GONE)
    found = [pair for pair in open_for(by, step.booking_id) if pair[0].step_id == step_id]
    if not found:
        raise NotFound(GONE)
    return asked_of(found, by)[0]


def _signer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=SALT)


GONE = "This link does not work, or no longer."
