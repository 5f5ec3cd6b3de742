"""Every rule of booking, kept and broken, at its edge."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.base.errors import TAKEN_CODES, Refusal, Refused, SlotTaken, refuse
from booking.base.period import Period
from booking.bookings.request import Facts, Want
from booking.bookings.rules import RULES, check, choose, clashes
from booking.facilities.places import ResourcePlace
from booking.schedule.free import PeopleThere
from tests.unit.machines import (
    DAY,
    HOUR,
    NOW,
    WEEK,
    a_facility,
    a_machine,
    a_policy,
    a_room,
    closed,
    facts,
    held,
    local,
    span,
    steps,
)

MON, TUE, WED, THU, FRI, SAT = (date(2026, 11, 23) + timedelta(days=n) for n in range(6))
TEN = span(TUE, 10, 11)
ROLES = ("student", "researcher", "industry", "staff", "admin")


def codes(period: Period, machine: ResourcePlace, role: str = "researcher", **more: Any) -> list[str]:
    """Return the codes of all refusals of one booking of one machine."""
    return [refusal.code for refusal in check(period, facts(machine, role, **more))]


def only(period: Period, machine: ResourcePlace, role: str = "researcher", **more: Any) -> Refusal:
    """Return the one refusal that there is."""
    (refusal,) = check(period, facts(machine, role, **more))
    return refusal


def moved(period: Period, before: Period, machine: ResourcePlace, **more: Any) -> list[str]:
    """Return the refusals of a change from one time to another on the same machine."""
    return codes(period, machine, before=before, before_resources=frozenset({machine.id}), **more)


def test_a_plain_booking_is_accepted() -> None:
    assert all(codes(TEN, a_machine(), role) == [] for role in ROLES)


# --- who may book


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("allowed", [(), ("student",), ("researcher", "industry")])
def test_role_must_be_allowed(role: str, allowed: tuple[str, ...]) -> None:
    refused = role not in (*allowed, "staff", "admin")
    assert codes(TEN, a_machine(policy={"roles": allowed}), role) == ["not_allowed"] * refused


def test_a_role_that_is_not_allowed_is_told_who_is() -> None:
    refusal = only(TEN, a_machine(policy={"roles": ("student", "researcher")}), "industry")
    assert "researchers and students" in refusal.message
    assert (refusal.resource, refusal.set_by) == ("H-BSC1", "Simon Staff")


# --- lifecycle: state × role

IN_STATE = {
    "planned": dict.fromkeys(ROLES, "not_open_yet"),
    "commissioning": dict.fromkeys(ROLES, "not_open_yet") | {"staff": "", "admin": ""},
    "pilot": {
        "student": "not_open_yet",
        "industry": "not_open_yet",
        "researcher": "",
        "staff": "",
        "admin": "",
    },
    "live": dict.fromkeys(ROLES, ""),
    "retiring": dict.fromkeys(ROLES, ""),
    "closed": dict.fromkeys(ROLES, "retired"),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("state", IN_STATE)
def test_resource_must_be_in_use(state: str, role: str) -> None:
    expected = [IN_STATE[state][role]] if IN_STATE[state][role] else []
    plan = steps((state, date(2026, 1, 1)))
    assert codes(TEN, a_machine(steps=plan), role) == expected
    assert codes(TEN, a_machine(facility=a_facility(steps=plan)), role) == expected


def test_what_is_not_open_yet_says_when_it_opens_to_the_role() -> None:
    plan = steps(("planned", MON), ("pilot", WED), ("live", FRI))
    machine = a_machine(steps=plan)
    assert only(TEN, machine, "researcher").ok_from == local(WED, 0)
    assert only(TEN, machine, "student").ok_from == local(FRI, 0)
    assert only(span(WED, 10, 11), machine, "student").ok_from == local(FRI, 0)
    assert codes(span(WED, 10, 11), machine, "researcher") == []
    assert codes(span(FRI, 10, 11), machine, "student") == []


def test_what_never_opens_says_no_date() -> None:
    assert only(TEN, a_machine(steps=steps(("planned", MON)))).ok_from is None


def test_industry_may_be_let_in_later() -> None:
    machine = a_machine(steps=steps(("live", MON)), policies=(a_policy("industry", opens_on=FRI),))
    assert codes(TEN, machine, "student") == []
    refusal = only(TEN, machine, "industry")
    assert (refusal.code, refusal.ok_from) == ("not_open_yet", local(FRI, 0))
    assert codes(span(FRI, 10, 11), machine, "industry") == []


def test_a_booking_ends_before_the_closing_day() -> None:
    machine = a_machine("free", steps=steps(("live", MON), ("retiring", TUE), ("closed", FRI)))
    assert codes(span(THU, 20, 0, days=1), machine) == []
    assert codes(span(THU, 20, 0.5, days=1), machine) == ["retired"]
    assert codes(span(FRI, 10, 11), machine, "admin") == ["retired"]


def test_a_booking_does_not_run_into_days_on_which_the_role_is_not_admitted() -> None:
    machine = a_machine("free", steps=steps(("live", MON), ("commissioning", WED), ("live", THU)))
    assert codes(span(TUE, 20, 0, days=1), machine, "student") == []
    assert codes(span(TUE, 20, 1, days=1), machine, "student") == ["not_open_yet"]
    assert codes(span(TUE, 20, 4, days=2), machine, "student") == ["not_open_yet"]
    assert codes(span(TUE, 20, 4, days=2), machine, "staff") == []


# --- past, notice, horizon


def at(moment: datetime, hours: float = 1) -> Period:
    return Period(moment, moment + timedelta(hours=hours))


def test_must_not_start_in_the_past() -> None:
    machine = a_machine("free")
    this_minute = NOW.replace(second=0)
    assert codes(at(this_minute), machine) == []
    assert codes(at(this_minute - timedelta(minutes=15)), machine) == ["in_past"]
    assert only(at(this_minute - timedelta(minutes=15)), machine).ok_from == NOW


def test_a_running_booking_keeps_its_start_and_may_end_later_but_not_in_the_past() -> None:
    machine = a_machine("free")
    before = at(NOW.replace(second=0) - timedelta(hours=3), hours=5)
    assert moved(Period(before.start, before.end + timedelta(hours=1)), before, machine) == []
    assert moved(Period(before.start, NOW.replace(second=0) - timedelta(hours=1)), before, machine) == [
        "in_past"
    ]
    assert moved(before, before, machine) == []
    assert moved(at(before.start - timedelta(hours=1)), before, machine) == ["in_past"]


def test_start_must_keep_the_notice() -> None:
    machine = a_machine("free", policy={"notice_minutes": DAY, "grid_minutes": 1})
    on_time = NOW + timedelta(minutes=DAY)
    assert codes(at(on_time.replace(second=0) + timedelta(minutes=1)), machine) == []
    refusal = only(at(on_time.replace(second=0)), machine)
    assert (refusal.code, refusal.ok_from) == ("notice", on_time)
    assert "1 day of notice" in refusal.message


def test_the_exact_moment_of_the_notice_is_early_enough() -> None:
    now = NOW.replace(second=0)
    machine = a_machine("free", policy={"notice_minutes": DAY})
    assert codes(at(now + timedelta(minutes=DAY)), machine, now=now) == []


def test_notice_does_not_bind_a_booking_that_keeps_its_start() -> None:
    machine = a_machine("free", policy={"notice_minutes": DAY})
    before = at(NOW.replace(second=0) + timedelta(hours=1))
    assert moved(Period(before.start, before.end + timedelta(hours=1)), before, machine) == []
    assert moved(at(before.start + timedelta(hours=1)), before, machine) == ["notice"]


def test_what_lies_in_the_past_is_not_also_told_of_notice() -> None:
    machine = a_machine("free", policy={"notice_minutes": DAY})
    assert codes(at(NOW.replace(second=0) - timedelta(hours=2)), machine) == ["in_past"]


def test_start_must_be_within_the_horizon() -> None:
    machine = a_machine("free", policy={"horizon_days": 14})
    last_day = MON + timedelta(days=14)
    assert codes(span(last_day, 23, 0, days=1), machine) == []
    assert codes(span(last_day + timedelta(days=1), 0, 1), machine) == ["horizon"]


def test_the_horizon_names_its_last_day() -> None:
    machine = a_machine("free", policy={"horizon_days": 14})
    assert (
        "2 weeks ahead, up to Mon 7 Dec 2026" in only(span(MON + timedelta(days=15), 0, 1), machine).message
    )


def test_the_horizon_counts_from_the_day_on_which_the_machine_opens_to_the_role() -> None:
    opening = MON + timedelta(days=100)
    plan = steps(("planned", date(2026, 1, 1)), ("pilot", opening), ("live", opening + timedelta(days=7)))
    machine = a_machine("free", steps=plan, policy={"horizon_days": 14})
    for role, first in (("researcher", opening), ("student", opening + timedelta(days=7))):
        assert codes(span(first + timedelta(days=14), 10, 11), machine, role) == []
        assert codes(span(first + timedelta(days=15), 10, 11), machine, role) == ["horizon"]


def test_the_horizon_counts_from_the_later_opening_of_a_role() -> None:
    opens = MON + timedelta(days=100)
    policies = (a_policy(horizon_days=14), a_policy("industry", opens_on=opens))
    machine = a_machine("free", steps=steps(("live", MON)), policies=policies)
    assert codes(span(opens + timedelta(days=14), 10, 11), machine, "industry") == []
    assert codes(span(opens + timedelta(days=15), 10, 11), machine, "industry") == ["horizon"]


# --- length


@pytest.mark.parametrize(
    ("minutes", "expected"), [(45, ["too_short"]), (60, []), (240, []), (255, ["too_long"])]
)
def test_length_must_fit(minutes: int, expected: list[str]) -> None:
    machine = a_machine(policy={"min_minutes": 60, "max_minutes": 240})
    assert codes(at(local(TUE, 10), minutes / 60), machine) == expected


def test_a_length_is_named_in_the_largest_unit_that_fits() -> None:
    short = only(at(local(TUE, 10), 0.25), a_machine(policy={"min_minutes": 90}))
    assert "1 h 30 min or longer" in short.message
    long = only(at(local(TUE, 10), 24), a_machine("free", policy={"max_minutes": 60}))
    assert "1 h at most" in long.message


def test_an_unchanged_length_is_not_judged_anew() -> None:
    machine = a_machine(policy={"min_minutes": 120})
    assert moved(TEN, TEN, machine) == []
    assert moved(at(TEN.start + timedelta(hours=1)), TEN, machine) == ["too_short"]


@pytest.mark.parametrize("day", [date(2027, 3, 27), date(2027, 10, 30)])
def test_a_day_of_the_wall_clock_is_a_day_however_long_it_is(day: date) -> None:
    """From Saturday to Sunday over a change of clocks: 23 or 25 hours."""
    machine = a_machine("free", policy={"min_minutes": DAY, "max_minutes": DAY, "grid_minutes": DAY})
    machine = replace(machine, facility=a_facility(holidays=""))
    over = span(day, 10, 10, days=1)
    assert over.length != timedelta(days=1)
    assert codes(over, machine, now=local(day, 0) - timedelta(days=2)) == []


@pytest.mark.parametrize(("day", "fits"), [(date(2027, 3, 27), True), (date(2027, 10, 30), False)])
def test_hours_are_elapsed_time(day: date, fits: bool) -> None:
    machine = a_machine("free", policy={"max_minutes": DAY, "grid_minutes": HOUR})
    refused = codes(span(day, 10, 10, days=1), machine, now=local(day, 0) - timedelta(days=2))
    assert refused == ([] if fits else ["too_long"])


def test_no_hold_is_longer_than_the_schedule_looks_back() -> None:
    """35 days is the most a machine is held with set-up and changeover: the database allows no more."""
    machine = a_machine("free", policy={"max_minutes": 90 * DAY, "grid_minutes": DAY, "setup_minutes": 60})
    machine = replace(machine, facility=a_facility(holidays=""))
    assert codes(span(TUE, 10, 10, days=34), machine) == []
    assert codes(span(TUE, 10, 10, days=35), machine) == ["too_long"]
    assert codes(span(TUE, 10, 10, days=35), replace(machine, long_stay=True)) == []


# --- grid


@pytest.mark.parametrize(
    ("role", "start", "end", "fits"),
    [
        ("student", 8.5, 9.5, True),
        ("student", 9, 10, False),
        ("student", 9.5, 10.5, True),
        ("student", 9.5, 11, False),
        ("researcher", 7, 8, True),
        ("researcher", 8, 9, True),
        ("researcher", 8.5, 9.5, True),
        ("researcher", 7.25, 8.25, False),
    ],
)
def test_the_grid_counts_from_the_days_opening(role: str, start: float, end: float, fits: bool) -> None:
    machine = a_machine(policy={"grid_minutes": 60})
    assert codes(span(TUE, start, end), machine, role) == ([] if fits else ["off_grid"])


@pytest.mark.parametrize("seconds", [1, 0.5])
def test_seconds_are_off_the_grid(seconds: float) -> None:
    shift = timedelta(seconds=seconds)
    assert codes(Period(TEN.start + shift, TEN.end + shift), a_machine()) == ["off_grid"]
    day = Period(TEN.start + shift, TEN.end + shift + timedelta(hours=23))
    assert codes(day, a_machine("free", policy={"grid_minutes": DAY})) == ["off_grid"]


@pytest.mark.parametrize(("start", "fits"), [(0, True), (4, True), (2, False), (9.5, False)])
def test_the_grid_of_a_free_machine_counts_from_midnight(start: float, fits: bool) -> None:
    machine = a_machine("free", policy={"grid_minutes": 4 * HOUR})
    assert codes(at(local(TUE, start), 4), machine) == ([] if fits else ["off_grid"])


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2027, 10, 31)])
def test_the_grid_is_local_on_the_days_of_a_change_of_clocks(day: date) -> None:
    machine = a_machine("free", policy={"grid_minutes": 2 * HOUR})
    early = local(day, 0) - timedelta(days=2)
    assert codes(span(day, 6, 8), machine, now=early) == []
    assert codes(span(day, 7, 9), machine, now=early) == ["off_grid"]


@pytest.mark.parametrize(
    ("start", "end", "days", "fits"),
    [
        (10, 10, 1, True),
        (10.5, 10.5, 3, True),
        (10.25, 10.25, 1, False),
        (10, 10.5, 1, False),
        (10, 12, 0, False),
    ],
)
def test_a_grid_of_days_takes_whole_days_from_any_half_hour(
    start: float, end: float, days: int, fits: bool
) -> None:
    machine = a_machine("ends", policy={"grid_minutes": DAY})
    assert codes(span(TUE, start, end, days), machine) == ([] if fits else ["off_grid"])


@pytest.mark.parametrize("day", [date(2027, 3, 26), date(2027, 10, 29)])
def test_a_grid_of_days_keeps_the_wall_clock_over_a_change_of_clocks(day: date) -> None:
    machine = a_machine("ends", facility=a_facility(holidays=""), policy={"grid_minutes": DAY})
    now = local(day, 0) - timedelta(days=2)
    assert codes(span(day, 10, 10, days=3), machine, now=now) == []
    elapsed = Period(local(day, 10), local(day, 10) + timedelta(days=3))
    assert codes(elapsed, machine, now=now) == ["off_grid"]


def test_an_end_may_be_moved_on_the_grid_from_a_start_that_was_off_it() -> None:
    machine = a_machine(policy={"grid_minutes": 30})
    before = span(TUE, 10.25, 11)
    assert moved(before, before, machine) == []
    assert moved(span(TUE, 10.25, 11.5), before, machine) == []
    assert moved(span(TUE, 10.25, 11.25), before, machine) == ["off_grid"]
    assert moved(span(TUE, 10.75, 11.5), before, machine) == ["off_grid"]


# --- opening hours and closures


@pytest.mark.parametrize(
    ("role", "start", "end", "fits"),
    [
        ("student", 8.5, 17.5, True),
        ("student", 8.25, 9.25, False),
        ("student", 16.5, 17.75, False),
        ("researcher", 7, 19, True),
        ("researcher", 18, 19.25, False),
    ],
)
def test_an_attended_booking_is_inside_the_hours_of_a_day(
    role: str, start: float, end: float, fits: bool
) -> None:
    assert codes(span(TUE, start, end), a_machine(), role) == ([] if fits else ["outside_hours"])


def test_an_attended_booking_is_not_overnight() -> None:
    machine = a_machine()
    assert codes(span(TUE, 16, 10, days=1), machine) == ["outside_hours"]
    assert "07:00–19:00 on Tuesdays" in only(span(TUE, 16, 10, days=1), machine).message


def test_there_are_no_hours_at_the_weekend() -> None:
    refusal = only(span(SAT, 10, 11), a_machine())
    assert (refusal.code, refusal.message.endswith("There are none on Saturdays.")) == ("outside_hours", True)
    assert codes(span(SAT, 10, 11), a_machine("free")) == []


@pytest.mark.parametrize(
    ("start", "end", "days", "fits"),
    [
        (8.5, 17.5, 0, True),
        (17.25, 8.75, 1, True),
        (16, 10, 6, True),  # over the weekend
        (17.5, 10, 1, False),  # starts as they close
        (16, 8.5, 1, False),  # ends as they open
        (16, 10, 4, False),  # ends on Saturday
        (8, 10, 1, False),
    ],
)
def test_start_and_end_of_an_unattended_run_are_inside_hours(
    start: float, end: float, days: int, fits: bool
) -> None:
    found = codes(span(TUE, start, end, days), a_machine("ends"), "student")
    assert found == ([] if fits else ["outside_hours"])


def test_a_free_machine_runs_at_night() -> None:
    assert codes(span(SAT, 2, 3), a_machine("free"), "student") == []


@pytest.mark.parametrize(
    ("running", "period", "refused"),
    [
        ("attended", span(WED, 10, 11), True),
        ("attended", span(TUE, 10, 11), False),
        ("ends", span(TUE, 16, 10, days=2), False),  # closed only in between
        ("ends", span(TUE, 16, 10, days=1), True),
        ("ends", span(WED, 10, 11), True),
        ("free", span(WED, 10, 10, days=1), True),
        ("free", span(TUE, 20, 0, days=1), False),  # ends as the closed day begins
        ("free", span(TUE, 10, 10, days=2), False),
    ],
)
def test_nothing_starts_or_ends_on_a_closed_day(running: str, period: Period, refused: bool) -> None:
    machine = a_machine(running, facility=a_facility(closures=(closed(WED),)))
    assert codes(period, machine) == ["closed"] * refused


def test_a_closure_is_named_with_its_day() -> None:
    of_house = a_machine(facility=a_facility(closures=(closed(WED),)))
    assert "HUB is closed on Wed 25 Nov 2026: Deep clean" in only(span(WED, 10, 11), of_house).message
    of_machine = a_machine(facility=a_facility(closures=(closed(WED, resource_id=1),)))
    assert "H-BSC1 is closed on Wed 25 Nov 2026" in only(span(WED, 10, 11), of_machine).message


def test_a_bank_holiday_is_a_closed_day() -> None:
    christmas = span(date(2026, 12, 25), 10, 11)
    refusal = only(christmas, a_machine())
    assert (refusal.code, "Christmas Day" in refusal.message) == ("closed", True)
    assert codes(christmas, a_machine(facility=a_facility(holidays=""))) == []


def test_an_unchanged_time_stays_when_the_hours_change() -> None:
    machine = a_machine(facility=a_facility(closures=(closed(TUE),)))
    assert moved(TEN, TEN, machine) == []
    assert moved(span(TUE, 11, 12), TEN, machine) == ["closed"]
    assert codes(TEN, machine, before=TEN, before_resources=frozenset({2})) == ["closed"]


def test_a_running_unattended_booking_may_be_extended_after_its_first_day_closed() -> None:
    machine = a_machine("ends", facility=a_facility(closures=(closed(MON),)))
    before = Period(local(MON, 8.5), local(TUE, 10))
    assert moved(Period(before.start, local(TUE, 11)), before, machine) == []


# --- what others hold


def test_units_must_be_free() -> None:
    machine = a_machine()
    taken = {1: [held(local(TUE, 10.5), local(TUE, 12))]}
    assert codes(TEN, machine, taken=taken) == ["slot_taken"]
    assert codes(span(TUE, 12, 13), machine, taken=taken) == []
    assert codes(span(TUE, 9.5, 10.5), machine, taken=taken) == []


def test_set_up_and_changeover_are_in_the_way_too_and_are_named_to_those_who_may_know() -> None:
    machine = a_machine(policy={"setup_minutes": 15, "changeover_minutes": 15})
    next_to = {1: [held(local(TUE, 9), local(TUE, 10), minutes=(15, 15))]}
    assert only(TEN, machine, taken=next_to).code == "changeover"
    assert codes(span(TUE, 10.5, 11.5), machine, taken=next_to) == []
    message = only(TEN, machine, taken=next_to).message
    assert "Tue 24 Nov 2026, 09:45" in message


def test_whoever_may_not_know_whose_it_is_is_not_told_of_changeover() -> None:
    machine = a_machine(policy={"setup_minutes": 15})
    unseen = {1: [held(local(TUE, 9), local(TUE, 10), seen=False)]}
    assert codes(TEN, machine, taken=unseen) == ["slot_taken"]
    mixed = {
        1: [held(local(TUE, 9), local(TUE, 10)), held(local(TUE, 11), local(TUE, 12), seen=False, unit_id=2)]
    }
    two = a_machine(units=2, policy={"setup_minutes": 15, "changeover_minutes": 15})
    assert codes(TEN, two, taken=mixed, wants=(Want(two, 2),)) == ["slot_taken"]


def test_an_outage_is_slot_taken_and_never_changeover() -> None:
    machine = a_machine(policy={"setup_minutes": 15})
    outage = {1: [held(local(TUE, 9), local(TUE, 10), client=None, kind="outage", used=None, seen=False)]}
    assert codes(TEN, machine, taken=outage) == ["slot_taken"]


@pytest.mark.parametrize(
    ("client", "start", "refused"),
    [("host", 12, False), ("organisation:2", 12, True), ("organisation:2", 13, False), (None, 12, False)],
)
def test_another_clients_work_is_cleared_first(client: str | None, start: float, refused: bool) -> None:
    machine = a_machine(policy={"clearance_minutes": 60})
    taken = {1: [held(local(TUE, 10), local(TUE, 12), client=client, minutes=(0, 60))]}
    assert bool(codes(at(local(TUE, start)), machine, taken=taken)) is refused


def test_the_lowest_free_units_are_chosen_and_named_ones_are_insisted_on() -> None:
    machine = a_machine(units=3)
    taken = {1: [held(TEN.start, TEN.end, unit_id=1)]}
    both = facts(machine, units=2, taken=taken)
    assert check(TEN, both) == []
    assert choose(TEN, both) == [(both.wants[0], [2, 3])]
    assert codes(TEN, machine, units=3, taken=taken) == ["slot_taken"]
    assert codes(TEN, machine, taken=taken, wants=(Want(machine, 1, (1,)),)) == ["slot_taken"]
    assert codes(TEN, machine, taken=taken, wants=(Want(machine, 1, (3,)),)) == []


def test_clashes_is_the_quick_answer_to_the_same_question() -> None:
    taken = {1: [held(TEN.start, TEN.end)]}
    assert clashes(TEN, facts(a_machine(), taken=taken))
    assert not clashes(TEN, facts(a_machine()))
    assert clashes(TEN, facts(a_machine(), people=4))


# --- the room


def brought(people: int, start: float, end: float) -> PeopleThere:
    return PeopleThere(1, span(TUE, start, end), people)


@pytest.mark.parametrize(("people", "refused"), [(0, False), (1, False), (2, False), (3, True)])
def test_rooms_must_have_space(people: int, refused: bool) -> None:
    there = [brought(1, 9, 12)]
    found = codes(TEN, a_machine(room=a_room(3)), people=people, there=there)
    assert found == ["room_full"] * refused


def test_the_room_says_how_many_it_takes_and_not_how_many_are_there() -> None:
    there = [brought(1, 9, 10.5), brought(2, 10.25, 10.75)]
    refusal = only(TEN, a_machine(room=a_room(3)), people=1, there=there)
    assert "takes 3 people; yours would be too many then" in refusal.message


def test_people_who_leave_as_others_come_do_not_meet() -> None:
    there = [brought(3, 9, 10), brought(3, 11, 12)]
    assert codes(TEN, a_machine(room=a_room(3)), people=3, there=there) == []


def test_in_unattended_running_people_are_there_first_and_last() -> None:
    machine = a_machine("ends", room=a_room(3))
    night = span(TUE, 10, 10, days=1)
    assert codes(night, machine, people=2, there=[brought(3, 12, 16)]) == []
    assert codes(night, machine, people=2, there=[brought(2, 10.25, 11)]) == ["room_full"]


def test_a_room_is_counted_once_for_two_of_its_machines() -> None:
    one, two = a_machine(room=a_room(2)), a_machine(id=2, code="H-BSC2", room=a_room(2))
    wanted = Facts(NOW, "researcher", "host", (Want(one, 1), Want(two, 1)), people=2)
    assert check(TEN, wanted) == []
    assert [refusal.code for refusal in check(TEN, replace(wanted, people=3))] == ["room_full"]


def test_where_there_is_no_room_nobody_is_counted() -> None:
    assert codes(TEN, a_machine(room=None), people=500) == []


# --- all at once


def test_all_reasons_are_told_at_once() -> None:
    machine = a_machine(
        policy={"roles": ("student",), "min_minutes": 120, "horizon_days": 1, "grid_minutes": 60}
    )
    taken = {1: [held(local(SAT, 9), local(SAT, 12))]}
    found = codes(at(local(SAT, 10.25)), machine, "industry", taken=taken, people=4)
    assert sorted(found) == sorted(
        ["not_allowed", "horizon", "too_short", "off_grid", "outside_hours", "slot_taken", "room_full"]
    )


def test_every_machine_of_a_booking_is_judged() -> None:
    one, two = a_machine(), a_machine(id=2, code="H-BSC2")
    two = replace(two, policies=(replace(a_policy(min_minutes=120), resource_id=2),))
    both = Facts(NOW, "researcher", "host", (Want(one, 1), Want(two, 1)), people=1)
    assert [(r.code, r.resource) for r in check(TEN, both)] == [("too_short", "H-BSC2")]


def test_every_refusal_says_what_would_help_and_who_says_so() -> None:
    machine = a_machine(policy={"roles": (), "min_minutes": 120, "grid_minutes": 60, "notice_minutes": WEEK})
    refusals = check(at(local(TUE, 4.25)), facts(machine, "industry", people=9))
    assert len(refusals) == 6
    assert all(r.message and r.fix and r.rule and r.set_by and r.resource for r in refusals)


def a_refusal(code: str) -> Refusal:
    return Refusal(code, code)


@given(st.lists(st.sampled_from([*sorted(TAKEN_CODES), "too_long", "closed"]), min_size=1, max_size=4))
def test_only_what_others_hold_makes_a_conflict(found: list[str]) -> None:
    error = refuse([a_refusal(code) for code in found])
    assert isinstance(error, SlotTaken) is set(found).issubset(TAKEN_CODES)
    assert error.status == (409 if set(found) <= TAKEN_CODES else 422)
    assert error.code == (found[0] if len(set(found)) == 1 else "refused")
    assert isinstance(error, Refused)


@given(
    day=st.dates(date(2026, 11, 23), date(2027, 12, 31)),
    start=st.integers(0, 47),
    length=st.integers(1, 96),
    running=st.sampled_from(["attended", "ends", "free"]),
    role=st.sampled_from(ROLES),
)
def test_what_is_accepted_is_open(day: date, start: int, length: int, running: str, role: str) -> None:
    """Whatever the rules accept starts and ends when the machine is open to the role."""
    from booking.facilities.places import open_periods

    machine = a_machine(running, policy={"grid_minutes": 30, "horizon_days": 900})
    period = at(local(day, start / 2), length / 2)
    if check(period, facts(machine, role)):
        return
    reach = Period(period.start - timedelta(days=1), period.end + timedelta(days=1))
    opened = open_periods(machine, role, reach)
    assert any(o.start <= period.start < o.end for o in opened)
    assert any(o.start < period.end <= o.end for o in opened)
    if running == "attended":
        assert any(o.contains(period) for o in opened)


def test_the_rules_are_sentences() -> None:
    names = [rule.__name__ for rule in RULES]
    assert all("must" in name or name.endswith("_must_fit") for name in names)
    assert len(set(names)) == len(names)


def test_utc_is_not_local_time() -> None:
    """08:30 in July in London is 07:30 in UTC."""
    july = datetime(2027, 7, 6, 7, 30, tzinfo=UTC)
    machine = a_machine(policy={"horizon_days": 365})
    assert codes(at(july), machine, "student") == []
    assert codes(at(july - timedelta(minutes=15)), machine, "student") == ["outside_hours"]
