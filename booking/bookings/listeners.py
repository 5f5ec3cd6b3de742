"""Plans the expiry of requests whenever they are made, moved or answered."""

from booking.base.acts import plan, unplan
from booking.base.events import on
from booking.bookings.events import (
    BookingApproved,
    BookingChanged,
    BookingEnded,
    BookingMade,
    BookingRestored,
)
from booking.bookings.models import Booking

EXPIRY = "request_expires"


@on(BookingMade)
def plan_expiry(news: BookingMade) -> None:
    _plan(news.booking)


@on(BookingRestored)
def plan_expiry_once_more(news: BookingRestored) -> None:
    _plan(news.booking)


@on(BookingChanged)
def plan_expiry_anew(news: BookingChanged) -> None:
    if news.booking.status == "requested" or "status" in news.before:
        unplan(EXPIRY, news.booking.id)
        _plan(news.booking)


@on(BookingApproved)
def forget_expiry(news: BookingApproved) -> None:
    unplan(EXPIRY, news.booking.id)


@on(BookingEnded)
def forget_expiry_at_its_end(news: BookingEnded) -> None:
    if news.status_before == "requested":
        unplan(EXPIRY, news.booking.id)


def _plan(booking: Booking) -> None:
    if booking.answer_due_at is not None:
        plan(EXPIRY, booking.id, booking.answer_due_at)
