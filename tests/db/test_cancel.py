"""To cancel: the time is free at once, history stays, a running booking ends now."""

from datetime import timedelta

import pytest

from booking.base import audit, clock
from booking.base.db import db
from booking.base.errors import Forbidden, Invalid, NotChangeable, NotFound, Stale
from booking.bookings.actions import book, cancel, change
from booking.bookings.models import Booking
from booking.bookings.queries import request_of, status_now
from booking.bookings.request import Wanted
from booking.schedule.guard import overlaps
from booking.schedule.models import Occupancy
from tests.db.ledger import afresh, held, messages, presence, risen, rows, versions, whole_state
from tests.factories import MONDAY, World, next_weekday, request


@pytest.fixture
def booking(world: World) -> Booking:
    """The student's four hours at the cabinet, from ten o'clock tomorrow."""
    return book(request(hours=4, participants=("researcher@hub.example",)), world.viewer("student"))


def test_a_cancelled_booking_frees_its_time_and_stays_as_history(world: World, booking: Booking) -> None:
    after = cancel(booking.public_id, world.viewer("student"), "Cells died")
    after = afresh(after)
    assert (after.status, after.reason, after.ended_at) == ("cancelled", "Cells died", MONDAY)
    assert (after.version, after.sequence) == (2, 1)
    assert (held(after), presence(after), rows(Occupancy)) == ([], [], 1)
    book(request(hours=4), world.viewer("amber"))


def test_history_news_and_versions(world: World, booking: Booking) -> None:
    before = versions()
    cancel(booking.public_id, world.viewer("leader"), "No media")
    newest = audit.history("booking", booking.id)[0]
    assert (newest.action, newest.actor_id, newest.reason) == ("cancelled", world.users["leader"], "No media")
    assert (newest.before, newest.after) == ({"status": "confirmed"}, {"status": "cancelled"})
    assert ("booking_cancelled", world.users["student"]) in messages(booking)
    assert risen(before) == {
        ("resources", world.resources["H-BSC1"]),
        ("users", world.users["student"]),
        ("users", world.users["researcher"]),
    }


def test_to_cancel_twice_changes_nothing_more(world: World, booking: Booking) -> None:
    cancel(booking.public_id, world.viewer("student"))
    before = whole_state()
    again = cancel(booking.public_id, world.viewer("student"), "again")
    assert (again.status, whole_state()) == ("cancelled", before)


def test_a_cancelled_booking_is_still_not_others_to_touch(world: World, booking: Booking) -> None:
    cancel(booking.public_id, world.viewer("student"))
    with pytest.raises(Forbidden):
        cancel(booking.public_id, world.viewer("colleague"))
    with pytest.raises(NotFound):
        cancel(booking.public_id, world.viewer("birch"))


def test_who_read_an_older_version_is_told(world: World, booking: Booking) -> None:
    with pytest.raises(Stale):
        cancel(booking.public_id, world.viewer("student"), if_version=7)
    assert cancel(booking.public_id, world.viewer("student"), if_version=1).status == "cancelled"


def test_a_running_booking_ends_now(world: World, booking: Booking) -> None:
    now = booking.starts_at + timedelta(minutes=80, seconds=12)
    with clock.travel(now):
        after = afresh(cancel(booking.public_id, world.viewer("student"), "Done"))
    assert (after.status, after.ends_at, after.ended_at) == ("completed", now, now)
    (row,) = held(after)
    assert (row.starts_at, row.held_until) == (
        after.starts_at - timedelta(minutes=15),
        now + timedelta(minutes=15),
    )
    assert row.cleared_until == now + timedelta(minutes=60)
    assert presence(after) == [(after.starts_at, now, 1)]
    newest = audit.history("booking", booking.id)[0]
    assert (newest.action, newest.after) == ("ended", {"end": "2027-01-12T11:20:12Z"})
    with clock.travel(now):
        book(request(start=next_weekday(12, days=0)), world.viewer("researcher"))
    assert overlaps() == 0


def test_a_running_booking_that_is_seconds_old_ends_after_its_start(world: World, booking: Booking) -> None:
    with clock.travel(booking.starts_at + timedelta(microseconds=5)):
        after = afresh(cancel(booking.public_id, world.viewer("student")))
    assert after.ends_at == after.starts_at + timedelta(seconds=1)


def test_at_its_very_start_a_booking_is_still_cancelled(world: World, booking: Booking) -> None:
    with clock.travel(booking.starts_at):
        assert cancel(booking.public_id, world.viewer("student")).status == "cancelled"


def test_several_units_end_now_together(world: World) -> None:
    booking = book(request(Wanted("H-INC1", 3), hours=48), world.viewer("student"))
    with clock.travel(booking.starts_at + timedelta(hours=5)):
        cancel(booking.public_id, world.viewer("student"))
    assert {row.held_until for row in held(booking)} == {booking.starts_at + timedelta(hours=5)}
    assert len(held(booking)) == 3


def test_people_who_would_have_come_at_the_end_do_not_come(world: World) -> None:
    booking = book(request("H-INC1", hours=48), world.viewer("student"))
    with clock.travel(booking.starts_at + timedelta(hours=5)):
        cancel(booking.public_id, world.viewer("student"))
    assert presence(booking) == [(booking.starts_at, booking.starts_at + timedelta(minutes=30), 1)]


def test_what_is_over_is_not_cancelled(world: World, booking: Booking) -> None:
    with clock.travel(booking.ends_at), pytest.raises(NotChangeable):
        cancel(booking.public_id, world.viewer("student"))
    with clock.travel(booking.ends_at):
        assert status_now(booking) == "completed"
    with clock.travel(booking.ends_at - timedelta(seconds=1)):
        assert status_now(booking) == "confirmed"


def test_what_ended_early_is_over_and_may_be_ended_again(world: World, booking: Booking) -> None:
    with clock.travel(booking.starts_at + timedelta(hours=1)):
        cancel(booking.public_id, world.viewer("student"))
        before = whole_state()
        assert cancel(booking.public_id, world.viewer("student")).status == "completed"
        with pytest.raises(NotChangeable):
            change(booking.public_id, request_of(booking), world.viewer("student"))
    assert whole_state() == before


def test_whoever_cancels_the_booking_of_another_says_why_in_words_that_can_be_stored(
    world: World, booking: Booking
) -> None:
    for reason in ("", "  ", "x" * 1001, "a\x00b"):
        with pytest.raises(Invalid):
            cancel(booking.public_id, world.viewer("staff"), reason)
    cancel(booking.public_id, world.viewer("staff"), "Filter test\non Tuesday")
    db.session.expire_all()
    assert booking.reason == "Filter test\non Tuesday"
