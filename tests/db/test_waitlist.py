"""The waiting list: who may join, who is offered what in which order, and what becomes of an offer."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from booking.base import clock
from booking.base.acts import carry_out_due
from booking.base.db import db
from booking.base.errors import Invalid, NotChangeable, NotFound, SlotTaken
from booking.bookings.actions import approve, book, cancel, change, decline
from booking.bookings.finding import SlotSearch
from booking.bookings.models import Booking
from booking.bookings.queries import detail, request_of
from booking.bookings.request import BookingRequest, Wanted
from booking.bookings.waitlist import MOST_EACH, accept, join, leave
from booking.bookings.waitlist_models import Wait
from booking.bookings.waitlist_queries import exactly, find_wait, my_waits, search_for, waits_at
from booking.notifications.models import OutboxMessage
from booking.schedule.guard import overlaps
from tests.factories import MONDAY, World, next_weekday, request


def slot(wanted: BookingRequest, *codes: str) -> SlotSearch:
    """Return the search for exactly a booking's time, on any of these resources."""
    options = (tuple(Wanted(code) for code in codes),) if codes else exactly(wanted).options
    return replace(exactly(wanted), options=options)


def sometime(code: str, hours: float, days: float = 5) -> SlotSearch:
    start = next_weekday(8.5)
    wanted = request(code, start, hours=hours)
    end = start + timedelta(days=days)
    return search_for(((Wanted(code),),), timedelta(hours=hours), start, end, wanted)


def wait_for(world: World, name: str, wanted: BookingRequest | None = None) -> Wait:
    wanted = wanted or request()
    return join(slot(wanted), wanted, world.viewer(name))


def state(wait: Wait) -> str:
    db.session.expire_all()
    return db.session.get_one(Wait, wait.id).status


def offered_to(wait: Wait) -> Booking:
    db.session.expire_all()
    fresh = db.session.get_one(Wait, wait.id)
    assert fresh.status == "offered"
    return db.session.get_one(Booking, fresh.booking_id)


def mails(kind: str) -> int:
    query = select(func.count()).where(OutboxMessage.kind == kind)
    return db.session.scalar(query.select_from(OutboxMessage)) or 0


# --- joining


def test_what_is_free_is_not_waited_for(world: World) -> None:
    with pytest.raises(Invalid, match="free"):
        wait_for(world, "student")


def test_waiting_does_not_help_against_other_rules(world: World) -> None:
    book(request(), world.viewer("researcher"))
    sunday = request("H-BSC1", next_weekday(10) + timedelta(days=5))
    with pytest.raises(Invalid, match="Waiting would not help"):
        wait_for(world, "student", sunday)


def test_nobody_waits_for_more_than_so_many_things(world: World) -> None:
    book(request(), world.viewer("researcher"))
    for _ in range(MOST_EACH):
        wait_for(world, "student")
    with pytest.raises(Invalid, match="give one up"):
        wait_for(world, "student")
    leave(my_waits(world.viewer("student"))[0].wait.public_id, world.viewer("student"))
    wait_for(world, "student")


# --- offers


def test_a_cancelled_slot_is_held_for_who_waits(world: World) -> None:
    taken = book(request(), world.viewer("researcher"))
    wait = wait_for(world, "student")
    cancel(taken.public_id, world.viewer("researcher"))
    offer = offered_to(wait)
    assert (offer.status, offer.starts_at, offer.organiser_id) == (
        "requested",
        taken.starts_at,
        world.users["student"],
    )
    assert offer.offered_until is not None
    assert MONDAY + timedelta(minutes=30) <= offer.offered_until <= MONDAY + timedelta(days=1)
    assert mails("offer_made") == 1
    with pytest.raises(SlotTaken):
        book(request(), world.viewer("researcher"))
    assert overlaps() == 0


def test_accepted_it_is_a_booking(world: World) -> None:
    taken = book(request(), world.viewer("researcher"))
    wait = wait_for(world, "student")
    cancel(taken.public_id, world.viewer("researcher"))
    booking = accept(wait.public_id, world.viewer("student"))
    assert (booking.status, booking.offered_until, booking.answer_due_at) == ("confirmed", None, None)
    assert state(wait) == "booked"
    assert mails("booking_confirmed") == 2
    with clock.travel(MONDAY + timedelta(days=3)):
        carry_out_due()
    db.session.expire_all()
    assert db.session.get_one(Booking, booking.id).status == "confirmed"


def test_accepted_it_is_a_request_where_approval_is_needed(world: World) -> None:
    wanted = request("H-BR1", next_weekday(9.5, days=7), hours=24)
    taken = book(wanted, world.viewer("staff"))
    wait = join(slot(wanted), wanted, world.viewer("researcher"))
    cancel(taken.public_id, world.viewer("staff"))
    booking = accept(wait.public_id, world.viewer("researcher"))
    assert (booking.status, booking.offered_until) == ("requested", None)
    assert approve(booking.public_id, world.viewer("staff")).status == "confirmed"


def test_first_come_first_served(world: World) -> None:
    taken = book(request(), world.viewer("researcher"))
    first, second = wait_for(world, "student"), wait_for(world, "colleague")
    cancel(taken.public_id, world.viewer("researcher"))
    assert (state(first), state(second)) == ("offered", "waiting")
    leave(first.public_id, world.viewer("student"))
    assert (state(first), state(second)) == ("left", "offered")


def test_what_is_not_taken_in_time_is_passed_on(world: World) -> None:
    taken = book(request(), world.viewer("researcher"))
    first, second = wait_for(world, "student"), wait_for(world, "colleague")
    cancel(taken.public_id, world.viewer("researcher"))
    until = offered_to(first).offered_until
    assert until is not None
    with clock.travel(until - timedelta(seconds=1)):
        carry_out_due()
        assert state(first) == "offered"
    with clock.travel(until):
        carry_out_due()
        assert (state(first), state(second)) == ("over", "offered")
        with pytest.raises(NotChangeable):
            accept(first.public_id, world.viewer("student"))
    assert mails("offer_expired") == 1


# --- how time is given back


def taken_and_awaited(world: World, wanted: BookingRequest) -> tuple[Booking, Wait]:
    taken = book(wanted, world.viewer("researcher"))
    return taken, join(slot(wanted), wanted, world.viewer("staff"))


def test_a_booking_that_moves_leaves_its_time_to_who_waits(world: World) -> None:
    taken, wait = taken_and_awaited(world, request())
    change(taken.public_id, request("H-BSC2"), world.viewer("researcher"))
    assert state(wait) == "offered"


def test_so_does_a_request_that_is_declined(world: World) -> None:
    taken, wait = taken_and_awaited(world, request("H-BR1", next_weekday(9.5, days=7), hours=24))
    decline(taken.public_id, world.viewer("staff"), "No gas that week.")
    assert state(wait) == "offered"


def test_so_does_a_request_that_expires(world: World) -> None:
    taken, wait = taken_and_awaited(world, request("H-BR1", next_weekday(9.5, days=7), hours=24))
    assert taken.answer_due_at is not None
    with clock.travel(taken.answer_due_at):
        carry_out_due()
        assert state(wait) == "offered"


def test_so_does_a_booking_that_ends_early(world: World) -> None:
    taken = book(request("H-BSC1", next_weekday(10), hours=4), world.viewer("researcher"))
    wait = join(sometime("H-BSC1", 1.5, days=0.25), request("H-BSC1", hours=1.5), world.viewer("student"))
    with clock.travel(next_weekday(11)):
        cancel(taken.public_id, world.viewer("researcher"))
        assert offered_to(wait).starts_at > clock.now()


def test_who_cannot_use_what_was_given_back_goes_on_waiting(world: World) -> None:
    taken = book(request("H-BSC1", next_weekday(10), hours=1), world.viewer("researcher"))
    book(request("H-BSC1", next_weekday(12), hours=4), world.viewer("researcher"))
    wait = join(slot(long := request("H-BSC1", next_weekday(10), hours=4)), long, world.viewer("student"))
    cancel(taken.public_id, world.viewer("researcher"))
    assert state(wait) == "waiting"


def test_some_time_on_any_of_several_resources(world: World) -> None:
    one, other = (book(request(code), world.viewer("researcher")) for code in ("H-BSC1", "H-BSC2"))
    wanted = request()
    wait = join(slot(wanted, "H-BSC1", "H-BSC2"), wanted, world.viewer("student"))
    cancel(other.public_id, world.viewer("researcher"))
    shown = detail(offered_to(wait), world.viewer("student"))
    assert [(resource.code, units) for resource, units, _ in shown.resources] == [("H-BSC2", 1)]
    assert one.status == "confirmed"


# --- the offer


def test_an_offer_is_accepted_before_it_is_changed(world: World) -> None:
    taken = book(request(), world.viewer("researcher"))
    wait = wait_for(world, "student")
    cancel(taken.public_id, world.viewer("researcher"))
    offer = offered_to(wait)
    with pytest.raises(NotChangeable, match="accept it first"):
        change(offer.public_id, request_of(offer), world.viewer("student"))


def test_to_cancel_the_booking_is_to_give_up_the_offer(world: World) -> None:
    taken = book(request(), world.viewer("researcher"))
    wait = wait_for(world, "student")
    cancel(taken.public_id, world.viewer("researcher"))
    cancel(offered_to(wait).public_id, world.viewer("student"))
    assert state(wait) == "left"
    book(request(), world.viewer("researcher"))


def test_others_waits_are_nothing_to_anybody(world: World) -> None:
    book(request(), world.viewer("researcher"))
    wait = wait_for(world, "student")
    for act in (find_wait, leave, accept):
        with pytest.raises(NotFound):
            act(wait.public_id, world.viewer("colleague"))
    assert [one.wait.id for one in waits_at(world.viewer("staff"))] == [wait.id]
    assert waits_at(world.viewer("colleague")) == []


def test_a_wait_ends_when_its_time_has_come(world: World) -> None:
    book(request(), world.viewer("researcher"))
    wait = wait_for(world, "student")
    with clock.travel(wait.earliest):
        carry_out_due()
        assert state(wait) == "over"


def test_the_seen_number_ahead_is_for_the_host_alone(world: World) -> None:
    book(request(), world.viewer("researcher"))
    wait_for(world, "student")
    wait_for(world, "colleague")
    assert [one.ahead for one in my_waits(world.viewer("colleague"))] == [1]


def test_what_is_open_stands_before_what_is_over(world: World) -> None:
    book(request(), world.viewer("researcher"))
    older, newer = (wait_for(world, "student") for _ in range(2))
    leave(newer.public_id, world.viewer("student"))
    assert [one.wait.id for one in my_waits(world.viewer("student"))] == [older.id, newer.id]
