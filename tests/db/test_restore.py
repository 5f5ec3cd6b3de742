"""To take a cancellation back: the same booking again, if its time is free and the rules still allow it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.base import audit, clock
from booking.base.acts import TimedAct
from booking.base.db import db
from booking.base.errors import Forbidden, Invalid, NotChangeable, NotFound, Refused, SlotTaken
from booking.bookings.actions import approve, book, cancel, decline, restore
from booking.bookings.models import Booking
from booking.facilities.rule_actions import ClosureDetails, add_closure
from booking.notifications.models import OutboxMessage
from tests.db.ledger import afresh, held, messages, presence, risen, versions, whole_state
from tests.db.training_world import a_module
from tests.factories import MONDAY, World, next_weekday, request


@pytest.fixture
def booking(world: World) -> Booking:
    """The student's two hours at the cabinet with a colleague, cancelled."""
    made = book(request(hours=2, participants=("researcher@hub.example",)), world.viewer("student"))
    return cancel(made.public_id, world.viewer("student"), "By mistake")


def test_it_is_the_same_booking_again(world: World, booking: Booking) -> None:
    before, uid, stays = versions(), booking.uid, presence(booking)
    assert (held(booking), stays) == ([], [])
    after = afresh(restore(booking.public_id, world.viewer("student")))
    assert (after.status, after.reason, after.ended_at, after.uid) == ("confirmed", "", None, uid)
    assert (after.version, after.sequence) == (3, 2)
    assert (len(held(after)), len(presence(after))) == (1, 1)
    newest = audit.history("booking", booking.id)[0]
    assert (newest.action, newest.before, newest.after) == (
        "restored",
        {"status": "cancelled"},
        {"status": "confirmed"},
    )
    assert {("booking_restored", world.users[name]) for name in ("student", "researcher")} <= set(
        messages(booking)
    )
    assert ("resources", world.resources["H-BSC1"]) in risen(before)
    with pytest.raises(SlotTaken):
        book(request(hours=2), world.viewer("amber"))


def test_everybody_is_reminded_once(world: World) -> None:
    made = book(request(start=next_weekday(10, days=3)), world.viewer("student"))
    cancel(made.public_id, world.viewer("student"))
    restore(made.public_id, world.viewer("student"))
    reminders = select(OutboxMessage).where(OutboxMessage.kind == "booking_reminder")
    assert len(list(db.session.scalars(reminders))) == 1


def test_twice_changes_nothing_more(world: World, booking: Booking) -> None:
    restore(booking.public_id, world.viewer("student"))
    before = whole_state()
    assert restore(booking.public_id, world.viewer("student")).status == "confirmed"
    assert whole_state() == before


def test_who_has_taken_the_time_keeps_it(world: World, booking: Booking) -> None:
    book(request(hours=1), world.viewer("colleague"))
    before = whole_state()
    with pytest.raises(SlotTaken) as refused:
        restore(booking.public_id, world.viewer("student"))
    assert refused.value.code == "slot_taken"
    assert whole_state() == before


def test_every_rule_but_notice_is_asked_anew(world: World) -> None:
    run = book(request("H-BR1", next_weekday(9.5, days=7), hours=48), world.viewer("staff"))
    cancel(run.public_id, world.viewer("staff"))
    with clock.travel(run.starts_at - timedelta(hours=30)):  # three days of notice are asked for
        assert restore(run.public_id, world.viewer("staff")).status == "confirmed"
    cancel(run.public_id, world.viewer("staff"))
    a_module("T-1", world, "H-BR1")
    day = run.starts_at.date()
    add_closure(ClosureDetails("HUB", "Floods", day, day), world.viewer("staff"))
    with pytest.raises(Refused) as refused:
        restore(run.public_id, world.viewer("staff"))
    assert {one.code for one in refused.value.refusals} == {"training_missing", "closed"}


def test_what_needs_approval_is_asked_for_again(world: World) -> None:
    run = book(request("H-BR1", next_weekday(9.5, days=7), hours=48), world.viewer("student"))
    approve(run.public_id, world.viewer("staff"))
    cancel(run.public_id, world.viewer("student"))
    after = afresh(restore(run.public_id, world.viewer("student")))
    assert after.status == "requested"
    assert after.answer_due_at is not None
    expiry = select(TimedAct.due_at).where(TimedAct.kind == "request_expires", TimedAct.done_at.is_(None))
    assert list(db.session.scalars(expiry)) == [after.answer_due_at]
    assert ("request_waiting", world.users["technician"]) in messages(run)


def test_only_what_was_cancelled_and_lies_ahead(world: World, booking: Booking) -> None:
    with clock.travel(booking.starts_at), pytest.raises(NotChangeable):
        restore(booking.public_id, world.viewer("student"))
    run = book(request("H-BR1", next_weekday(9.5, days=7), hours=48), world.viewer("student"))
    decline(run.public_id, world.viewer("staff"), "No operator")
    with pytest.raises(NotChangeable):
        restore(run.public_id, world.viewer("student"))
    ended = book(request("H-HALL", MONDAY + timedelta(minutes=30)), world.viewer("student"))
    with clock.travel(ended.starts_at + timedelta(minutes=10)):
        cancel(ended.public_id, world.viewer("student"))
        with pytest.raises(NotChangeable):
            restore(ended.public_id, world.viewer("student"))


def test_only_who_may_change_it_and_staff_say_why(world: World, booking: Booking) -> None:
    with pytest.raises(NotFound):
        restore(booking.public_id, world.viewer("birch"))
    with pytest.raises(Forbidden):
        restore(booking.public_id, world.viewer("colleague"))
    with pytest.raises(Invalid):
        restore(booking.public_id, world.viewer("staff"))
    assert restore(booking.public_id, world.viewer("staff"), "The cabinet works again").status == "confirmed"
