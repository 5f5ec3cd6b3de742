"""Requests: they hold their time until staff answer, or until nobody did."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.base import audit, clock
from booking.base.acts import carry_out_due
from booking.base.db import db, transaction
from booking.base.errors import Forbidden, Invalid, NotChangeable, NotFound, SlotTaken
from booking.bookings.actions import approve, book, cancel, change, decline
from booking.bookings.models import Booking
from booking.bookings.queries import request_of
from booking.bookings.request import Wanted
from booking.bookings.waiting import count_waiting, waiting_requests
from booking.facilities.actions import directory_changed
from booking.facilities.models import Policy
from tests.db.ledger import afresh, held, messages, risen, rows, versions, whole_state
from tests.factories import MONDAY, World, next_weekday, request


@pytest.fixture
def asked(world: World) -> Booking:
    """The student's request for two days of the bioreactor, in a week."""
    return book(request("H-BR1", next_weekday(9.5, days=7), hours=48), world.viewer("student"))


@pytest.mark.parametrize("by", ["staff", "technician", "admin"])
def test_staff_approve(world: World, asked: Booking, by: str) -> None:
    before = versions()
    held_before = [row.id for row in held(asked)]
    after = afresh(approve(asked.public_id, world.viewer(by), "Fine"))
    assert (after.status, after.answer_due_at, after.version) == ("confirmed", None, 2)
    assert [row.id for row in held(after)] == held_before
    newest = audit.history("booking", asked.id)[0]
    assert (newest.action, newest.actor_id, newest.reason) == ("approved", world.users[by], "Fine")
    assert ("booking_approved", world.users["student"]) in messages(asked)
    assert risen(before) == {("resources", world.resources["H-BR1"]), ("users", world.users["student"])}


@pytest.mark.parametrize("by", ["staff", "technician", "admin"])
def test_staff_decline_with_a_reason(world: World, asked: Booking, by: str) -> None:
    with pytest.raises(Invalid):
        decline(asked.public_id, world.viewer(by), "  ")
    after = afresh(decline(asked.public_id, world.viewer(by), "No operator"))
    assert (after.status, after.reason, held(after)) == ("declined", "No operator", [])
    assert ("booking_declined", world.users["student"]) in messages(asked)
    book(request("H-BR1", next_weekday(9.5, days=7), hours=48), world.viewer("amber"))


NOT_THEIRS = {
    "student": Forbidden,  # the organiser
    "leader": Forbidden,
    "researcher": Forbidden,
    "sus_staff": Forbidden,
    "amber": NotFound,
    "coordinator": NotFound,
}


@pytest.mark.parametrize("by", NOT_THEIRS)
def test_nobody_else_answers(world: World, asked: Booking, by: str) -> None:
    before = whole_state()
    with pytest.raises(NOT_THEIRS[by]):
        approve(asked.public_id, world.viewer(by))
    with pytest.raises(NOT_THEIRS[by]):
        decline(asked.public_id, world.viewer(by), "no")
    assert whole_state() == before


def test_a_token_that_may_read_only_answers_nothing(world: World, asked: Booking) -> None:
    with pytest.raises(Forbidden):
        approve(asked.public_id, world.viewer("staff", scope="read"))


def test_a_request_is_answered_once(world: World, asked: Booking) -> None:
    approve(asked.public_id, world.viewer("staff"))
    before = rows(audit.AuditEntry)
    with pytest.raises(NotChangeable):
        approve(asked.public_id, world.viewer("technician"))
    with pytest.raises(NotChangeable):
        decline(asked.public_id, world.viewer("staff"), "no")
    assert rows(audit.AuditEntry) == before


def test_a_cancelled_request_is_not_answered(world: World, asked: Booking) -> None:
    assert cancel(asked.public_id, world.viewer("student")).status == "cancelled"
    with pytest.raises(NotChangeable):
        approve(asked.public_id, world.viewer("staff"))


def test_a_request_whose_time_is_over_is_not_approved(world: World, asked: Booking) -> None:
    with clock.travel(asked.ends_at), pytest.raises(NotChangeable):
        approve(asked.public_id, world.viewer("staff"))


def test_a_request_that_was_never_approved_does_not_end_as_completed(world: World, asked: Booking) -> None:
    with clock.travel(asked.starts_at + timedelta(hours=1)):
        assert cancel(asked.public_id, world.viewer("student")).status == "cancelled"
    assert held(asked) == []


# --- nobody answers


def test_a_request_expires_when_nobody_answers(world: World, asked: Booking) -> None:
    assert asked.answer_due_at is not None
    with clock.travel(asked.answer_due_at - timedelta(seconds=1)):
        assert carry_out_due() == 1  # it is passed on before
        assert carry_out_due() == 0
    with clock.travel(asked.answer_due_at):
        assert carry_out_due() == 1
        assert carry_out_due() == 0
    after = afresh(asked)
    assert (after.status, held(after)) == ("declined", [])
    newest = audit.history("booking", asked.id)[0]
    assert (newest.action, newest.actor_id) == ("expired", None)
    assert ("booking_expired", world.users["student"]) in messages(asked)


def test_a_request_is_due_before_it_starts(world: World) -> None:
    """Three working days, or its start if that is sooner."""
    with transaction():
        policy = db.session.scalar(select(Policy).where(Policy.resource_id == world.resources["H-BR1"]))
        assert policy is not None
        policy.notice_minutes = 0
        directory_changed()
    soon = book(request("H-BR1", next_weekday(9.5), hours=48), world.viewer("student"))
    late = book(request("H-BR1", next_weekday(9.5, days=14), hours=48), world.viewer("student"))
    assert (soon.answer_due_at, late.answer_due_at) == (soon.starts_at, MONDAY + timedelta(days=3))


def test_many_requests_expire_and_answered_ones_do_not(world: World) -> None:
    asked = [
        book(request("H-BR1", next_weekday(9.5, days=7 + 7 * n), hours=24), world.viewer("student"))
        for n in range(5)
    ]
    approve(asked[0].public_id, world.viewer("staff"))
    cancel(asked[1].public_id, world.viewer("student"))
    with clock.travel(MONDAY + timedelta(days=4)):
        assert carry_out_due(limit=2) == 2
        assert carry_out_due() == 4  # three were passed on before they expired
    assert [afresh(one).status for one in asked] == ["confirmed", "cancelled"] + ["declined"] * 3


# --- changes


def test_an_approved_booking_that_moves_asks_again(world: World, asked: Booking) -> None:
    approve(asked.public_id, world.viewer("staff"))
    later = {name: getattr(asked, name) + timedelta(days=1) for name in ("starts_at", "ends_at")}
    after = change(asked.public_id, replace(request_of(asked), **later), world.viewer("student"))
    assert (after.status, after.answer_due_at) == ("requested", MONDAY + timedelta(days=3))
    assert len(held(after)) == 1


def test_an_approved_booking_with_a_new_title_stays_approved(world: World, asked: Booking) -> None:
    approve(asked.public_id, world.viewer("staff"))
    after = change(asked.public_id, replace(request_of(asked), title="New"), world.viewer("student"))
    assert after.status == "confirmed"


def test_a_request_whose_title_changes_stays_a_request(world: World, asked: Booking) -> None:
    after = change(asked.public_id, replace(request_of(asked), title="New"), world.viewer("student"))
    assert (after.status, after.answer_due_at) == ("requested", MONDAY + timedelta(days=3))


def test_staff_who_move_an_approved_booking_need_nobody(world: World, asked: Booking) -> None:
    approve(asked.public_id, world.viewer("staff"))
    later = {name: getattr(asked, name) + timedelta(days=1) for name in ("starts_at", "ends_at")}
    moved = change(asked.public_id, replace(request_of(asked), **later), world.viewer("staff"), "Maintenance")
    assert moved.status == "confirmed"


def test_staff_who_move_a_request_have_not_thereby_approved_it(world: World, asked: Booking) -> None:
    later = {name: getattr(asked, name) + timedelta(days=1) for name in ("starts_at", "ends_at")}
    moved = change(asked.public_id, replace(request_of(asked), **later), world.viewer("staff"), "Maintenance")
    assert moved.status == "requested"


def test_a_request_that_goes_where_no_approval_is_needed_is_confirmed(world: World, asked: Booking) -> None:
    elsewhere = replace(request_of(asked), resources=(Wanted("H-LC"),), starts_at=next_weekday(10, days=7))
    elsewhere = replace(elsewhere, ends_at=elsewhere.starts_at + timedelta(hours=3))
    after = change(asked.public_id, elsewhere, world.viewer("student"))
    assert (after.status, after.answer_due_at) == ("confirmed", None)


# --- who has what to answer


def test_what_waits_for_an_answer(world: World, asked: Booking) -> None:
    hidden = book(
        request("H-BR1", next_weekday(9.5, days=14), hours=24, project="P-HUSH"), world.viewer("amber")
    )
    book(request(), world.viewer("student"))
    for name in ("staff", "technician", "admin"):
        assert [d.booking.id for d in waiting_requests(world.viewer(name))] == [asked.id, hidden.id]
        assert count_waiting(world.viewer(name)) == 2
    for name in ("sus_staff", "student", "leader", "amber", "coordinator"):
        assert (waiting_requests(world.viewer(name)), count_waiting(world.viewer(name))) == ([], 0)
    approve(asked.public_id, world.viewer("staff"))
    assert count_waiting(world.viewer("staff")) == 1


def test_a_request_holds_against_others(world: World, asked: Booking) -> None:
    with pytest.raises(SlotTaken):
        book(request("H-BR1", next_weekday(9.5, days=8), hours=24), world.viewer("amber"))
