"""Competence, permits and certificates where bookings are made: what is refused, and what it costs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking.base import clock
from booking.base.db import db
from booking.base.errors import Refused
from booking.bookings.actions import advised, book, cancel, change, check_only
from booking.bookings.queries import request_of
from booking.facilities.queries import places
from booking.notifications.models import OutboxMessage
from booking.training.competences import withdraw
from booking.training.permits import withdraw_permit
from booking.training.queries import requirements
from booking.training.sessions import take_place
from tests.db.statements import listed, recorded
from tests.db.training_world import (
    a_certificate,
    a_module,
    a_need,
    a_permit,
    a_session,
    competent,
    today,
)
from tests.factories import World, next_weekday, request, working_day

STAFF = "staff@hub.example"
RESEARCHER = "researcher@hub.example"
LEADER = "leader@hub.example"


def refused(act: Callable[[], Any]) -> list[str]:
    """Return the codes of a refusal."""
    with pytest.raises(Refused) as error:
        act()
    return [refusal.code for refusal in error.value.refusals]


def statements(act: Callable[[], Any]) -> int:
    db.session.remove()
    requirements(places())
    with recorded() as found:
        act()
    print(listed(found))
    return len(found)


def test_training_is_asked_of_the_organiser(world: World) -> None:
    module = a_module("T-1", world, "H-BSC1")
    student, staff = world.viewer("student"), world.viewer("staff")
    assert refused(lambda: book(request(), student)) == ["training_missing"]
    assert refused(lambda: book(request(), staff)) == ["training_missing"]
    competent(world, "student", module)
    mine = request(on_behalf_of="student@hub.example")
    assert book(request(), student).status == "confirmed"
    assert (
        book(replace(mine, starts_at=next_weekday(14), ends_at=next_weekday(15)), staff).organiser_id
        == (world.users["student"])
    )
    assert refused(lambda: book(request(start=next_weekday(16), on_behalf_of=RESEARCHER), staff)) == [
        "training_missing"
    ]


def test_a_certificate_that_ends_during_a_run_names_the_session_that_cures_it(world: World) -> None:
    module = a_module("T-1", world, "H-INC1", valid_months=12)
    start = working_day(2, 10, nights=12)
    competent(world, "student", module, start.date() + timedelta(days=8))
    session = a_session(world, module, working_day(0, 13))
    full = a_session(world, module, working_day(0, 9), places=1)
    take_place(full.id, world.viewer("researcher"))
    run = request("H-INC1", start, hours=12 * 24)
    refusals, facts = check_only(run, world.viewer("student"))
    assert [refusal.code for refusal in refusals] == ["training_expires"]
    assert [one.id for one in facts.standing.sessions[module.id]] == [session.id]
    assert "13:00" in refusals[0].fix
    assert (
        book(replace(run, ends_at=start + timedelta(days=7)), world.viewer("student")).status == "confirmed"
    )


def test_disuse_lapses_and_work_keeps_in_practice(world: World) -> None:
    module = a_module("T-1", world, "H-BSC1", "H-BSC2", lapse_months=6)
    competent(world, "student", module, awarded_on=today() - timedelta(days=700))
    competent(world, "researcher", module, awarded_on=today())
    student = world.viewer("student")
    assert refused(lambda: book(request(), student)) == ["training_expires"]
    a_booking = request("H-BSC2", participants=("student@hub.example",))
    book(a_booking, world.viewer("researcher"))
    assert refused(lambda: book(request(start=next_weekday(14)), student)) == ["training_expires"]
    with clock.travel(next_weekday(13)):  # they took part: it is over
        assert book(request(start=next_weekday(10)), student).status == "confirmed"
        assert refused(lambda: book(request(start=next_weekday(14)), world.viewer("leader"))) == [
            "training_missing"
        ]


def test_a_trainee_names_a_supervisor_who_is_free(world: World) -> None:
    module = a_module("T-1", world, "H-BSC1")
    competent(world, "student", module, level="trainee")
    competent(world, "leader", module)
    student, leader = world.viewer("student"), world.viewer("leader")
    assert refused(lambda: book(request(), student)) == ["supervisor_needed"]
    assert refused(lambda: book(request(supervisor=RESEARCHER), student)) == ["supervisor_needed"]
    elsewhere = book(request("H-LC", next_weekday(10), hours=2), leader)
    assert refused(lambda: book(request(supervisor=LEADER), student)) == ["supervisor_needed"]
    cancel(elsewhere.public_id, leader)
    booking = book(request(supervisor=LEADER), student)
    told = set(db.session.scalars(select(OutboxMessage.recipient_id).filter_by(booking_id=booking.id)))
    assert told == {world.users["student"], world.users["leader"]}


def test_a_supervisor_cannot_be_taken_off_or_exchanged_afterwards(world: World) -> None:
    module = a_module("T-1", world, "H-BSC1")
    competent(world, "student", module, level="trainee")
    competent(world, "leader", module)
    student = world.viewer("student")
    booking = book(request(supervisor=LEADER), student)
    wanted = request_of(booking)
    for other in (None, RESEARCHER):
        changed = replace(wanted, supervisor=other)
        assert refused(lambda changed=changed: change(booking.public_id, changed, student)) == [
            "supervisor_needed"
        ]
    assert change(booking.public_id, replace(wanted, title="New"), student).title == "New"


def test_who_loses_a_competence_keeps_what_they_booked(world: World) -> None:
    module = a_module("T-1", world, "H-BSC1")
    competent(world, "student", module)
    student, staff = world.viewer("student"), world.viewer("staff")
    booking = book(request(hours=2), student)
    withdraw("student@hub.example", "T-1", staff, "A glove box was left open.")
    wanted = request_of(booking)
    shorter = replace(wanted, ends_at=wanted.ends_at - timedelta(hours=1))
    assert change(booking.public_id, replace(wanted, notes="x"), student).notes == "x"
    assert change(booking.public_id, shorter, student).ends_at == shorter.ends_at
    assert refused(lambda: change(booking.public_id, wanted, student)) == ["training_missing"]


def test_permits_of_person_and_project(world: World) -> None:
    a_need(world, resource_id=world.resources["H-BSC1"])
    student = world.viewer("student")
    with_project = request(project="P-OPEN")
    assert refused(lambda: book(request(), student)) == ["permit_missing"]
    permit = a_permit(project_id=world.projects["P-OPEN"])
    assert refused(lambda: book(request(), student)) == ["permit_missing"]
    booking = book(with_project, student)
    changed = replace(request_of(booking), project=None)
    assert refused(lambda: change(booking.public_id, changed, student)) == ["permit_missing"]
    withdraw_permit(permit.id, world.viewer("staff"), "Superseded.")
    later = request(start=next_weekday(14), project="P-OPEN")
    assert refused(lambda: book(later, student)) == ["permit_missing"]
    a_permit(user_id=world.users["student"], reference="RA-9")
    assert book(later, student).status == "confirmed"


def test_no_alternative_is_offered_that_the_person_may_not_book(world: World) -> None:
    module = a_module("T-1", world, "H-BSC2")
    student = world.viewer("student")
    book(request(people=0), world.viewer("researcher"))

    def offered() -> list[str]:
        with pytest.raises(Refused) as error, advised(request(people=0), student):
            book(request(people=0), student)
        return [code for one in error.value.alternatives for code, _ in one.resources]

    assert offered() == ["H-BSC1"] * 3
    competent(world, "student", module)
    assert offered()[0] == "H-BSC2"
    through = next_weekday(10).date()
    a_certificate(world, "H-BSC1", through)
    a_certificate(world, "H-BSC2", through - timedelta(days=1))
    with pytest.raises(Refused) as error, advised(request(people=0), student):
        book(request(people=0), student)
    assert error.value.alternatives
    assert {one.ends_at.date() for one in error.value.alternatives} <= {today(), through}


def test_nobody_books_past_serviceable_until(world: World) -> None:
    start = working_day(1, 10, nights=7)
    a_certificate(world, "H-INC1", start.date() + timedelta(days=6))
    student = world.viewer("student")
    assert refused(lambda: book(request("H-INC1", start, hours=7 * 24), student)) == ["certificate_expires"]
    a_certificate(world, "H-INC1", start.date() + timedelta(days=7))
    assert book(request("H-INC1", start, hours=7 * 24), student).status == "confirmed"


def test_what_it_costs(world: World) -> None:
    """One statement more if something is asked, whatever is asked; none if nothing is."""
    student = world.viewer("student")
    plain = statements(lambda: book(request("H-BSC2"), student))
    for n in range(3):
        competent(world, "student", a_module(f"T-{n}", world, "H-BSC1"))
    a_need(world, resource_id=world.resources["H-BSC1"])
    a_permit(user_id=world.users["student"])
    assert statements(lambda: book(request("H-BSC2", next_weekday(14)), student)) == plain
    assert statements(lambda: book(request("H-BSC1"), student)) == plain + 1
    trained = a_module("T-9", world, "H-BSC1")
    competent(world, "student", trained, level="trainee")
    competent(world, "leader", trained)
    supervised = request(start=next_weekday(14), supervisor=LEADER)
    unasked = request("H-BSC2", next_weekday(16), supervisor=LEADER)
    alone = statements(lambda: book(unasked, student))
    assert statements(lambda: book(supervised, student)) == alone + 2  # and is the supervisor free?
