"""What a facility and its machines are like on a day: state, hours, closures, effective rules."""

from datetime import UTC, date, datetime, timedelta

import pytest

from booking.base.period import Period
from booking.facilities.places import (
    PolicyPlace,
    holiday_name,
    hour_kinds,
    open_periods,
    opening_moment,
    opens_to,
    role_may_book,
)
from tests.unit.machines import a_facility, a_machine, a_policy, closed, local, span, steps

MON, TUE, SAT = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 28)
ROLES = ("student", "researcher", "industry", "staff", "admin")

# --- lifecycle

MAY_BOOK = {
    "planned": set(),
    "commissioning": {"staff", "admin"},
    "pilot": {"staff", "admin", "researcher"},
    "live": set(ROLES),
    "retiring": set(ROLES),
    "closed": set(),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("state", MAY_BOOK)
def test_who_may_book_in_which_state(state: str, role: str) -> None:
    of_machine = a_machine(steps=steps((state, MON)))
    of_facility = a_machine(facility=a_facility(steps=steps((state, MON))))
    for machine in (of_machine, of_facility):
        assert machine.state_on(MON) == state
        assert role_may_book(machine, role, MON) is (role in MAY_BOOK[state])


def test_without_steps_everything_is_live_and_before_the_first_step_planned() -> None:
    assert a_machine().state_on(MON) == "live"
    machine = a_machine(steps=steps(("live", TUE)))
    assert [machine.state_on(day) for day in (MON, TUE)] == ["planned", "live"]


@pytest.mark.parametrize("stricter", ["closed", "planned", "commissioning", "pilot", "retiring"])
def test_the_stricter_of_facility_and_machine_counts(stricter: str) -> None:
    live = steps(("live", MON))
    assert a_machine(steps=live, facility=a_facility(steps=steps((stricter, MON)))).state_on(MON) == stricter
    assert a_machine(steps=steps((stricter, MON)), facility=a_facility(steps=live)).state_on(MON) == stricter


def test_when_a_machine_opens_to_a_role() -> None:
    plan = steps(("planned", date(2026, 1, 1)), ("commissioning", MON), ("pilot", TUE), ("live", SAT))
    machine = a_machine(steps=plan)
    assert opens_to(machine, "staff", date(2026, 6, 1)) == MON
    assert opens_to(machine, "researcher", date(2026, 6, 1)) == TUE
    assert opens_to(machine, "industry", date(2026, 6, 1)) == SAT
    assert opens_to(machine, "industry", SAT + timedelta(days=9)) == SAT + timedelta(days=9)
    assert opens_to(a_machine(steps=steps(("closed", MON))), "staff", TUE) is None


def test_a_role_may_open_later_by_policy() -> None:
    later = a_policy("industry", opens_on=SAT)
    machine = a_machine(steps=steps(("live", MON)), policies=(a_policy(), later))
    assert role_may_book(machine, "student", MON)
    assert not role_may_book(machine, "industry", SAT - timedelta(days=1))
    assert role_may_book(machine, "industry", SAT)
    assert opens_to(machine, "industry", MON) == SAT


def test_the_opening_moment_is_local_midnight_and_never_before_now() -> None:
    machine = a_machine(steps=steps(("planned", date(2026, 1, 1)), ("live", date(2026, 7, 1))))
    before, after = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 9, 13, tzinfo=UTC)
    assert opening_moment(machine, "student", before) == datetime(2026, 6, 30, 23, tzinfo=UTC)
    assert opening_moment(machine, "student", after) == after
    assert opening_moment(a_machine(steps=steps(("closed", MON))), "student", after + timedelta(999)) is None


# --- hours


@pytest.mark.parametrize(
    ("role", "hours"),
    [
        ("student", (8.5, 17.5)),
        ("industry", (8.5, 17.5)),
        ("researcher", (7, 19)),
        ("staff", (7, 19)),
        ("admin", (7, 19)),
    ],
)
@pytest.mark.parametrize("running", ["attended", "ends"])
def test_a_days_hours_by_role(role: str, hours: tuple[float, float], running: str) -> None:
    week = Period(local(MON, 0), local(MON + timedelta(days=7), 0))
    found = open_periods(a_machine(running), role, week)
    assert found == [span(MON + timedelta(days=n), *hours) for n in range(5)]


@pytest.mark.parametrize(
    "day", [date(2026, 3, 27), date(2026, 3, 30), date(2026, 10, 23), date(2026, 10, 26)]
)
def test_hours_are_wall_clock_on_both_sides_of_a_change_of_clocks(day: date) -> None:
    (found,) = a_facility().opening(day, hour_kinds("student"))
    assert found == span(day, 8.5, 17.5)
    assert found.length == timedelta(hours=9)


def test_a_free_machine_is_open_round_the_clock_but_not_on_closed_days() -> None:
    machine = a_machine("free", facility=a_facility(closures=(closed(TUE),)))
    week = Period(local(MON, 0), local(MON + timedelta(days=7), 0))
    assert open_periods(machine, "student", week) == [
        span(MON, 0, 0, days=1),
        Period(local(TUE + timedelta(days=1), 0), week.end),
    ]


def test_open_periods_are_clipped_to_the_window() -> None:
    assert open_periods(a_machine(), "student", span(MON, 9, 12)) == [span(MON, 9, 12)]
    assert open_periods(a_machine(), "student", span(MON, 17.5, 23)) == []


def test_nothing_is_open_before_a_machine_is_live() -> None:
    machine = a_machine(steps=steps(("planned", MON), ("live", TUE)))
    both = Period(local(MON, 0), local(TUE, 23))
    assert open_periods(machine, "student", both) == [span(TUE, 8.5, 17.5)]


# --- closures and bank holidays


def test_a_closure_covers_its_first_and_its_last_day() -> None:
    machine = a_machine(facility=a_facility(closures=(closed(MON, TUE),)))
    days = [MON - timedelta(days=1), MON, TUE, TUE + timedelta(days=1)]
    assert [bool(machine.closed_on(day)) for day in days] == [False, True, True, False]


@pytest.mark.parametrize(
    ("of", "concerned"),
    [
        ({}, True),
        ({"room_id": 1}, True),
        ({"room_id": 2}, False),
        ({"resource_id": 1}, True),
        ({"resource_id": 2}, False),
    ],
)
def test_a_closure_of_a_room_or_machine_concerns_only_that(of: dict[str, int], concerned: bool) -> None:
    machine = a_machine(facility=a_facility(closures=(closed(MON, **of),)))
    assert bool(machine.closed_on(MON)) is concerned


def test_a_closure_of_a_room_does_not_concern_a_machine_without_room() -> None:
    machine = a_machine(room=None, facility=a_facility(closures=(closed(MON, room_id=1),)))
    assert machine.closed_on(MON) is None


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 12, 25), "Christmas Day"),
        (date(2026, 12, 28), "Boxing Day"),  # the 26th is a Saturday
        (date(2027, 1, 1), "New Year's Day"),
        (date(2027, 3, 26), "Good Friday"),
        (date(2027, 3, 29), "Easter Monday"),
        (date(2026, 11, 30), ""),  # St Andrew's Day is Scotland's
    ],
)
def test_bank_holidays_of_england(day: date, name: str) -> None:
    assert name in holiday_name("GB-ENG", day)
    assert bool(holiday_name("GB-ENG", day)) is bool(name)
    assert bool(a_machine().closed_on(day)) is bool(name)
    assert a_machine(facility=a_facility(holidays="")).closed_on(day) is None


def test_scotland_has_its_own_holidays() -> None:
    assert holiday_name("GB-SCT", date(2026, 11, 30))


# --- policies


def a_rule(kind: str | None, resource_id: int | None, role: str | None, minutes: int) -> PolicyPlace:
    return PolicyPlace(
        1, f"{kind} {resource_id} {role}", "staff", kind, resource_id, role, {"min_minutes": minutes}
    )


GENERAL_TO_SPECIFIC = [
    a_rule(None, None, None, 1),
    a_rule(None, None, "student", 2),
    a_rule("workstation", None, None, 3),
    a_rule("workstation", None, "student", 4),
    a_rule(None, 1, None, 5),
    a_rule(None, 1, "student", 6),
]


@pytest.mark.parametrize("count", range(1, 7))
@pytest.mark.parametrize("backwards", [False, True])
def test_the_most_specific_policy_wins(count: int, backwards: bool) -> None:
    known = GENERAL_TO_SPECIFIC[:count]
    machine = a_machine(policies=tuple(reversed(known) if backwards else known))
    rule = machine.effective("student")["min_minutes"]
    assert (rule.value, rule.policy, rule.set_by) == (count, known[-1].name, "staff")


def test_a_policy_for_another_role_kind_or_machine_does_not_speak() -> None:
    others = (
        a_rule(None, None, "industry", 7),
        a_rule("incubator", None, None, 8),
        a_rule(None, 2, None, 9),
    )
    rule = a_machine(policies=others).effective("student")["min_minutes"]
    assert (rule.value, rule.set_by) == (15, "the product")


def test_values_come_from_different_policies() -> None:
    general = PolicyPlace(1, "House rules", "Ada", None, None, None, {"min_minutes": 60, "horizon_days": 7})
    special = PolicyPlace(2, "Cabinet rules", "Simon", None, 1, None, {"min_minutes": 30})
    rules = a_machine(policies=(general, special)).effective("student")
    assert (rules["min_minutes"].value, rules["min_minutes"].policy) == (30, "Cabinet rules")
    assert (rules["horizon_days"].value, rules["horizon_days"].policy) == (7, "House rules")


def test_a_rule_says_why_it_applies() -> None:
    machine = a_machine(policies=(a_rule(None, 1, "student", 6),))
    assert machine.effective("student")["min_minutes"].because == "it is set for H-BSC1, and you are student"


def test_a_machine_without_room_has_its_facilitys_hours() -> None:
    assert open_periods(a_machine(room=None), "student", span(MON, 0, 23)) == [span(MON, 8.5, 17.5)]
