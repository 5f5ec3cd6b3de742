"""Read-only links to one booking: who has one sees what, when, where and who, until a month after its end.

Only a link's hash is kept. It shows something only as long as whoever made it may still change the booking.
"""

import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from booking.base import audit, clock
from booking.base.db import db, lock, transaction
from booking.base.errors import Forbidden, Invalid, NotFound
from booking.bookings.actions import find
from booking.bookings.models import Booking, BookingLink
from booking.bookings.queries import Detail, detail, relation_of
from booking.bookings.visibility import may_change
from booking.facilities.queries import viewer_of
from booking.people.sessions import digest, must_be_able_to_write
from booking.people.viewer import Viewer

MAX_LINKS = 10
SHOWN_FOR = timedelta(days=30)


def share(booking_id: str, by: Viewer) -> str:
    """Make a link to a booking and return its token, this one time."""
    with transaction():
        booking = _theirs(booking_id, by)
        lock(Booking, [booking.id])
        if len(links_of(booking)) >= MAX_LINKS:
            raise Invalid({"link": [f"This booking has {MAX_LINKS} links; withdraw one of them."]})
        token = secrets.token_urlsafe(32)
        db.session.add(
            BookingLink(
                booking_id=booking.id, token_hash=digest(token), made_by_id=by.id, created_at=clock.now()
            )
        )
        audit.record("shared", "booking", booking.id, by.id)
    return token


def unshare(booking_id: str, link_id: int, by: Viewer) -> None:
    """Withdraw a link; withdrawing it again changes nothing."""
    with transaction():
        booking = _theirs(booking_id, by)
        mine = (BookingLink.booking_id == booking.id, BookingLink.id == link_id)
        if db.session.scalar(delete(BookingLink).where(*mine).returning(BookingLink.id)) is not None:
            audit.record("unshared", "booking", booking.id, by.id)


def links_of(booking: Booking) -> list[BookingLink]:
    """List the links to a booking, oldest first."""
    query = select(BookingLink).where(BookingLink.booking_id == booking.id).order_by(BookingLink.id)
    return list(db.session.scalars(query))


def shared(token: str) -> Detail:
    """Return the booking behind a link; raise `NotFound` if there is none, or no longer."""
    query = select(Booking, BookingLink.made_by_id).join(BookingLink, BookingLink.booking_id == Booking.id)
    row = db.session.execute(query.where(BookingLink.token_hash == digest(token))).one_or_none()
    maker = viewer_of(row.made_by_id) if row else None
    if row is None or maker is None or row.Booking.ends_at + SHOWN_FOR < clock.now():
        raise NotFound("This link does not work, or no longer.")
    if not may_change(maker, relation_of(row.Booking, maker)):
        raise NotFound("This link does not work, or no longer.")
    return detail(row.Booking, None)


def _theirs(booking_id: str, by: Viewer) -> Booking:
    must_be_able_to_write(by)
    booking = find(booking_id, by)
    if not may_change(by, relation_of(booking, by)):
        raise Forbidden("Links to a booking are made by who may change it.")
    return booking
