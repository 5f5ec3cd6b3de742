"""Explaining a booking: every rule is there, and what fails is exactly what the check refuses."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.base.period import Period
from booking.bookings import rules
from booking.bookings.explaining import Explained, explained
from booking.bookings.measuring import Case
from booking.bookings.request import Facts, Want
from booking.bookings.rules import RULES, WHOLE_RULES, check
from booking.facilities.places import CertificatePlace
from booking.schedule.free import PeopleThere
from booking.training.standing import (
    Held,
    HeldPermit,
    Holdings,
    ModuleAsked,
    PermitAsked,
    Requirements,
    Standing,
)
from tests.unit.machines import DAY, HOUR, NOW, a_machine, a_room, closed, facts, held, span, steps

TUE = date(2026, 11, 24)
MODULE = ModuleAsked(7, "T-1", "Cabinet", "competent", 12, 0, "Tessa")
PERMIT = PermitAsked(3, "Risk assessment", "Quinn", 1, None, 1, None, None, "always")
ASKED = Requirements(modules={1: (MODULE,)}, permits=(PERMIT,))


def rows(period: Period, known: Facts, sees_all: bool = True) -> list[Explained]:
    return list(explained(Case(period, known, sees_all)))


def row(period: Period, known: Facts, rule: Any, sees_all: bool = True) -> Explained:
    """Return the one line about a rule."""
    name = rule.__name__.replace("_", " ").capitalize()
    (found,) = [one for one in rows(period, known, sees_all) if one.name == name]
    return found


# --- it never says anything else than the check


def standings() -> st.SearchStrategy[Standing]:
    """Return people with and without the module and the permit, with and without an end."""
    days = st.none() | st.dates(TUE - timedelta(days=3), TUE + timedelta(days=9))
    levels = st.sampled_from(("trainee", "competent", "trainer"))
    mine = st.none() | st.builds(Held, levels, days, st.just(TUE - timedelta(days=30)))
    ends = st.none() | st.dates(TUE - timedelta(days=3), TUE + timedelta(days=9))
    return st.builds(_standing, mine, ends, st.booleans())


def _standing(mine: Held | None, permit_ends: date | None, asks: bool) -> Standing:
    first = TUE - timedelta(days=60)
    permits = (
        (HeldPermit(PERMIT.kind, "RA-1", None, None, None, frozenset(), first, permit_ends),)
        if permit_ends
        else ()
    )
    holdings = Holdings({5: {7: mine}} if mine else {}, permits)
    return Standing(ASKED if asks else Requirements(), holdings, organiser_id=5)


MACHINES = st.builds(
    a_machine,
    running=st.sampled_from(("attended", "ends", "free")),
    units=st.integers(1, 3),
    policy=st.fixed_dictionaries(
        {},
        optional={
            "roles": st.sampled_from(((), ("student",), ("researcher", "student"))),
            "min_minutes": st.sampled_from((15, HOUR, DAY)),
            "max_minutes": st.sampled_from((2 * HOUR, DAY, 7 * DAY)),
            "grid_minutes": st.sampled_from((15, 30, HOUR, DAY)),
            "notice_minutes": st.sampled_from((0, 30, 2 * DAY)),
            "horizon_days": st.sampled_from((1, 14)),
            "setup_minutes": st.sampled_from((0, 45)),
            "clearance_minutes": st.sampled_from((0, 90)),
        },
    ),
    steps=st.sampled_from(((), steps(("pilot", TUE)), steps(("closed", TUE + timedelta(days=2))))),
    certificates=st.sampled_from(((), (CertificatePlace("Examination", "E-1", TUE, "Quinn"),))),
)
PERIODS = st.builds(
    lambda start, length: Period(NOW + timedelta(minutes=start), NOW + timedelta(minutes=start + length)),
    st.integers(-4, 4 * 24 * 12).map(lambda n: n * 15),
    st.integers(1, 5 * 24).map(lambda n: n * 30),
)
TAKEN = st.lists(
    st.builds(
        lambda start, length, client, seen: held(
            NOW + timedelta(hours=start), NOW + timedelta(hours=start + length), client, (15, 90), seen=seen
        ),
        st.integers(-2, 72),
        st.integers(1, 12),
        st.sampled_from(("host", "organisation:2")),
        st.booleans(),
    ),
    max_size=4,
)
THERE = st.lists(
    st.builds(
        lambda start, n: PeopleThere(1, span(TUE, start, start + 1), n), st.integers(7, 18), st.integers(1, 3)
    ),
    max_size=3,
)


@given(
    MACHINES,
    PERIODS,
    TAKEN,
    THERE,
    standings(),
    st.sampled_from(("student", "researcher", "industry", "staff")),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
def test_what_fails_is_what_the_check_refuses(
    machine: Any,
    period: Period,
    taken: Any,
    there: Any,
    standing: Standing,
    role: str,
    people: int,
    sees_all: bool,
    changes: bool,
) -> None:
    twin = replace(machine, id=2, code="H-BSC2")
    known = Facts(
        NOW,
        role,
        "host",
        (Want(machine, 1), Want(twin, 1)),
        people,
        {1: taken},
        there,
        before=Period(period.start, period.end + timedelta(hours=1)) if changes else None,
        before_resources=frozenset({1}) if changes else frozenset(),
        standing=standing,
    )
    told = rows(period, known, sees_all)
    assert [one.refusal for one in told if not one.passed] == check(period, known)
    shown = {(one.name, one.resource) for one in told}
    for rule in RULES:
        name = rule.__name__.replace("_", " ").capitalize()
        assert {(name, "H-BSC1"), (name, "H-BSC2")} <= shown
    assert {one.name for one in told} >= {w.__name__.replace("_", " ").capitalize() for w in WHOLE_RULES}
    assert all(one.message and one.source[0] and one.source[1] for one in told)


def test_a_new_rule_shows_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def moon_must_be_full(period: Period, known: Facts, want: Want) -> Any:
        yield from ()

    def tide_must_be_low(period: Period, known: Facts) -> Any:
        yield from ()

    monkeypatch.setattr(rules, "RULES", (*RULES, moon_must_be_full))
    monkeypatch.setattr(rules, "WHOLE_RULES", (*WHOLE_RULES, tide_must_be_low))
    told = {one.name: one for one in rows(span(TUE, 10, 11), facts(a_machine()))}
    assert (told["Moon must be full"].passed, told["Moon must be full"].message) == (
        True,
        "Nothing to measure.",
    )
    assert told["Tide must be low"].resource is None


# --- its numbers


def test_notice_and_horizon_are_counted() -> None:
    machine = a_machine(policy={"notice_minutes": DAY, "horizon_days": 14})
    known = facts(machine)
    notice = row(span(TUE, 10, 11), known, rules.start_must_keep_the_notice)
    assert notice.measure.text == "24 h needed, 24 h 59 min given."
    assert notice.measure.numbers == {"needed_minutes": DAY, "given_minutes": DAY + 59}
    assert notice.source == ("Machine rules: notice", "Simon Staff")
    horizon = row(span(TUE, 10, 11), known, rules.start_must_be_within_the_horizon)
    assert horizon.measure.numbers == {"days": 14, "until": "2026-12-07"}
    assert horizon.measure.text == "Up to Mon 7 Dec 2026: 2 weeks ahead."


def test_hours_grid_and_length_are_told() -> None:
    known = facts(a_machine(policy={"grid_minutes": 30, "max_minutes": 4 * HOUR}), "student")
    period = span(TUE, 10, 12)
    hours = row(period, known, rules.must_be_inside_opening_hours).measure
    assert hours.text == "Tue 24 Nov 2026: 08:30–17:30."
    assert hours.numbers == {"running": "attended", "2026-11-24": ["08:30–17:30"]}
    assert row(period, known, rules.times_must_be_on_the_grid).measure.numbers == {"step_minutes": 30}
    length = row(period, known, rules.length_must_fit).measure
    assert length.text == "From 15 min to 4 h; this takes 2 h."


def test_a_closed_day_and_one_without_hours_are_named() -> None:
    machine = a_machine()
    shut = replace(machine, facility=replace(machine.facility, closures=(closed(TUE),)))
    assert (
        "closed, Deep clean"
        in row(span(TUE, 10, 11), facts(shut), rules.must_be_inside_opening_hours).measure.text
    )
    sunday = span(TUE + timedelta(days=5), 10, 11)
    assert "no hours" in row(sunday, facts(machine), rules.must_be_inside_opening_hours).measure.text
    free = row(sunday, facts(a_machine("free")), rules.must_be_inside_opening_hours)
    assert "00:00–24:00" in free.measure.text


def test_training_and_permits_say_through_which_day() -> None:
    standing = _standing(Held("competent", TUE + timedelta(days=5), TUE), TUE, asks=True)
    known = facts(a_machine(), standing=standing)
    trained = row(span(TUE, 10, 11), known, rules.user_must_be_trained)
    assert trained.measure.numbers == {
        "T-1": {"needed": "competent", "held": "competent", "through": "2026-11-29"}
    }
    assert trained.source == ("T-1 Cabinet", "Tessa")
    permit = row(span(TUE, 10, 11), known, rules.permit_must_be_valid)
    assert permit.measure.numbers == {"Risk assessment": {"needed": "always", "through": "2026-11-24"}}
    nothing = facts(a_machine(), standing=_standing(None, None, asks=True))
    assert "not on record" in row(span(TUE, 10, 11), nothing, rules.user_must_be_trained).measure.text
    assert "none on that day" in row(span(TUE, 10, 11), nothing, rules.permit_must_be_valid).measure.text


def test_what_others_hold_is_counted_for_staff_only() -> None:
    taken = {1: [held(span(TUE, 10, 11).start, span(TUE, 10, 12).end, "organisation:2", seen=False)]}
    known = facts(a_machine(units=3), units=2, taken=taken, there=[PeopleThere(1, span(TUE, 9, 12), 2)])
    period = span(TUE, 10, 11)
    units = row(period, known, rules.units_must_be_free)
    assert (units.measure.numbers["free"], units.measure.numbers["units"]) == (2, 3)
    assert "2 free" in units.measure.text
    assert row(period, known, rules.rooms_must_have_space).measure.numbers["H-01"]["others"] == 2
    hidden = row(period, known, rules.units_must_be_free, sees_all=False)
    assert "free" not in hidden.measure.numbers
    assert "free" not in hidden.measure.text
    room = row(period, known, rules.rooms_must_have_space, sees_all=False)
    assert room.measure.numbers == {"H-01": {"most": 3, "yours": 1}}
    assert "would be there" not in room.measure.text


def test_a_booking_outside_every_room_counts_nobody() -> None:
    known = facts(a_machine(room=None))
    assert row(span(TUE, 10, 11), known, rules.rooms_must_have_space).measure.numbers == {}
    nobody = facts(a_machine(room=a_room(0)), people=0)
    assert row(span(TUE, 10, 11), nobody, rules.rooms_must_have_space).passed
