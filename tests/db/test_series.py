"""Series: every occurrence is a booking by itself, made, changed and cancelled by the rules, all or none."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from booking.base import clock
from booking.base.db import db
from booking.base.errors import Invalid
from booking.bookings.actions import book, cancel
from booking.bookings.models import Booking, Series
from booking.bookings.series import Made, Repeat, SeriesClash, book_series, repeat_booking, try_series
from booking.schedule.guard import overlaps
from tests.db.ledger import everything
from tests.factories import World, next_weekday, request

WEEK = timedelta(days=7)
TEN_WEEKS = Repeat("FREQ=WEEKLY;COUNT=10")


def stored() -> list[Booking]:
    db.session.expire_all()
    return list(db.session.scalars(select(Booking).order_by(Booking.starts_at)))


def a_series(world: World, repeat: str = "FREQ=WEEKLY;COUNT=4", **more: object) -> Made:
    return book_series(request(**more), Repeat(repeat), world.viewer("student"))


def test_every_occurrence_is_a_booking_of_its_own(world: World) -> None:
    start = next_weekday(10)
    made = a_series(world, "FREQ=WEEKLY;COUNT=5", project="P-OPEN", participants=("researcher@hub.example",))
    found = stored()
    assert [one.starts_at for one in found] == [start + n * WEEK for n in range(5)]
    assert {one.series_id for one in found} == {made.series_id}
    assert len({one.uid for one in found}) == len({one.public_id for one in found}) == 5
    assert {one.status for one in found} == {"confirmed"}
    assert db.session.get_one(Series, made.series_id).rrule == "FREQ=WEEKLY;COUNT=5"
