"""Turns news of bookings into outbox rows for the people concerned."""

from booking.base import clock
from booking.base.db import db
from booking.base.events import on
from booking.bookings.events import BookingApproved, BookingChanged, BookingEnded, BookingMade
from booking.bookings.models import Booking
from booking.notifications.models import OutboxMessage


@on(BookingMade)
def tell_of_booking(news: BookingMade) -> None:
    kind = "booking_requested" if news.booking.status == "requested" else "booking_confirmed"
    _tell(kind, news.booking)


@on(BookingChanged)
def tell_of_change(news: BookingChanged) -> None:
    _tell("booking_changed", news.booking, news.reason)


@on(BookingEnded)
def tell_of_end(news: BookingEnded) -> None:
    _tell(f"booking_{news.booking.status}", news.booking, news.reason)


@on(BookingApproved)
def tell_of_approval(news: BookingApproved) -> None:
    _tell("booking_approved", news.booking)


def _tell(kind: str, booking: Booking, reason: str = "") -> None:
    """Tell the organiser, and the supervisor: they have to be there."""
    supervisor = booking.supervisor_id or booking.organiser_id
    for recipient in dict.fromkeys((booking.organiser_id, supervisor)):
        message = OutboxMessage(
            kind=kind,
            recipient_id=recipient,
            booking_id=booking.id,
            facts={"version": booking.version, "reason": reason},
            created_at=clock.now(),
        )
        db.session.add(message)
