"""Reminders of what ends in 60, 30 and 7 days, each day once; and sessions that are called off."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from booking.base import clock
from booking.base.acts import TimedAct, carry_out_due
from booking.base.db import db
from booking.notifications.models import OutboxMessage
from booking.notifications.training import REMIND, plan_reminders
from booking.training.sessions import cancel_session, take_place
from tests.db.training_world import a_module, a_permit, a_session, competent
from tests.factories import MONDAY, World, next_weekday

TODAY = MONDAY.date()


def reminders(kind: str) -> list[OutboxMessage]:
    query = select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)
    return list(db.session.scalars(query))


def a_competence(world: World, last: date) -> None:
    competent(world, "student", a_module("T-1", world), last)


@pytest.mark.parametrize("days", [60, 30, 7])
def test_who_has_what_ends_is_told(world: World, days: int) -> None:
    a_competence(world, TODAY + timedelta(days=days))
    plan_reminders()
    carry_out_due()
    (told,) = reminders("competence_ends")
    assert (told.recipient_id, told.facts["days"]) == (world.users["student"], days)


@pytest.mark.parametrize("days", [61, 59, 31, 29, 8, 6, 0, -1])
def test_on_other_days_nobody_is(world: World, days: int) -> None:
    a_competence(world, TODAY + timedelta(days=days))
    plan_reminders()
    carry_out_due()
    assert reminders("competence_ends") == []


def test_each_day_is_done_once_however_often_a_worker_starts(world: World) -> None:
    a_competence(world, TODAY + timedelta(days=30))
    for _ in range(3):
        plan_reminders()
        carry_out_due()
    assert len(reminders("competence_ends")) == 1
    (following,) = db.session.scalars(select(TimedAct).where(TimedAct.done_at.is_(None)))
    assert (following.kind, following.subject_id) == (REMIND, TODAY.toordinal() + 1)


def test_days_on_which_no_worker_ran_are_made_up_for(world: World) -> None:
    a_competence(world, TODAY + timedelta(days=32))
    plan_reminders()
    carry_out_due()
    assert reminders("competence_ends") == []
    with clock.travel(MONDAY + timedelta(days=5)):
        carry_out_due()
    assert [one.facts["days"] for one in reminders("competence_ends")] == [30]


def test_permits_are_told_to_who_looks_after_them(world: World) -> None:
    last = TODAY + timedelta(days=7)
    a_permit(reference="RA-1", valid_through=last, user_id=world.users["student"])
    a_permit(reference="RA-2", valid_through=last, project_id=world.projects["P-OPEN"])
    plan_reminders()
    carry_out_due()
    assert [one.recipient_id for one in reminders("permit_ends")] == [
        world.users["student"],
        world.users["leader"],
    ]


def test_who_has_a_place_learns_that_a_session_is_called_off(world: World) -> None:
    session = a_session(world, a_module("T-1", world), next_weekday(10))
    take_place(session.id, world.viewer("student"))
    cancel_session(session.id, world.viewer("staff"), "The trainer is ill.")
    (told,) = reminders("session_called_off")
    assert (told.recipient_id, told.facts["reason"]) == (world.users["student"], "The trainer is ill.")
