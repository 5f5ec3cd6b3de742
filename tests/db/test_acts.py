"""Timed acts: each is carried out once, by one of any number of workers; what fails is tried for a day."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from booking.base import acts, audit, clock
from booking.base.acts import TimedAct, carries_out, carry_out_due, plan, unplan
from booking.base.db import db, transaction
from booking.base.work import DELAYS, LEASE, claim, finish
from booking.bookings.actions import approve, book, cancel, change, decline
from booking.bookings.queries import request_of
from booking.bookings.request import BookingRequest
from tests.factories import MONDAY, World, next_weekday, request

MINUTE = timedelta(minutes=1)


@pytest.fixture
def done(world_app: Flask) -> Iterator[list[int]]:
    """The subjects upon which acts of the kind `note` were carried out; 13 never can be."""
    subjects: list[int] = []

    def note(subject_id: int) -> None:
        audit.record("noted", "test", subject_id, None)
        if subject_id == 13:
            raise RuntimeError("not with this one")
        subjects.append(subject_id)

    carries_out("note")(note)
    yield subjects
    acts._handlers.pop("note")


def planned(subject_id: int, minutes: int = 0) -> None:
    with transaction():
        plan("note", subject_id, MONDAY + minutes * MINUTE)


def all_acts() -> list[TimedAct]:
    db.session.expire_all()
    return list(db.session.scalars(select(TimedAct).order_by(TimedAct.id)))


def test_what_is_due_is_carried_out_once(done: list[int]) -> None:
    planned(1)
    planned(2, minutes=5)
    assert (carry_out_due(), done) == (1, [1])
    assert carry_out_due() == 0
    with clock.travel(MONDAY + 5 * MINUTE):
        assert (carry_out_due(), done) == (1, [1, 2])
    first, second = all_acts()
    assert (first.done_at, first.next_try_at, first.tries) == (MONDAY, None, 1)
    assert second.done_at == MONDAY + 5 * MINUTE


def test_an_act_that_is_planned_twice_is_one_at_the_earlier_moment(done: list[int]) -> None:
    for minutes in (9, 3, 6):
        planned(1, minutes)
    (act,) = all_acts()
    assert (act.due_at, act.next_try_at) == (MONDAY + 3 * MINUTE,) * 2
    with transaction():
        unplan("note", 1)
        plan("note", 1, MONDAY + 9 * MINUTE)
    (act,) = all_acts()
    assert act.due_at == MONDAY + 9 * MINUTE


def test_after_it_was_done_it_can_be_planned_again(done: list[int]) -> None:
    planned(1)
    carry_out_due()
    planned(1)
    assert (carry_out_due(), done, len(all_acts())) == (1, [1, 1], 2)


def test_what_fails_is_tried_later_and_later_and_leaves_nothing(done: list[int]) -> None:
    planned(13)
    planned(1, minutes=1)
    now = MONDAY
    for delay in DELAYS:
        with clock.travel(now):
            carry_out_due()
        now += delay
        act = next(one for one in all_acts() if one.subject_id == 13)
        assert (act.next_try_at, act.dead_at, act.last_error) == (
            now,
            None,
            "RuntimeError: not with this one",
        )
    with clock.travel(now):
        carry_out_due()
        act = next(one for one in all_acts() if one.subject_id == 13)
        assert (act.next_try_at, act.dead_at, act.tries) == (None, now, len(DELAYS) + 1)
        assert carry_out_due() == 0
    assert done == [1], "the others do not wait for it"
    assert audit.history("test", 13) == []
    planned(13)
    assert all_acts()[0].dead_at is None, "planned anew, it lives again"


def test_a_kind_that_nobody_knows_waits(world: World) -> None:
    with transaction():
        plan("from the future", 1, MONDAY)
    assert carry_out_due() == 0
    (act,) = all_acts()
    assert act.next_try_at == MONDAY + MINUTE
    assert "from the future" in act.last_error


def test_what_a_dead_worker_held_comes_due_again_after_the_lease(done: list[int]) -> None:
    planned(1)
    lost = claim(TimedAct)
    assert lost is not None
    db.session.expunge_all()
    assert carry_out_due() == 0
    with clock.travel(MONDAY + LEASE):
        assert (carry_out_due(), done) == (1, [1])
        with transaction():
            assert not finish(lost), "who comes back from the dead has lost it"


def test_several_workers_do_everything_once(world_app: Flask, done: list[int]) -> None:
    for n in range(100, 140):
        planned(n)
    db.session.remove()
    counts: list[int] = []

    def work() -> None:
        with world_app.app_context():
            while count := carry_out_due(limit=3):
                counts.append(count)
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    carry_out_due()  # what somebody was busy with as the others looked
    assert sorted(done) == list(range(100, 140))
    assert all(act.done_at for act in all_acts())


def test_a_row_that_another_holds_is_passed_by(world_app: Flask, engine_kind: str, done: list[int]) -> None:
    """SKIP LOCKED: a worker that is slow with one row keeps nobody from the next. SQLite has one writer."""
    if engine_kind == "sqlite":
        pytest.skip("SQLite lets writers in one by one")
    planned(1)
    planned(2)
    with db.engine.connect() as other:
        other.execute(select(TimedAct.id).where(TimedAct.subject_id == 1).with_for_update())
        assert (carry_out_due(), done) == (1, [2])
        other.rollback()
    assert (carry_out_due(), done) == (1, [2, 1])


# --- the expiry of requests


def a_request(days: int = 7) -> BookingRequest:
    return request("H-BR1", next_weekday(9.5, days=days), hours=24)


def expiries() -> list[TimedAct]:
    """Return the planned expiries; a request also plans that it is passed on."""
    return [act for act in all_acts() if act.kind == "request_expires"]


def test_a_request_plans_its_expiry_and_an_answer_drops_it(world: World) -> None:
    answers = [
        lambda made: approve(made.public_id, world.viewer("staff")),
        lambda made: decline(made.public_id, world.viewer("staff"), "no"),
        lambda made: cancel(made.public_id, world.viewer("student")),
    ]
    for answer in answers:
        made = book(a_request(), world.viewer("student"))
        (act,) = expiries()
        assert (act.subject_id, act.due_at) == (made.id, MONDAY + timedelta(days=3))
        answer(made)
        assert all_acts() == []
        cancel(made.public_id, world.viewer("student"))


def test_the_expiry_moves_with_the_request(world: World) -> None:
    made = book(a_request(), world.viewer("student"))
    with clock.travel(MONDAY + timedelta(days=1)):
        moved = request_of(made)
        shift = timedelta(days=2)
        later = BookingRequest(
            starts_at=moved.starts_at + shift,
            ends_at=moved.ends_at + shift,
            resources=moved.resources,
            title=moved.title,
        )
        change(made.public_id, later, world.viewer("student"))
    (act,) = expiries()
    assert act.due_at == MONDAY + timedelta(days=4)


def test_an_ordinary_booking_plans_no_expiry(world: World) -> None:
    book(request(), world.viewer("student"))
    assert all_acts() == []
