"""Turns news into outbox rows, one for each person concerned: nothing is sent here."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from booking.base import clock
from booking.base.db import db, write
from booking.base.events import on
from booking.bookings.events import (
    BookingApproved,
    BookingChanged,
    BookingEnded,
    BookingMade,
    BookingRestored,
)
from booking.bookings.models import Booking, BookingResource
from booking.bookings.queries import text_of
from booking.facilities.models import Duty, Resource
from booking.notifications.models import OutboxMessage
from booking.people.events import PasswordForgotten, PersonInvited
from booking.people.models import User, public_id
from booking.people.viewer import STAFF_DUTIES

AHEAD = timedelta(days=1)  # of a booking's start: when its reminder is due
Row = dict[str, Any]
_MESSAGE = insert(OutboxMessage)


@on(BookingMade)
def tell_of_booking(news: BookingMade) -> None:
    booking, facts = news.booking, {"by": news.by_id}
    if booking.status == "requested":
        rows = [*_rows("booking_requested", booking, {booking.organiser_id}, facts), *_asked(booking, facts)]
    else:
        rows = list(_rows("booking_confirmed", booking, news.people, facts))
    _write([*rows, *_reminders(booking, news.people)])


@on(BookingChanged)
def tell_of_change(news: BookingChanged) -> None:
    booking = news.booking
    facts = {"by": news.by_id, "reason": news.reason}
    changes = {"before": dict(news.before), "after": dict(news.after)}
    rows = list(_rows("booking_changed", booking, news.people, facts | changes))
    rows += _rows("booking_left", booking, news.people_before - news.people, facts)
    if news.after.get("status") == "requested":
        rows += _asked(booking, facts)
    moved = "start" in news.after
    if moved:
        _drop_reminders(booking)
    rows += _reminders(booking, news.people if moved else news.people - news.people_before)
    _write(rows)


@on(BookingEnded)
def tell_of_end(news: BookingEnded) -> None:
    expired = news.by_id is None and news.booking.status == "declined"
    kind = {"completed": "booking_ended", "declined": "booking_expired" if expired else "booking_declined"}
    facts = {"by": news.by_id, "reason": "" if expired else news.reason}
    _write(_rows(kind.get(news.booking.status, "booking_cancelled"), news.booking, news.people, facts))


@on(BookingRestored)
def tell_of_return(news: BookingRestored) -> None:
    booking, facts = news.booking, {"by": news.by_id, "reason": news.reason}
    rows = list(_rows("booking_restored", booking, news.people, facts))
    if booking.status == "requested":
        rows += _asked(booking, facts)
    _drop_reminders(booking)
    _write([*rows, *_reminders(booking, news.people)])


@on(BookingApproved)
def tell_of_approval(news: BookingApproved) -> None:
    facts = {"by": news.by_id, "reason": news.reason}
    _write(_rows("booking_approved", news.booking, news.people, facts))


@on(PasswordForgotten)
def send_a_link(news: PasswordForgotten) -> None:
    _write([_row("password_reset", None, news.user_id, {}, clock.now())])


@on(PersonInvited)
def invite(news: PersonInvited) -> None:
    _write([_row("invitation", None, news.user_id, {}, clock.now())])


def _rows(kind: str, booking: Booking, people: Collection[int], facts: Row) -> Iterator[Row]:
    now = clock.now()
    for person in sorted(people):
        yield _row(kind, booking.id, person, {"version": booking.version, **facts}, now)


def _asked(booking: Booking, facts: Row) -> Iterator[Row]:
    """Tell those who may answer: the staff of every facility of whose machines one needs approval."""
    db.session.flush()  # a change may have put it onto other resources
    query = (
        select(Duty.user_id)
        .join(Resource, Resource.facility_id == Duty.facility_id)
        .join(BookingResource, BookingResource.resource_id == Resource.id)
        .join(User, User.id == Duty.user_id)
        .where(BookingResource.booking_id == booking.id, BookingResource.left_at.is_(None))
        .where(Resource.approval, Duty.duty.in_(STAFF_DUTIES), User.active, User.id != facts["by"])
    )
    return _rows("request_waiting", booking, set(db.session.scalars(query)), facts)


def _reminders(booking: Booking, people: Collection[int]) -> Iterator[Row]:
    """Remind a day before; whether it still fits is looked at when it is due."""
    due = booking.starts_at - AHEAD
    facts = {"start": text_of(booking.starts_at)}
    if due > clock.now():
        for person in sorted(people):
            yield _row("booking_reminder", booking.id, person, facts, due)


def _drop_reminders(booking: Booking) -> None:
    mine = (OutboxMessage.booking_id == booking.id, OutboxMessage.kind == "booking_reminder")
    untouched = (OutboxMessage.tries == 0, OutboxMessage.done_at.is_(None))
    statement = delete(OutboxMessage).where(*mine, *untouched)
    db.session.execute(statement, execution_options={"synchronize_session": False})


def _row(kind: str, booking_id: int | None, person: int, facts: Row, due: datetime) -> Row:
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


def _write(rows: Collection[Row] | Iterator[Row]) -> None:
    found = list(rows)
    if found:
        write(_MESSAGE, found)
