"""Who must not work alone, how many students a supervisor has, which hours a permit opens: at the edges."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.base.errors import Refusal
from booking.base.period import Period
from booking.bookings.grid import starts_on
from booking.bookings.rules import check
from booking.facilities.places import ResourcePlace
from booking.training.standing import (
    Held,
    HeldPermit,
    Holdings,
    ModuleAsked,
    PermitAsked,
    Requirements,
    Standing,
    Supervised,
)
from tests.unit.machines import a_facility, a_machine, a_room, facts, local, span

ME, THEY = 1, 2
TUE, SAT = date(2026, 11, 24), date(2026, 11, 28)
SECOND = timedelta(seconds=1)
EVERY = {"min_minutes": 1, "max_minutes": 40 * 24 * 60, "grid_minutes": 1, "horizon_days": 3000}
CL2 = ModuleAsked(7, "T-CL2", "CL2 practice", "competent", 24, 6, "")
OOH = "Out-of-hours working"


def machine(running: str = "attended", lone: str = "", competent: bool = False, **more: Any) -> ResourcePlace:
    room = replace(a_room(20), lone_working=lone, second_competent=competent)
    facility = a_facility(holidays="", **more.pop("facility", {}))
    return a_machine(running, policy=EVERY, facility=facility, room=room, **more)


def standing(*permits: HeldPermit, **more: Any) -> Standing:
    needs = (PermitAsked(1, OOH, "Manager", 1, 99, None, None, None, "out_of_hours"),)  # in another room
    standard = Standing(Requirements(1, {}, needs), Holdings({}, permits), organiser_id=ME)
    return replace(standard, **more)


def codes(
    one: ResourcePlace, period: Period, held: Standing, role: str = "researcher", **more: Any
) -> list[str]:
    return [refusal.code for refusal in check(period, facts(one, role, standing=held, **more))]


# --- nobody works alone


@pytest.mark.parametrize(
    ("lone", "role", "inside", "outside"),
    [
        ("", "researcher", False, False),
        ("yes", "researcher", False, False),
        ("yes (staffed hours)", "researcher", False, True),
        ("no", "researcher", True, True),
        ("no", "staff", True, True),
        ("no (students)", "researcher", False, False),
        ("no (students)", "student", True, True),
    ],
)
def test_where_and_when_a_second_person_is_named(lone: str, role: str, inside: bool, outside: bool) -> None:
    one, own = machine(lone=lone), standing(a_permit())
    for period, asked in ((span(TUE, 10, 12), inside), (span(TUE, 17, 18), outside)):
        assert codes(one, period, own, role) == ["supervisor_needed"] * asked
        assert codes(one, period, replace(own, company=(THEY,)), role) == []


def test_staffed_hours_end_to_the_second() -> None:
    one, end = machine(lone="yes (staffed hours)"), local(TUE, 17.5)
    assert codes(one, Period(end - 60 * SECOND, end), standing()) == []
    assert codes(one, Period(end - 60 * SECOND, end + 60 * SECOND), standing()) == ["supervisor_needed"]
    start = local(TUE, 8.5)
    assert codes(one, Period(start, start + 60 * SECOND), standing()) == []
    assert codes(one, Period(start - 60 * SECOND, start + 60 * SECOND), standing()) == ["supervisor_needed"]


@pytest.mark.parametrize("friday", [date(2027, 3, 26), date(2027, 10, 29)])
def test_a_run_over_the_change_of_the_clocks_ends_in_staffed_hours(friday: date) -> None:
    one = machine("ends", "yes (staffed hours)")
    assert codes(one, span(friday, 17, 9, days=3), standing()) == []
    assert codes(one, span(friday, 17, 18, days=3), standing()) == ["supervisor_needed"]
    assert codes(one, span(friday, 17.25, 9, days=3), standing()) == [
        "supervisor_needed"
    ]  # half an hour there


def test_nobody_is_alone_where_nobody_is() -> None:
    assert codes(machine("ends", "no"), span(TUE, 10, 12), standing(), people=0) == []


def test_the_refusal_says_where_and_what_to_do() -> None:
    (refusal,) = check(span(TUE, 10, 12), facts(machine(lone="no"), standing=standing()))
    assert refusal.message == "Nobody works alone in H-01 Culture room: a second person must be named."
    assert (refusal.rule, refusal.set_by) == ("lone working: no", "H-01 Culture room")
    assert refusal.fix == "Name a second person as participant or supervisor."
    (later,) = check(span(TUE, 17, 18), facts(machine(lone="yes (staffed hours)"), standing=standing()))
    assert "outside staffed hours" in later.message
    assert (later.fix or "").endswith("or choose a time inside staffed hours.")
    student = facts(machine(lone="no (students)"), "student", standing=standing())
    (of_students,) = check(span(TUE, 10, 12), student)
    assert of_students.message.startswith("No student works alone")


def with_module(theirs: Held | None) -> Standing:
    competences = {ME: {7: Held("competent", None, TUE)}, THEY: {7: theirs} if theirs else {}}
    return Standing(Requirements(1, {1: (CL2,)}), Holdings(competences), ME, company=(THEY,))


@pytest.mark.parametrize(
    ("theirs", "fine"),
    [
        (Held("competent", None, TUE), True),
        (Held("trainer", TUE, TUE), True),
        (Held("competent", TUE - timedelta(days=1), TUE), False),
        (Held("trainee", None, TUE), False),
        (None, False),
    ],
)
def test_the_second_person_is_competent_where_data_say_so(theirs: Held | None, fine: bool) -> None:
    own = with_module(theirs)
    assert codes(machine(lone="no"), span(TUE, 10, 12), own) == []
    found = codes(machine(lone="no", competent=True), span(TUE, 10, 12), own)
    assert found == ([] if fine else ["supervisor_needed"])


def test_a_booking_that_keeps_its_people_is_not_judged_anew() -> None:
    before = span(TUE, 10, 14)
    more: dict[str, Any] = {"before": before, "before_resources": frozenset({1})}
    same = standing(same_people=True, same_company=True)
    assert codes(machine(lone="no"), span(TUE, 10, 12), same, **more) == []
    left = replace(same, same_company=False)
    assert codes(machine(lone="no"), before, left, **more) == ["supervisor_needed"]
    assert codes(machine(lone="no"), span(TUE, 10, 15), same, **more) == ["supervisor_needed"]


# --- students of a supervisor


def has(start: float, end: float, students: int = 1, booking: int = 9, facility: int = 1) -> Supervised:
    return Supervised(booking, facility, span(TUE, start, end), students)


def supervised(*others: Supervised, students: int = 1, most: int | None = 2, **more: Any) -> list[Refusal]:
    one = machine(facility={"most_supervised": most})
    own = standing(supervisor_id=THEY, supervisor="Chloe", students=students, supervised=others, **more)
    return check(span(TUE, 10, 12), facts(one, "student", standing=own))


@pytest.mark.parametrize(
    ("others", "full"),
    [
        ([], False),
        ([has(9, 13)], False),
        ([has(9, 13), has(9, 13, booking=10)], True),
        ([has(9, 13, 2)], True),
        ([has(9, 11), has(11, 13, booking=10)], False),  # one after the other
        ([has(9, 11), has(10.5, 13, booking=10)], True),
        ([has(8, 10, 2), has(12, 14, 2, booking=10)], False),  # before and after
        ([has(9, 13), has(9, 13)], False),  # two machines of one booking
        ([has(9, 13, 2, facility=2)], False),
    ],
)
def test_a_supervisor_has_so_many_students_at_a_time(others: list[Supervised], full: bool) -> None:
    assert [refusal.code for refusal in supervised(*others)] == ["supervisor_needed"] * full


def test_the_most_students_are_counted_to_the_second() -> None:
    touching = Supervised(9, 1, Period(local(TUE, 8), local(TUE, 10)), 2)
    assert supervised(touching) == []
    longer = replace(touching, period=Period(local(TUE, 8), local(TUE, 10) + SECOND))
    (refusal,) = supervised(longer)
    assert refusal.message == (
        "Chloe supervises 2 of at most 2 students at HUB then: there is no place for 1 student more."
    )
    assert (refusal.rule, refusal.set_by) == ("students for each supervisor", "HUB The Hub")


def test_who_is_no_student_is_not_counted_and_any_number_is_possible() -> None:
    assert supervised(has(9, 13, 2), students=0) == []
    assert supervised(has(9, 13, 2), most=None) == []
    assert [one.code for one in supervised(students=3)] == ["supervisor_needed"]
    assert [one.code for one in supervised(most=0)] == ["supervisor_needed"]


# --- hours that a permit opens


def a_permit(through: date = date(2027, 1, 1), **more: Any) -> HeldPermit:
    standard = HeldPermit(OOH, "OH-1", ME, None, None, frozenset(), date(2026, 1, 1), through)
    return replace(standard, **more)


EVENING = span(TUE, 17.5, 19)


def test_an_own_permit_opens_the_extended_hours() -> None:
    one = machine()
    for role in ("student", "industry"):
        assert codes(one, EVENING, standing(), role) == ["outside_hours"]
        assert codes(one, EVENING, standing(a_permit()), role) == []
        assert codes(one, span(TUE, 7, 8), standing(a_permit()), role) == []
    late = Period(EVENING.start, EVENING.end + 60 * SECOND)
    assert codes(one, late, standing(a_permit()), "student") == ["outside_hours"]
    assert codes(one, span(SAT, 10, 11), standing(a_permit()), "student") == ["outside_hours"]


@pytest.mark.parametrize(
    "more",
    [
        {"user_id": THEY},
        {"user_id": None, "project_id": 5},
        {"kind": "Risk assessment"},
        {"room_id": 7},
        {"resources": frozenset({9})},
        {"through": TUE - timedelta(days=1)},
        {"valid_from": TUE + timedelta(days=1)},
    ],
)
def test_another_permit_opens_nothing(more: dict[str, Any]) -> None:
    own = standing(a_permit(**more), project_id=5)
    assert codes(machine(), EVENING, own, "student") == ["outside_hours"]


def test_the_permit_must_be_valid_through_the_end() -> None:
    one, run = machine("ends"), span(TUE, 18, 18, days=2)
    thursday = TUE + timedelta(days=2)
    assert codes(one, run, standing(a_permit(thursday)), "student") == []
    assert codes(one, run, standing(a_permit(thursday - timedelta(days=1))), "student") == ["outside_hours"]


@pytest.mark.parametrize("monday", [date(2027, 3, 29), date(2027, 11, 1)])
def test_extended_hours_keep_to_the_clock(monday: date) -> None:
    one, own = machine(), standing(a_permit(date(2028, 1, 1)))
    assert codes(one, span(monday, 7, 8), own, "student") == []
    early = Period(local(monday, 7) - 60 * SECOND, local(monday, 8))
    assert codes(one, early, own, "student") == ["outside_hours"]


def test_the_refusal_tells_of_the_permit_only_where_one_helps() -> None:
    (refusal,) = check(EVENING, facts(machine(), "student", standing=standing()))
    assert "For you they are 08:30–17:30" in refusal.message
    assert "A permit (Out-of-hours working) of your own opens the extended ones to you." in (
        refusal.fix or ""
    )
    (late,) = check(span(TUE, 20, 21), facts(machine(), standing=standing()))
    assert late.fix == "Choose a time inside the hours."
    (nothing,) = check(EVENING, facts(machine(), "student"))
    assert nothing.fix == "Choose a time inside the hours."


@given(st.integers(0, 24 * 60 - 30), st.sampled_from(["student", "researcher"]), st.booleans())
def test_where_a_booking_may_begin_is_open(minute: int, role: str, permitted: bool) -> None:
    """What the search tries and what the rules accept are the same moments."""
    one = machine(policies=(replace(machine().policies[0], says=EVERY | {"grid_minutes": 30}),))
    own = facts(one, role, standing=standing(*([a_permit()] if permitted else [])))
    start = local(TUE, 0) + timedelta(minutes=minute)
    accepted = check(Period(start, start + timedelta(minutes=30)), own) == []
    assert accepted == (start in set(starts_on(one, own, TUE)))
