"""Requests that wait for one answer after the other: who is asked, who sees what, what is passed on."""

from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking.base import audit, clock
from booking.base.acts import TimedAct, carry_out_due
from booking.base.db import db
from booking.base.errors import BookingError, Forbidden, Invalid, NotChangeable, NotFound
from booking.bookings.actions import approve, book, cancel, change, decline
from booking.bookings.answer_links import make_answer_link, read_answer_link
from booking.bookings.dossier import dossier_of
from booking.bookings.models import ApprovalStep, Booking
from booking.bookings.queries import request_of
from booking.bookings.visibility import Level
from booking.bookings.waiting import count_waiting, decides_anything, requests_for, steps_of, waiting_requests
from booking.facilities.queries import viewer_of
from booking.notifications.delivery import _token
from booking.notifications.models import OutboxMessage
from booking.notifications.notices import NotWanted, notice_of
from booking.people.deputies import DeputyDetails, end_deputy, name_deputy
from booking.people.models import Deputy
from booking.settings import Settings
from tests.db.approval_world import a_deputy, a_duty, a_rule, an_owner
from tests.db.ledger import afresh, held, messages, whole_state
from tests.factories import MONDAY, SECRET_KEY, World, next_weekday, request

CABINET = "H-BSC1"


def ask(world: World, by: str = "student", what: str = CABINET, **more: Any) -> Booking:
    return book(request(what, next_weekday(10, days=7), **more), world.viewer(by))


def told(booking: Booking, kind: str = "request_waiting") -> set[int]:
    return {person for what, person in messages(booking) if what == kind}


def users(world: World, *names: str) -> set[int]:
    return {world.users[name] for name in names}


@pytest.fixture
def two_steps(world: World) -> Booking:
    """The student's request for the cabinet: the quality officer (Colin) answers first, then staff."""
    a_duty(world, "colleague")
    a_rule(world, "quality_officer", "staff", resource=CABINET)
    return ask(world)


# --- two steps


def test_the_first_answer_leaves_a_request(world: World, two_steps: Booking) -> None:
    assert told(two_steps) == users(world, "colleague")
    before = [row.id for row in held(two_steps)]
    after = afresh(approve(two_steps.public_id, world.viewer("colleague"), "The assessment holds"))
    assert after.status == "requested"
    assert [row.id for row in held(after)] == before
    assert told(after) == users(world, "colleague", "staff", "technician")
    newest = audit.history("booking", after.id)[0]
    assert (newest.action, newest.reason) == ("step_approved", "The assessment holds")
    assert ("booking_approved", world.users["student"]) not in messages(after)


def test_the_second_answer_confirms(world: World, two_steps: Booking) -> None:
    approve(two_steps.public_id, world.viewer("colleague"))
    after = afresh(approve(two_steps.public_id, world.viewer("technician")))
    assert (after.status, after.answer_due_at) == ("confirmed", None)
    assert ("booking_approved", world.users["student"]) in messages(after)
    assert [row.approved for row in steps_of(after.id)] == [True, True]
    assert db.session.scalar(select(TimedAct.id).where(TimedAct.done_at.is_(None))) is None


def test_the_order_is_kept(world: World, two_steps: Booking) -> None:
    before = whole_state()
    with pytest.raises(Forbidden, match="the quality officer"):
        approve(two_steps.public_id, world.viewer("technician"))
    assert whole_state() == before


def test_two_steps_need_two_people(world: World, two_steps: Booking) -> None:
    """Colin is staff by his duty, but has answered."""
    approve(two_steps.public_id, world.viewer("colleague"))
    with pytest.raises(NotChangeable, match="Your part"):
        approve(two_steps.public_id, world.viewer("colleague"))
    assert afresh(two_steps).status == "requested"


@pytest.mark.parametrize("first", ["colleague", "admin"])
def test_either_step_may_decline(world: World, two_steps: Booking, first: str) -> None:
    after = decline(two_steps.public_id, world.viewer(first), "No")
    assert (after.status, held(after)) == ("declined", [])
    assert {row.closed_at is not None for row in steps_of(after.id)} == {True}
    assert requests_for(world.viewer("technician")) == []


def test_each_step_has_its_time(world: World, two_steps: Booking) -> None:
    assert two_steps.answer_due_at == MONDAY + timedelta(days=3)
    with clock.travel(MONDAY + timedelta(days=1)):
        after = approve(two_steps.public_id, world.viewer("colleague"))
        assert after.answer_due_at == MONDAY + timedelta(days=4)
    with clock.travel(MONDAY + timedelta(days=3, seconds=1)):
        carry_out_due()
        assert afresh(two_steps).status == "requested"
    with clock.travel(MONDAY + timedelta(days=4)):
        carry_out_due()
        assert afresh(two_steps).status == "declined"


def test_an_answer_to_a_step_that_was_answered_is_told_so(world: World, two_steps: Booking) -> None:
    first = steps_of(two_steps.id)[0].id
    approve(two_steps.public_id, world.viewer("colleague"), "", first)
    with pytest.raises(NotChangeable):
        approve(two_steps.public_id, world.viewer("technician"), "", first)
    with pytest.raises(NotChangeable):
        approve(two_steps.public_id, world.viewer("admin"), "", first)


def test_a_reason_that_cannot_be_stored_is_refused(world: World, two_steps: Booking) -> None:
    for reason in ("x" * 1001, "a\x00b"):
        with pytest.raises(Invalid):
            approve(two_steps.public_id, world.viewer("colleague"), reason)


# --- whom rules ask


def test_a_rule_for_a_length_asks_only_beyond_it(world: World) -> None:
    a_rule(world, resource=CABINET, longer_than_minutes=60)
    assert ask(world).status == "confirmed"
    assert ask(world, what="H-BSC2", hours=2).status == "confirmed"
    assert book(request(CABINET, next_weekday(10, days=8), hours=1.5), world.viewer("student")).status == (
        "requested"
    )


def test_the_supervisor_is_asked(world: World) -> None:
    a_rule(world, "supervisor", role="student", kind="workstation")
    asked = ask(world, supervisor="leader@hub.example")
    assert told(asked) == users(world, "leader")
    assert [d.booking.id for d in waiting_requests(world.viewer("leader"))] == [asked.id]
    assert decides_anything(world.viewer("leader"))
    assert not decides_anything(world.viewer("researcher"))
    assert approve(asked.public_id, world.viewer("leader")).status == "confirmed"


def test_without_a_supervisor_staff_are_asked_at_once(world: World) -> None:
    a_rule(world, "supervisor", role="student")
    asked = ask(world)
    assert told(asked) == users(world, "staff", "technician")
    assert approve(asked.public_id, world.viewer("technician")).status == "confirmed"


def test_the_owner_is_asked(world: World) -> None:
    a_rule(world, "owner", resource=CABINET)
    an_owner(world, "researcher", CABINET)
    asked = ask(world)
    assert told(asked) == users(world, "researcher")
    assert count_waiting(world.viewer("researcher")) == 1
    with pytest.raises(Forbidden):
        approve(asked.public_id, world.viewer("technician"))
    assert approve(asked.public_id, world.viewer("researcher")).status == "confirmed"


def test_an_owner_is_not_asked_about_a_partners_booking(world: World) -> None:
    """What the owner may not see they cannot answer: staff are asked instead."""
    a_rule(world, "owner", resource=CABINET)
    an_owner(world, "researcher", CABINET)
    asked = ask(world, "amber", title="SECRET-TITLE")
    assert told(asked) == users(world, "staff", "technician")
    assert requests_for(world.viewer("researcher")) == []
    with pytest.raises(NotFound):
        approve(asked.public_id, world.viewer("researcher"))


def test_nobody_is_asked_about_their_own(world: World) -> None:
    a_rule(world, "staff", resource=CABINET)
    asked = ask(world, "technician")
    assert (asked.status, told(asked)) == ("requested", users(world, "staff"))
    with pytest.raises(Forbidden):
        approve(asked.public_id, world.viewer("technician"))
    assert approve(asked.public_id, world.viewer("staff")).status == "confirmed"


def test_unless_the_rule_says_so(world: World) -> None:
    a_rule(world, "staff", resource=CABINET, own=True)
    assert ask(world, "technician").status == "confirmed"


def test_who_books_for_another_does_not_approve_it(world: World) -> None:
    a_rule(world, "staff", resource=CABINET)
    asked = ask(world, "technician", on_behalf_of="student@hub.example")
    with pytest.raises(Forbidden):
        approve(asked.public_id, world.viewer("technician"))


# --- changes


def test_a_change_that_matters_asks_all_again(world: World, two_steps: Booking) -> None:
    approve(two_steps.public_id, world.viewer("colleague"))
    approve(two_steps.public_id, world.viewer("staff"))
    wanted = request_of(two_steps)
    later = replace(
        wanted, starts_at=wanted.starts_at + timedelta(hours=2), ends_at=wanted.ends_at + timedelta(hours=2)
    )
    after = change(two_steps.public_id, later, world.viewer("student"))
    assert after.status == "requested"
    assert [(row.position, row.approved) for row in steps_of(after.id)] == [(1, None), (2, None)]
    approve(two_steps.public_id, world.viewer("colleague"))
    assert approve(two_steps.public_id, world.viewer("staff")).status == "confirmed"


MATTERS = {
    "participants": {"participants": ("researcher@hub.example",)},
    "supervisor": {"supervisor": "leader@hub.example"},
    "project": {"project": "P-OPEN"},
    "people": {"people": 2},
}


@pytest.mark.parametrize("what", MATTERS)
def test_other_people_or_another_project_ask_again(world: World, what: str) -> None:
    a_rule(world, "staff", resource=CABINET)
    asked = ask(world)
    approve(asked.public_id, world.viewer("staff"))
    after = change(asked.public_id, replace(request_of(asked), **MATTERS[what]), world.viewer("student"))
    assert (after.status, len(held(after))) == ("requested", 1)


@pytest.mark.parametrize("text", [{"title": "Another"}, {"notes": "Mind the step."}])
def test_texts_do_not(world: World, text: dict[str, str]) -> None:
    a_rule(world, "staff", resource=CABINET)
    asked = ask(world)
    approve(asked.public_id, world.viewer("staff"))
    after = change(asked.public_id, replace(request_of(asked), **text), world.viewer("student"))
    assert after.status == "confirmed"


def test_the_answers_so_far_are_void_when_it_moves(world: World, two_steps: Booking) -> None:
    approve(two_steps.public_id, world.viewer("colleague"))
    wanted = request_of(two_steps)
    later = replace(
        wanted, starts_at=wanted.starts_at + timedelta(hours=2), ends_at=wanted.ends_at + timedelta(hours=2)
    )
    change(two_steps.public_id, later, world.viewer("student"))
    with pytest.raises(Forbidden, match="the quality officer"):
        approve(two_steps.public_id, world.viewer("staff"))


def test_a_cancelled_request_waits_for_nobody(world: World, two_steps: Booking) -> None:
    cancel(two_steps.public_id, world.viewer("student"))
    assert requests_for(world.viewer("colleague")) == []
    assert db.session.scalar(select(TimedAct.id).where(TimedAct.done_at.is_(None))) is None


# --- passed on


def test_what_is_not_answered_in_time_is_passed_on(world: World, two_steps: Booking) -> None:
    with clock.travel(MONDAY + timedelta(days=2) - timedelta(seconds=1)):
        assert carry_out_due() == 0
    with clock.travel(MONDAY + timedelta(days=2)):
        assert carry_out_due() == 1
        assert told(two_steps, "request_escalated") == users(world, "staff")
        assert count_waiting(world.viewer("staff")) == 1
        assert count_waiting(world.viewer("technician")) == 0
        assert approve(two_steps.public_id, world.viewer("staff")).status == "requested"
        assert approve(two_steps.public_id, world.viewer("technician")).status == "confirmed"
    assert "escalated" in {entry.action for entry in audit.history("booking", two_steps.id)}


def test_nothing_is_passed_on_once_it_is_answered(world: World, two_steps: Booking) -> None:
    approve(two_steps.public_id, world.viewer("colleague"))
    approve(two_steps.public_id, world.viewer("staff"))
    with clock.travel(MONDAY + timedelta(days=5)):
        assert carry_out_due() == 0


# --- deputies


def test_a_deputy_answers_in_the_place_of_who_is_away(world: World, two_steps: Booking) -> None:
    a_deputy(world, "colleague", "researcher")
    viewer = world.viewer("researcher")
    (one,) = requests_for(viewer)
    assert (one.as_deputy, one.person.id) == (True, world.users["colleague"])
    approve(two_steps.public_id, viewer)
    row = steps_of(two_steps.id)[0]
    assert (row.answered_by_id, row.deputy_for_id) == (world.users["researcher"], world.users["colleague"])
    assert requests_for(viewer) == []


def test_deputies_are_told(world: World) -> None:
    a_duty(world, "colleague")
    a_rule(world, "quality_officer", resource=CABINET)
    a_deputy(world, "colleague", "researcher")
    a_deputy(world, "colleague", "amber")  # of another company: never
    assert told(ask(world)) == users(world, "colleague", "researcher")


def test_a_deputy_sees_what_the_person_sees_and_only_while_it_waits(world: World) -> None:
    a_duty(world, "colleague")
    a_rule(world, "quality_officer", resource=CABINET)
    asked = ask(world, "amber", title="SECRET-TITLE", notes="SECRET-NOTES")
    viewer = world.viewer("leader")
    assert requests_for(viewer) == []
    a_deputy(world, "colleague", "leader")
    (one,) = requests_for(world.viewer("leader"))
    assert (one.detail.level, one.detail.booking.notes) == (Level.FULL, "SECRET-NOTES")
    assert dossier_of(one).role == "industry"
    other = book(request("H-BSC2", next_weekday(10, days=7)), world.viewer("amber"))
    with pytest.raises(NotFound):
        approve(other.public_id, world.viewer("leader"))
    approve(asked.public_id, world.viewer("leader"))
    assert requests_for(world.viewer("leader")) == []


def test_a_partner_never_sees_more_as_a_deputy(world: World, two_steps: Booking) -> None:
    a_deputy(world, "colleague", "amber")
    assert requests_for(world.viewer("amber")) == []
    with pytest.raises(NotFound):
        approve(two_steps.public_id, world.viewer("amber"))


def test_a_deputy_is_one_on_the_days_that_were_named(world: World, two_steps: Booking) -> None:
    a_deputy(world, "colleague", "researcher", MONDAY.date() + timedelta(days=1))
    for days, waits in ((0, 1), (1, 1), (2, 0)):
        with clock.travel(MONDAY + timedelta(days=days)):
            assert len(requests_for(world.viewer("researcher"))) == waits


def test_naming_and_ending_a_deputy(world: World) -> None:
    day = MONDAY.date()
    viewer = world.viewer("staff")
    row = name_deputy(DeputyDetails("Researcher@hub.example ", day, day), viewer)
    assert world.viewer("researcher").stands_in == ((world.users["staff"], day, day),)
    with pytest.raises(NotFound):
        end_deputy(row.id, world.viewer("student"))
    end_deputy(row.id, world.viewer("researcher"))
    assert world.viewer("researcher").stands_in == ()


BAD = {
    "a partner": ("staff", "amber@partner.example", 0),
    "a rival": ("amber", "birch@partner.example", 0),
    "oneself": ("staff", "staff@hub.example", 0),
    "nobody": ("staff", "nobody@hub.example", 0),
    "no text": ("staff", "a\x00b", 0),
    "backwards": ("staff", "researcher@hub.example", -1),
    "for ever": ("staff", "researcher@hub.example", 367),
}


@pytest.mark.parametrize("what", BAD)
def test_who_cannot_be_a_deputy(world: World, what: str) -> None:
    by, email, days = BAD[what]
    day = MONDAY.date()
    with pytest.raises(Invalid):
        name_deputy(DeputyDetails(email, day, day + timedelta(days=days)), world.viewer(by))
    assert db.session.scalar(select(Deputy.id)) is None


# --- links in mails


def the_token(world: World, booking: Booking, name: str) -> str:
    (step,) = [row for row in steps_of(booking.id) if row.opened_at and not row.closed_at]
    return make_answer_link(step.id, world.users[name], SECRET_KEY)


def test_a_link_shows_its_owner_the_request(world: World, two_steps: Booking) -> None:
    asked = read_answer_link(the_token(world, two_steps, "colleague"), SECRET_KEY)
    assert (asked.detail.booking.id, asked.by.id) == (two_steps.id, world.users["colleague"])


@pytest.mark.parametrize("who", ["technician", "student", "amber"])
def test_a_link_gives_nobody_a_right(world: World, two_steps: Booking, who: str) -> None:
    with pytest.raises(NotFound):
        read_answer_link(the_token(world, two_steps, who), SECRET_KEY)


def test_a_link_works_until_its_step_is_answered_or_asked_anew(world: World, two_steps: Booking) -> None:
    token = the_token(world, two_steps, "colleague")
    change(two_steps.public_id, replace(request_of(two_steps), people=2), world.viewer("student"))
    with pytest.raises(NotFound):
        read_answer_link(token, SECRET_KEY)
    token = the_token(world, two_steps, "colleague")
    approve(two_steps.public_id, world.viewer("colleague"))
    with pytest.raises(NotFound):
        read_answer_link(token, SECRET_KEY)


def test_a_link_expires_with_the_request(world: World, two_steps: Booking) -> None:
    token = the_token(world, two_steps, "colleague")
    assert two_steps.answer_due_at is not None
    with clock.travel(two_steps.answer_due_at - timedelta(seconds=1)):
        read_answer_link(token, SECRET_KEY)
    with clock.travel(two_steps.answer_due_at), pytest.raises(NotFound):
        read_answer_link(token, SECRET_KEY)


def test_a_link_that_was_changed_does_not_work(world: World, two_steps: Booking) -> None:
    token = the_token(world, two_steps, "colleague")
    for wrong in ("", "x", token[:-1], token + "A", f"WzEsMSw5XQ.{token.split('.')[1]}", "\ud800", "é" * 50):
        with pytest.raises(NotFound):
            read_answer_link(wrong, SECRET_KEY)
    with pytest.raises(NotFound):
        read_answer_link(token, "another key")


def test_the_mail_of_a_request_that_was_answered_is_not_wanted(world: World, two_steps: Booking) -> None:
    query = select(OutboxMessage).where(OutboxMessage.kind == "request_waiting")
    message = db.session.scalars(query).one()
    viewer = viewer_of(message.recipient_id)
    assert viewer is not None
    token = _token(message, viewer, Settings(secret_key=SECRET_KEY))
    assert read_answer_link(token, SECRET_KEY).detail.booking.id == two_steps.id
    assert notice_of(message, viewer, token).path == f"/approvals/by-mail/{token}"
    approve(two_steps.public_id, world.viewer("colleague"))
    with pytest.raises(NotWanted):
        notice_of(message, viewer)


# --- races


def test_of_two_who_answer_at_once_one_wins_and_the_other_is_told(
    world: World, two_steps: Booking, world_app: Flask
) -> None:
    approve(two_steps.public_id, world.viewer("colleague"))
    step = db.session.scalars(select(ApprovalStep.id).where(ApprovalStep.closed_at.is_(None))).one()
    viewers = [world.viewer(name) for name in ("staff", "technician", "admin", "staff")]
    at_once, outcomes = Barrier(len(viewers)), []

    def answer(n: int) -> None:
        with world_app.app_context(), clock.travel(MONDAY):
            at_once.wait()
            try:
                if n % 2:
                    decline(two_steps.public_id, viewers[n], "race", step)
                else:
                    approve(two_steps.public_id, viewers[n], "", step)
                outcomes.append("answered")
            except BookingError as error:
                outcomes.append(type(error).__name__)
            finally:
                db.session.remove()

    db.session.remove()
    threads = [Thread(target=answer, args=(n,)) for n in range(len(viewers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["NotChangeable"] * 3 + ["answered"]
    assert len(held(afresh(two_steps))) == (1 if afresh(two_steps).status == "confirmed" else 0)
