"""Series: every occurrence is a booking by itself, made, changed and cancelled by the rules, all or none."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from booking.base import audit, clock
from booking.base.acts import TimedAct
from booking.base.db import db, transaction
from booking.base.errors import Forbidden, Invalid, NotChangeable, NotFound
from booking.bookings.actions import book, cancel, change
from booking.bookings.models import Booking, Series
from booking.bookings.queries import in_series, request_of
from booking.bookings.series import Made, Repeat, SeriesClash, book_series, like, repeat_booking, try_series
from booking.bookings.series_changes import cancel_series, change_series
from booking.facilities.models import Resource
from booking.notifications.models import OutboxMessage
from booking.people.models import User
from booking.schedule.guard import overlaps
from tests.db.ledger import everything, held, whole_state
from tests.factories import LONDON, World, email_of, next_weekday, request, utc

DAY, WEEK = timedelta(days=1), timedelta(days=7)


def stored() -> list[Booking]:
    db.session.expire_all()
    return list(db.session.scalars(select(Booking).order_by(Booking.starts_at)))


def a_series(world: World, rrule: str = "FREQ=WEEKLY;COUNT=4", by: str = "student", **more: object) -> Made:
    return book_series(request(**more), Repeat(rrule), world.viewer(by))


def later(booking: Booking, by: timedelta = timedelta(hours=1), **more: object) -> object:
    wanted = request_of(booking)
    return replace(wanted, starts_at=wanted.starts_at + by, ends_at=wanted.ends_at + by, **more)


def mails(kind: str) -> list[OutboxMessage]:
    return list(db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == kind)))


# --- making


def test_every_occurrence_is_a_booking_of_its_own(world: World) -> None:
    start = next_weekday(10)
    made = a_series(world, "FREQ=WEEKLY;COUNT=5", project="P-OPEN", participants=("researcher@hub.example",))
    found = stored()
    assert [one.starts_at for one in found] == [start + n * WEEK for n in range(5)]
    assert {one.series_id for one in found} == {made.series_id}
    assert len({one.uid for one in found}) == len({one.public_id for one in found}) == 5
    assert {one.status for one in found} == {"confirmed"}
    assert db.session.get_one(Series, made.series_id).rrule == "FREQ=WEEKLY;COUNT=5"
    assert all(len(held(one)) == 1 for one in found)
    assert [audit.history("booking", one.id)[0].action for one in found] == ["booked"] * 5


def test_one_mail_tells_of_all_and_each_has_its_reminder(world: World) -> None:
    a_series(world, start=next_weekday(10, days=4), participants=("researcher@hub.example",))
    assert len(mails("series_confirmed")) == 2
    assert mails("booking_confirmed") == []
    assert len(mails("booking_reminder")) == 4 * 2


def test_where_approval_is_needed_each_is_a_request(world: World) -> None:
    start = next_weekday(9.5, days=7)
    made = a_series(world, what="H-BR1", start=start, hours=48)
    assert {one.status for one in made.bookings} == {"requested"}
    planned = select(TimedAct.subject_id).where(TimedAct.kind == "request_expires")
    assert set(db.session.scalars(planned)) == {one.id for one in made.bookings}
    assert len(mails("series_requested")) == 1
    assert {mail.recipient_id for mail in mails("series_waiting")} == {
        world.users["staff"], world.users["technician"],
    }  # fmt: skip
    assert mails("request_waiting") == mails("booking_requested") == []


def test_lists_and_calendars_learn_of_it(world: World) -> None:
    before = db.session.scalar(select(Resource.revision).where(Resource.code == "H-BSC1"))
    mine = db.session.scalar(select(User.version).where(User.id == world.users["student"]))
    a_series(world)
    db.session.expire_all()
    assert db.session.scalar(select(Resource.revision).where(Resource.code == "H-BSC1")) > before
    assert db.session.scalar(select(User.version).where(User.id == world.users["student"])) > mine


def test_later_occurrences_are_judged_after_the_earlier_ones(world: World) -> None:
    """A day's run and its changeover are still there on the next day."""
    wanted = request("H-LC", next_weekday(10), hours=24)
    with pytest.raises(SeriesClash) as caught:
        book_series(wanted, Repeat("FREQ=DAILY;COUNT=2"), world.viewer("student"))
    assert [one.code for one in caught.value.occurrences[0].refusals] == ["changeover"]
    assert stored() == []


def test_a_refused_series_leaves_nothing_behind(world: World) -> None:
    book(request(start=next_weekday(10) + 2 * WEEK), world.viewer("colleague"))
    before = whole_state()
    with pytest.raises(SeriesClash) as caught:
        a_series(world)
    assert caught.value.code == "series_clash"
    assert caught.value.status == 409
    assert whole_state() == before
    assert db.session.scalar(select(func.count()).select_from(Series)) == 0


def test_a_rule_of_the_house_makes_it_a_422(world: World) -> None:
    with pytest.raises(SeriesClash) as caught:
        a_series(world, "FREQ=DAILY;COUNT=7")
    assert caught.value.status == 422
    assert [one.occurrence.start.weekday() for one in caught.value.occurrences] == [5, 6]
    assert caught.value.refusals[0].message.startswith("Sat 16 Jan 2027, 10:00–11:00: ")


def test_what_is_tried_is_what_would_be_made_and_nothing_is_stored(world: World) -> None:
    book(request(start=next_weekday(10) + WEEK), world.viewer("colleague"))
    before = whole_state()
    for _ in range(2):  # what was tried before is not in the way
        tried = try_series(request(), Repeat("FREQ=WEEKLY;COUNT=4"), world.viewer("student", "read"))
    assert whole_state() == before
    assert [bool(one.refusals) for one in tried] == [False, True, False, False]
    made = book_series(request(), Repeat("FREQ=WEEKLY;COUNT=4", "skip"), world.viewer("student"))
    kept = [one.occurrence.period.start for one in tried if not one.refusals]
    assert [one.starts_at for one in made.bookings] == kept
    assert [one.occurrence for one in made.skipped] == [one.occurrence for one in tried if one.refusals]


def test_times_stay_on_the_wall_over_the_change_of_the_clocks(world: World) -> None:
    with clock.travel(utc(2027, 3, 15)):
        made = a_series(world, start=utc(2027, 3, 23, 10))
    assert [f"{one.starts_at.astimezone(LONDON):%H:%M}" for one in made.bookings] == ["10:00"] * 4
    assert [one.starts_at.hour for one in made.bookings] == [10, 9, 9, 9]


def test_who_may_only_read_makes_none(world: World) -> None:
    with pytest.raises(Forbidden):
        book_series(request(), Repeat("FREQ=DAILY;COUNT=1"), world.viewer("student", "read"))


@pytest.mark.parametrize("rrule", ["FREQ=DAILY", "FREQ=DAILY;COUNT=9\nEXDATE:20300101"])
def test_a_bad_pattern_is_a_wrong_shape(world: World, rrule: str) -> None:
    with pytest.raises(Invalid) as caught:
        a_series(world, rrule)
    assert list(caught.value.errors) == ["repeat"]


def test_fifty_occurrences_take_seconds_at_most(world: World) -> None:
    wanted = request("H-HALL", participants=("researcher@hub.example",))
    began = time.monotonic()
    made = book_series(
        wanted, Repeat("FREQ=DAILY;COUNT=50;BYDAY=MO,TU,WE,TH,FR", "skip"), world.viewer("staff")
    )
    assert time.monotonic() - began < 5
    assert len(made.bookings) > 30


# --- out of a booking


def test_a_booking_becomes_the_first_of_a_series(world: World) -> None:
    first = book(request(notes="N", project="P-OPEN", people=2), world.viewer("student"))
    made = repeat_booking(first.public_id, Repeat("FREQ=WEEKLY;COUNT=3"), world.viewer("student"))
    found = stored()
    assert [one.starts_at for one in found] == [first.starts_at + n * WEEK for n in range(3)]
    assert found[0].public_id == first.public_id
    assert {(one.series_id, one.notes, one.people) for one in found} == {(made.series_id, "N", 2)}
    assert (found[0].version, found[0].sequence) == (2, 0)
    entry = audit.history("booking", first.id)[0]
    assert (entry.action, entry.after) == ("repeated", {"series": "Every week, 3 times"})
    with pytest.raises(NotChangeable, match="already"):
        repeat_booking(first.public_id, Repeat("FREQ=WEEKLY;COUNT=3"), world.viewer("student"))


def test_staff_repeat_a_booking_for_its_organiser(world: World) -> None:
    first = book(request(), world.viewer("student"))
    made = repeat_booking(first.public_id, Repeat("FREQ=WEEKLY;COUNT=2"), world.viewer("staff"))
    assert {one.organiser_id for one in (first, *made.bookings)} == {world.users["student"]}
    assert like(first, world.viewer("student")).on_behalf_of is None


def test_what_cannot_be_repeated(world: World) -> None:
    first, student = book(request(), world.viewer("student")), world.viewer("student")
    twice = Repeat("FREQ=WEEKLY;COUNT=2")
    with pytest.raises(Forbidden):
        repeat_booking(first.public_id, twice, world.viewer("colleague"))
    with pytest.raises(NotFound):
        repeat_booking(first.public_id, twice, world.viewer("birch"))
    with pytest.raises(Invalid, match="no other occurrence"):
        repeat_booking(first.public_id, Repeat("FREQ=WEEKLY;COUNT=1"), student)
    assert len(try_series(like(first, student), twice, student, first.public_id)) == 1
    cancel(first.public_id, student)
    with pytest.raises(NotChangeable, match="cancelled"):
        repeat_booking(first.public_id, twice, student)


# --- changing


def test_a_series_moves_into_its_own_old_times(world: World) -> None:
    made = a_series(world, "FREQ=DAILY;COUNT=4", what="H-LC", start=next_weekday(10), hours=6)
    for shift in (timedelta(hours=5), -DAY + timedelta(hours=3), DAY):
        named = stored()[1]
        change_series(named.public_id, later(named, shift), world.viewer("student"), "all")
        assert [one.starts_at - named.starts_at for one in stored()] == [n * DAY for n in (-1, 0, 1, 2)]
    assert overlaps() == 0
    assert [one.id for one in stored()] == [one.id for one in made.bookings]


def test_each_is_shifted_on_the_wall_and_keeps_what_is_its_own(world: World) -> None:
    with clock.travel(utc(2027, 3, 15)):
        made = a_series(world, start=utc(2027, 3, 23, 10))
        own = replace(request_of(made.bookings[2]), title="Mine", participants=(email_of("researcher"),))
        change(made.bookings[2].public_id, own, world.viewer("student"))
        wanted = later(made.bookings[0], timedelta(hours=2), notes="all")
        change_series(made.bookings[0].public_id, wanted, world.viewer("student"), "all")
    found = stored()
    assert [f"{one.starts_at.astimezone(LONDON):%H:%M}" for one in found] == ["12:00"] * 4
    assert [one.title for one in found] == ["Passage 12", "Passage 12", "Mine", "Passage 12"]
    assert {one.notes for one in found} == {"all"}
    assert len(request_of(found[2]).participants) == 1
    assert len(mails("series_changed")) == 2
    assert len(mails("booking_changed")) == 2  # of the one that was changed by itself


def test_people_by_whatever_name_are_no_change(world: World) -> None:
    made = a_series(world, participants=(email_of("researcher"),), supervisor=email_of("leader"))
    third = made.bookings[2]
    change(third.public_id, replace(request_of(third), participants=()), world.viewer("student"))
    wanted = later(made.bookings[0], participants=(email_of("researcher"),), supervisor=email_of("leader"))
    change_series(made.bookings[0].public_id, wanted, world.viewer("student"), "all")
    assert [len(request_of(one).participants) for one in stored()] == [1, 1, 0, 1]


def test_others_of_a_series_that_were_handed_over_are_left_alone(world: World) -> None:
    made = a_series(world)
    handed = made.bookings[1]
    with transaction():
        db.session.get_one(Booking, handed.id).organiser_id = world.users["colleague"]
    cancel_series(made.bookings[0].public_id, world.viewer("student"), "all")
    assert [one.status for one in stored()] == ["cancelled", "confirmed", "cancelled", "cancelled"]


def test_one_that_would_meet_a_time_that_is_skipped_refuses_all(world: World) -> None:
    with clock.travel(utc(2027, 3, 15)):
        made = a_series(
            world, "FREQ=DAILY;INTERVAL=2;COUNT=2", what="H-LC", start=utc(2027, 3, 25, 20), hours=2
        )
        before, wanted = whole_state(), later(made.bookings[0], timedelta(hours=5))
        with pytest.raises(SeriesClash) as caught:
            change_series(made.bookings[0].public_id, wanted, world.viewer("student"), "all")
    assert "01:00 does not exist on 28 March 2027" in str(caught.value)
    assert whole_state() == before


def test_a_running_occurrence_ends_only_if_it_is_named(world: World) -> None:
    made = a_series(world, hours=2)
    with clock.travel(made.bookings[0].starts_at + timedelta(hours=1)):
        cancel_series(made.bookings[1].public_id, world.viewer("student"), "all")
        assert [one.status for one in stored()] == ["confirmed", "cancelled", "cancelled", "cancelled"]
        cancel_series(made.bookings[0].public_id, world.viewer("student"), "all")
        assert stored()[0].status == "completed"
    assert len(mails("series_cancelled")) == 2
    assert mails("booking_cancelled") == []


def test_what_is_seen_of_a_series_is_seen_by_its_viewer(world: World) -> None:
    made = a_series(world, by="amber", project="P-HUSH")
    assert len(in_series(made.series_id, world.viewer("amber"))) == 4
    assert in_series(made.series_id, world.viewer("student")) == []


def test_counts_of_everything_fit(world: World) -> None:
    one = book(request("H-HALL"), world.viewer("student")) and everything()
    a_series(world, "FREQ=WEEKLY;COUNT=3", start=next_weekday(10) + WEEK)
    for table in ("bookings", "booking_resources", "holds", "occupancy", "audit"):
        assert everything()[table] == 4 * one[table], table
