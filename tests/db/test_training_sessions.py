"""Sessions, outcomes, competences and permits as trainers and safety officers keep them."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.base import clock
from booking.base.audit import history
from booking.base.db import db
from booking.base.errors import Busy, Forbidden, Invalid, NotChangeable, NotFound, Refused
from booking.bookings.actions import book
from booking.bookings.endangered import endangered
from booking.facilities.certificates import CertificateDetails, add_certificate, remove_certificate
from booking.facilities.queries import places, viewer_of
from booking.people.models import User
from booking.training import asking, competences, permits
from booking.training.asking import NeedDetails
from booking.training.competences import ModuleDetails
from booking.training.listing import ending, sessions_to_come, sessions_to_record
from booking.training.models import Competence, SessionPlace
from booking.training.permits import PermitDetails
from booking.training.queries import requirements
from booking.training.sessions import (
    SessionDetails,
    cancel_session,
    change_session,
    leave_place,
    plan_session,
    record_outcomes,
    take_place,
)
from tests.db.training_world import a_module, a_session, competent, today
from tests.factories import World, email_of, next_weekday, request, working_day

ALL_DAY = timedelta(days=400)


def details(**more: object) -> SessionDetails:
    start = working_day(3, 9)
    standard = SessionDetails("T-1", "HUB", email_of("staff"), start, start + timedelta(hours=2), 2)
    return replace(standard, **more)  # type: ignore[arg-type]


def count_places(session_id: int) -> int:
    query = select(func.count()).where(SessionPlace.session_id == session_id)
    return db.session.scalar(query) or 0


# --- sessions


def test_trainers_plan_change_and_call_off(world: World) -> None:
    a_module("T-1", world)
    staff = world.viewer("staff")
    session = plan_session(details(), staff)
    take_place(session.id, world.viewer("student"))
    assert change_session(session.id, details(places=1), staff).places == 1
    with pytest.raises(Invalid) as error:
        change_session(session.id, details(places=0), staff)
    assert set(error.value.errors) == {"places"}
    take = world.viewer("researcher")
    with pytest.raises(NotChangeable, match="full"):
        take_place(session.id, take)
    assert cancel_session(session.id, staff, "The trainer is ill.").cancelled_at == clock.now()
    with pytest.raises(NotChangeable, match="called off"):
        take_place(session.id, take)
    assert [one.action for one in history("session", session.id)] == [
        "cancelled",
        "changed",
        "place_taken",
        "added",
    ]


def test_a_bad_session_names_every_field(world: World) -> None:
    a_module("T-1", world)
    start = clock.now() - timedelta(days=2)
    bad = details(
        module="T-9\x00", trainer="nobody@x", starts_at=start, ends_at=start, places=None, place="x" * 300
    )
    with pytest.raises(Invalid) as error:
        plan_session(bad, world.viewer("staff"))
    assert set(error.value.errors) == {"module", "trainer", "places", "place", "start_date", "end_time"}


@pytest.mark.parametrize("name", ["student", "researcher", "amber", "technician", "sus_staff"])
def test_others_may_not_teach_at_the_hub(world: World, name: str) -> None:
    module = a_module("T-1", world)
    by = world.viewer(name)
    session = a_session(world, module, working_day(0, 9))
    for act in (
        lambda: plan_session(details(), by),
        lambda: change_session(session.id, details(), by),
        lambda: cancel_session(session.id, by, "x"),
        lambda: record_outcomes(session.id, {world.users["student"]: "passed"}, by),
        lambda: take_place(session.id, by, email_of("leader")),
        lambda: leave_place(session.id, by, world.users["leader"]),
    ):
        with pytest.raises(Forbidden):
            act()
    with pytest.raises(NotFound):
        record_outcomes(10**6, {}, world.viewer("staff"))


def test_a_place_needs_what_comes_first_on_the_day(world: World) -> None:
    first = a_module("T-0", world)
    module = a_module("T-1", world, first=first)
    session = a_session(world, module, working_day(3, 9))
    student = world.viewer("student")
    with pytest.raises(Forbidden, match="T-0"):
        take_place(session.id, student)
    day = session.starts_at.date()
    competent(world, "student", first, day - timedelta(days=1))
    with pytest.raises(Forbidden, match="T-0"):
        take_place(session.id, student)
    competent(world, "researcher", first, day)
    take_place(session.id, world.viewer("researcher"))
    take_place(session.id, world.viewer("staff"), email_of("student"))  # their trainer knows better
    assert count_places(session.id) == 2


def test_a_place_is_taken_once_and_given_back(world: World) -> None:
    module = a_module("T-1", world)
    session = a_session(world, module, working_day(0, 9), places=1)
    other = a_session(world, module, working_day(0, 10))
    student = world.viewer("student")
    take_place(session.id, student)
    take_place(session.id, student)
    with pytest.raises(NotChangeable, match="another session"):
        take_place(other.id, student)
    (listed, _) = sessions_to_come(student.id)
    assert (listed.session.id, listed.left, listed.mine is not None) == (session.id, 0, True)
    leave_place(session.id, student)
    leave_place(session.id, student)
    assert count_places(session.id) == 0
    take_place(session.id, student)
    with clock.travel(session.starts_at), pytest.raises(NotChangeable, match="begun"):
        leave_place(session.id, student)
    with clock.travel(session.starts_at), pytest.raises(NotChangeable, match="begun"):
        take_place(session.id, world.viewer("leader"))


def test_eight_at_once_never_get_more_places_than_there_are(world: World, world_app: Flask) -> None:
    module = a_module("T-1", world)
    session = a_session(world, module, working_day(0, 9), places=3)
    names = ("student", "researcher", "colleague", "leader", "amber", "amber2", "birch", "coordinator")
    ready = threading.Barrier(len(names))
    told: list[str] = []
    now = clock.now()

    def go(name: str) -> None:
        with world_app.app_context(), clock.travel(now):
            viewer = viewer_of(world.users[name])
            assert viewer is not None
            db.session.rollback()
            ready.wait(30)
            try:
                take_place(session.id, viewer)
                told.append("taken")
            except (NotChangeable, Busy) as error:
                told.append(str(error))
            finally:
                db.session.remove()

    threads = [threading.Thread(target=go, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert told.count("taken") == 3
    assert told.count("This session is full.") == 5
    db.session.rollback()
    assert count_places(session.id) == 3


# --- outcomes


def test_outcomes_become_competences(world: World) -> None:
    module = a_module("T-1", world, valid_months=12)
    session = a_session(world, module, working_day(0, 9))
    users = [world.users[name] for name in ("student", "researcher", "leader", "colleague")]
    for name in ("student", "researcher", "leader", "colleague"):
        take_place(session.id, world.viewer(name))
    competent(world, "colleague", module, today(), level="trainer")
    staff = world.viewer("staff")
    went = dict(zip(users, ("passed", "practice", "failed", "passed"), strict=True))
    with pytest.raises(NotChangeable):
        record_outcomes(session.id, went, staff)
    with clock.travel(session.ends_at):
        assert [one.id for one in sessions_to_record([world.facilities["HUB"]])] == [session.id]
        assert record_outcomes(session.id, went, staff) == 4
        assert record_outcomes(session.id, went, staff) == 0
        assert sessions_to_record([world.facilities["HUB"]]) == []
        with pytest.raises(Invalid):
            record_outcomes(session.id, {users[0]: "splendid"}, staff)
    rows = {row.user_id: row for row in db.session.scalars(select(Competence))}
    day = session.starts_at.date()
    assert rows[users[0]].level == "competent"
    assert rows[users[0]].valid_through == day.replace(year=day.year + 1)
    assert rows[users[1]].level == "trainee"
    assert users[2] not in rows
    assert rows[users[3]].level == "trainer"  # what was reached is kept, and prolonged
    assert rows[users[3]].awarded_on == day


# --- modules and competences


def test_modules_are_data(world: World) -> None:
    staff = world.viewer("staff")
    a_module("T-0", world)
    module = competences.add_module(ModuleDetails("T-1", "Cabinets", valid_months=24, firsts=("T-0",)), staff)
    assert competences.picture_of_module(module)["firsts"] == ["T-0"]
    with pytest.raises(Invalid) as error:
        competences.change_module("T-0", ModuleDetails("T-0", "Induction", firsts=("T-1",)), staff)
    assert set(error.value.errors) == {"firsts"}
    with pytest.raises(Invalid) as error:
        competences.add_module(ModuleDetails("T-1", "", minutes=-1), staff)
    assert set(error.value.errors) == {"title", "minutes"}
    with pytest.raises(Invalid) as error:
        competences.add_module(ModuleDetails("T-1", "Again"), staff)
    assert set(error.value.errors) == {"code"}
    asking.set_modules("H-BSC1", {"T-1": "trainee"}, staff)
    asked = requirements(places()).modules_of(world.resources["H-BSC1"])
    assert [(one.code, one.level) for one in asked] == [("T-1", "trainee")]
    with pytest.raises(Forbidden):
        asking.set_modules("H-BSC1", {}, world.viewer("sus_staff"))
    with pytest.raises(Invalid):
        asking.set_modules("H-BSC1", {"T-9": "trainee"}, staff)


def test_trainers_record_and_withdraw_what_people_have_shown(world: World) -> None:
    a_module("T-1", world)
    staff, email = world.viewer("staff"), email_of("student")
    competences.award(email, "T-1", "trainer", today(), None, staff)
    lowered = competences.award(email, "T-1", "trainee", today(), today(), staff)
    assert (lowered.level, lowered.valid_through) == ("trainee", today())
    tomorrow = today() + timedelta(days=1)
    with pytest.raises(Invalid) as error:
        competences.award("x\x00", "T-2", "expert", tomorrow, today(), staff)
    assert set(error.value.errors) == {"person", "module", "level", "awarded_on", "valid_through"}
    with pytest.raises(Forbidden):
        competences.award(email, "T-1", "trainer", today(), None, world.viewer("technician"))
    with pytest.raises(Invalid):
        competences.withdraw(email, "T-1", staff, " ")
    competences.withdraw(email, "T-1", staff, "A spill was not reported.")
    with pytest.raises(NotFound):
        competences.withdraw(email, "T-1", staff, "Again.")
    actions = [one.action for one in history("user", world.users["student"])]
    assert actions[:3] == ["competence_withdrawn", "competence_recorded", "competence_recorded"]


# --- permits


def a_grant(**more: object) -> PermitDetails:
    standard = PermitDetails(
        "RA-1",
        "Risk assessment",
        today(),
        today() + timedelta(days=30),
        "Safety office",
        user=email_of("student"),
    )
    return replace(standard, **more)  # type: ignore[arg-type]


def test_permits_are_granted_prolonged_and_withdrawn(world: World) -> None:
    staff = world.viewer("staff")
    permit = permits.grant(a_grant(resources=("H-BSC1", " H-BSC2 ")), staff)
    assert permits.resources_of(permit.id) == ["H-BSC1", "H-BSC2"]
    later = today() + timedelta(days=60)
    permits.change_permit(permit.id, a_grant(valid_through=later, resources=()), staff)
    assert (permit.valid_through, permits.resources_of(permit.id)) == (later, [])
    with pytest.raises(Invalid) as error:
        permits.grant(a_grant(), staff)
    assert set(error.value.errors) == {"reference"}
    bad = a_grant(reference="é", kind="", user="", room="H-99", valid_through=today() - timedelta(days=9))
    with pytest.raises(Invalid) as error:
        permits.grant(bad, staff)
    assert set(error.value.errors) == {"reference", "kind", "project", "room", "valid_through"}
    permits.withdraw_permit(permit.id, staff, "The hazard changed.")
    with pytest.raises(NotChangeable):
        permits.change_permit(permit.id, a_grant(), staff)
    for name in ("student", "technician", "amber"):
        with pytest.raises(Forbidden):
            permits.grant(a_grant(reference="RA-2"), world.viewer(name))


def test_a_document_is_for_its_holders_and_those_who_grant(world: World) -> None:
    staff = world.viewer("staff")
    permit = permits.grant(a_grant(project="P-OPEN", user=""), staff)
    pdf = b"%PDF-1.7 signed"
    kept = permits.keep_document(permit.id, '..\\"evil";.exe', pdf, staff)
    assert (kept.name, kept.media_type) == ("evil.pdf", "application/pdf")
    for name in ("student", "researcher", "staff", "admin"):
        assert permits.document_of(permit.id, world.viewer(name)).content == pdf
    for name in ("amber", "colleague", "technician"):
        with pytest.raises(NotFound):
            permits.document_of(permit.id, world.viewer(name))
    for content in (b"<html>", b"", b"%PDF-" + b"x" * 1_000_000):
        with pytest.raises(Invalid):
            permits.keep_document(permit.id, "a.pdf", content, staff)


def test_what_asks_for_a_permit_is_data(world: World) -> None:
    staff = world.viewer("staff")
    need = asking.ask_for_permit(
        NeedDetails("HUB", "Risk assessment", "Safety office", resource="H-BSC1"), staff
    )
    booked = request(project="P-OPEN")
    with pytest.raises(Refused):
        book(booked, world.viewer("student"))
    asking.stop_asking(need.id, staff)
    assert book(booked, world.viewer("student")).status == "confirmed"
    with pytest.raises(NotFound):
        asking.stop_asking(need.id, staff)
    with pytest.raises(Invalid) as error:
        asking.ask_for_permit(
            NeedDetails("HUB", "", "", "H-99", "H-99", "spaceship", at_times="never"), staff
        )
    assert set(error.value.errors) == {"permit", "set_by", "room", "resource", "kind", "at_times"}
    asking.set_works(world.projects["P-OPEN"], ["Donor material", " "], staff)
    assert asking.works_of(world.projects["P-OPEN"]) == ["Donor material"]


# --- certificates and what ends


def test_the_newest_certificate_of_each_kind_counts(world: World) -> None:
    staff, day = world.viewer("staff"), today()
    old = CertificateDetails("Examination", day - timedelta(days=90), day + timedelta(days=5))
    add_certificate("H-BSC1", old, staff)
    new = replace(old, examined_on=day, valid_through=day + timedelta(days=90))
    row = add_certificate("H-BSC1", new, staff)

    def until() -> object:
        found = places().by_code["H-BSC1"].serviceable_until
        return found and found.valid_through

    assert until() == new.valid_through
    add_certificate("H-BSC1", replace(old, kind="Calibration"), staff)
    assert until() == old.valid_through
    assert [one.what for one in ending(30) if one.kind == "Certificate"] == ["Calibration"]
    remove_certificate(row.id, staff)
    assert sorted(one.what for one in ending(30)) == ["Calibration", "Examination"]
    with pytest.raises(NotFound):
        remove_certificate(row.id, staff)
    with pytest.raises(Forbidden):
        add_certificate("H-BSC1", old, world.viewer("technician"))
    with pytest.raises(Invalid) as error:
        add_certificate("H-BSC1", CertificateDetails("", day + timedelta(days=1), day), staff)
    assert set(error.value.errors) == {"kind", "examined_on", "valid_through"}


def test_bookings_that_a_lapse_endangers_are_listed(world: World) -> None:
    module = a_module("T-1", world, "H-BSC1", "H-INC1")
    competent(world, "student", module)
    competent(world, "researcher", module)
    student, staff = world.viewer("student"), world.viewer("staff")
    booking = book(request(), student)
    book(request("H-BSC1", next_weekday(14)), world.viewer("researcher"))
    hub = [world.facilities["HUB"]]
    assert endangered(hub, ALL_DAY) == []
    competences.award(email_of("student"), "T-1", "competent", today(), next_weekday(1).date(), staff)
    assert endangered(hub, ALL_DAY) == []
    competences.withdraw(email_of("student"), "T-1", staff, "A spill.")
    (one,) = endangered(hub, ALL_DAY)
    assert one.booking.id == booking.id
    assert [refusal.code for refusal in one.refusals] == ["training_missing"]
    assert db.session.get_one(User, world.users["student"]).name in one.refusals[0].message
    assert endangered([world.facilities["SUS"]], ALL_DAY) == []
    assert endangered(hub, timedelta(hours=1)) == []
    assert booking.status == "confirmed"
