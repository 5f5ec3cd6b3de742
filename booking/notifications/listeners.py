"""Turns news into outbox rows, one for each person concerned: nothing is sent here."""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from sqlalchemy import delete

from booking.base import clock
from booking.base.db import db
from booking.base.events import on
from booking.bookings.events import (
    BookingApproved,
    BookingChanged,
    BookingEnded,
    BookingMade,
    BookingOffered,
    BookingRestored,
    RequestPassedOn,
    SeriesCancelled,
    SeriesChanged,
    SeriesMade,
)
from booking.bookings.models import Booking
from booking.bookings.queries import text_of
from booking.bookings.waiting import open_step, people_to_ask
from booking.notifications.models import OutboxMessage
from booking.notifications.outbox import Row, message, put
from booking.people.events import PasswordForgotten, PersonInvited

AHEAD = timedelta(days=1)  # of a booking's start: when its reminder is due


@on(BookingMade)
def tell_of_booking(news: BookingMade) -> None:
    booking, facts = news.booking, {"by": news.by_id}
    if news.in_series:
        rows = []
    elif booking.status == "requested":
        rows = [*_rows("booking_requested", booking, {booking.organiser_id}, facts), *_asked(booking, facts)]
    else:
        rows = list(_rows("booking_confirmed", booking, news.people, facts))
    put([*rows, *_reminders(booking, news.people)])


@on(BookingChanged)
def tell_of_change(news: BookingChanged) -> None:
    booking = news.booking
    facts = {"by": news.by_id, "reason": news.reason}
    changes = {"before": dict(news.before), "after": dict(news.after)}
    rows: list[Row] = []
    if not news.in_series:
        rows += _rows("booking_changed", booking, news.people, facts | changes)
        rows += _rows("booking_left", booking, news.people_before - news.people, facts)
        if news.asks:
            rows += _asked(booking, facts)
    moved = "start" in news.after
    if moved:
        _drop_reminders(booking)
    rows += _reminders(booking, news.people if moved else news.people - news.people_before)
    put(rows)


@on(BookingOffered)
def tell_of_offer(news: BookingOffered) -> None:
    booking = news.booking
    until = text_of(booking.offered_until) if booking.offered_until else ""
    put(_rows("offer_made", booking, {booking.organiser_id}, {"by": None, "until": until}))


@on(RequestPassedOn)
def tell_of_the_next_answer(news: RequestPassedOn) -> None:
    facts = {"by": news.by_id or news.booking.organiser_id, "reason": ""}
    put(_asked(news.booking, facts, "request_waiting" if news.by_id else "request_escalated"))


@on(BookingEnded)
def tell_of_end(news: BookingEnded) -> None:
    if news.in_series:
        return
    expired = news.by_id is None and news.booking.status == "declined"
    if news.booking.offered_until is not None and (expired or news.by_id == news.booking.organiser_id):
        return put(
            _rows("offer_expired", news.booking, {news.booking.organiser_id}, {"by": None}) if expired else []
        )
    kind = {"completed": "booking_ended", "declined": "booking_expired" if expired else "booking_declined"}
    facts = {"by": news.by_id, "reason": "" if expired else news.reason}
    put(_rows(kind.get(news.booking.status, "booking_cancelled"), news.booking, news.people, facts))


@on(BookingRestored)
def tell_of_return(news: BookingRestored) -> None:
    booking, facts = news.booking, {"by": news.by_id, "reason": news.reason}
    rows = list(_rows("booking_restored", booking, news.people, facts))
    if booking.status == "requested":
        rows += _asked(booking, facts)
    _drop_reminders(booking)
    put([*rows, *_reminders(booking, news.people)])


@on(BookingApproved)
def tell_of_approval(news: BookingApproved) -> None:
    facts = {"by": news.by_id, "reason": news.reason}
    put(_rows("booking_approved", news.booking, news.people, facts))


@on(SeriesMade)
def tell_of_series(news: SeriesMade) -> None:
    """Tell of all its bookings in one mail to each person."""
    first, facts = news.bookings[0], _of_series(news.bookings, news.by_id) | {"skipped": news.skipped}
    if first.status == "requested":
        put(_rows("series_requested", first, {first.organiser_id}, facts))
        put(_asked(first, facts, "series_waiting"))
    else:
        put(_rows("series_confirmed", first, news.people, facts))


@on(SeriesChanged)
def tell_of_changed_series(news: SeriesChanged) -> None:
    first, bookings = news.changes[0], [one.booking for one in news.changes]
    facts = _of_series(bookings, news.by_id, news.reason)
    people = {person for one in news.changes for person in one.people}
    left = {person for one in news.changes for person in one.people_before} - people
    changes = {"before": dict(first.before), "after": dict(first.after)}
    put(_rows("series_changed", first.booking, people, facts | changes))
    put(_rows("series_left", first.booking, left, facts))
    asks = next((one.booking for one in news.changes if one.asks), None)
    if asks is not None:
        put(_asked(asks, facts, "series_waiting"))


@on(SeriesCancelled)
def tell_of_cancelled_series(news: SeriesCancelled) -> None:
    facts = _of_series(news.bookings, news.by_id, news.reason)
    put(_rows("series_cancelled", news.bookings[0], news.people, facts))


def _of_series(bookings: Sequence[Booking], by_id: int, reason: str = "") -> Row:
    times = [[text_of(booking.starts_at), text_of(booking.ends_at)] for booking in bookings]
    return {"by": by_id, "reason": reason, "times": times}


@on(PasswordForgotten)
def send_a_link(news: PasswordForgotten) -> None:
    put([message("password_reset", None, news.user_id, {}, clock.now())])


@on(PersonInvited)
def invite(news: PersonInvited) -> None:
    put([message("invitation", None, news.user_id, {}, clock.now())])


def _rows(kind: str, booking: Booking, people: Collection[int], facts: Row) -> Iterator[Row]:
    now = clock.now()
    for person in sorted(people):
        yield message(kind, booking.id, person, {"version": booking.version, **facts}, now)


def _asked(booking: Booking, facts: Row, kind: str = "request_waiting") -> Iterator[Row]:
    """Tell those who may answer what the request waits for."""
    step = open_step(booking.id)
    if step is None:
        return iter(())
    return _rows(kind, booking, people_to_ask(step) - {facts["by"]}, {**facts, "step": step.id})


def _reminders(booking: Booking, people: Collection[int]) -> Iterator[Row]:
    """Remind a day before; whether it still fits is looked at when it is due."""
    due = booking.starts_at - AHEAD
    facts = {"start": text_of(booking.starts_at)}
    if due > clock.now():
        for person in sorted(people):
            yield message("booking_reminder", booking.id, person, facts, due)


def _drop_reminders(booking: Booking) -> None:
    mine = (OutboxMessage.booking_id == booking.id, OutboxMessage.kind == "booking_reminder")
    untouched = (OutboxMessage.tries == 0, OutboxMessage.done_at.is_(None))
    statement = delete(OutboxMessage).where(*mine, *untouched)
    db.session.execute(statement, execution_options={"synchronize_session": False})
