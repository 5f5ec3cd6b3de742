"""Plans the expiry of requests and offers, and offers freed time to those who wait for it.

An offer is a booking that is made here, in the transaction that gives the time back.
"""

from datetime import datetime

from booking.base.acts import plan, unplan
from booking.base.db import db
from booking.base.events import on
from booking.base.period import Period
from booking.bookings import steps
from booking.bookings.events import (
    BookingApproved,
    BookingChanged,
    BookingEnded,
    BookingMade,
    BookingOffered,
    BookingRestored,
    OfferAccepted,
    RequestPassedOn,
)
from booking.bookings.models import Booking
from booking.bookings.queries import resources_of
from booking.bookings.waitlist import end_offer, offer_freed
from booking.schedule.free import MAX_HOLD

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


@on(BookingOffered)
def plan_expiry_of_an_offer(news: BookingOffered) -> None:
    _plan(news.booking)


@on(OfferAccepted)
def forget_expiry_of_an_offer(news: OfferAccepted) -> None:
    unplan(EXPIRY, news.booking.id)


@on(RequestPassedOn)
def plan_expiry_of_the_next(news: RequestPassedOn) -> None:
    unplan(EXPIRY, news.booking.id)
    _plan(news.booking)


@on(BookingApproved)
def forget_expiry(news: BookingApproved) -> None:
    unplan(EXPIRY, news.booking.id)


@on(BookingEnded)
def forget_expiry_at_its_end(news: BookingEnded) -> None:
    if news.status_before == "requested":
        unplan(EXPIRY, news.booking.id)
        steps.close(news.booking.id)


def _plan(booking: Booking) -> None:
    if booking.answer_due_at is not None:
        plan(EXPIRY, booking.id, booking.answer_due_at)


# --- the waiting list


@on(BookingEnded)
def offer_what_was_given_back(news: BookingEnded) -> None:
    booking = news.booking
    if booking.offered_until is not None:
        end_offer(booking, expired=news.by_id is None)
    _offer(booking, booking.starts_at, booking.ends_at + MAX_HOLD)


@on(BookingChanged)
def offer_what_was_left(news: BookingChanged) -> None:
    if not {"start", "end", "resources", "people"}.isdisjoint(news.before):
        start, end = (news.before.get(name) for name in ("start", "end"))
        booking = news.booking
        first = datetime.fromisoformat(start) if start else booking.starts_at
        last = datetime.fromisoformat(end) if end else booking.ends_at
        _offer(booking, min(first, booking.starts_at), max(last, booking.ends_at))


def _offer(booking: Booking, start: datetime, end: datetime) -> None:
    db.session.flush()
    resources = frozenset(row.resource_id for row in resources_of(booking.id, also_left=True))
    offer_freed(resources, Period(start, end))
