"""Which units are free, how many people are in a room: plain values in, plain values out."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.base.period import Period
from booking.schedule.free import (
    Claim,
    PeopleThere,
    Taken,
    choose_units,
    claim,
    group_by_resource,
    most_people,
    presence_of,
    use_over_time,
)

T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)


def hours(start: float, end: float) -> Period:
    return Period(T0 + timedelta(hours=start), T0 + timedelta(hours=end))


def a_claim(
    start: float, end: float, client: str = "host", minutes: tuple[int, int, int] = (0, 0, 0), units: int = 1
) -> Claim:
    return claim(1, hours(start, end), minutes, client, units)


def as_taken(wanted: Claim, unit: int = 1) -> Taken:
    """Return what a claim becomes once it is booked."""
    return Taken(1, unit, 1, wanted.client, wanted.starts_at, wanted.held_until, wanted.cleared_until)


# --- a claim


def test_a_claim_holds_set_up_and_changeover_and_keeps_others_away_for_clearance() -> None:
    wanted = a_claim(1, 2, minutes=(15, 30, 60))
    assert wanted.used == hours(1, 2)
    assert Period(wanted.starts_at, wanted.held_until) == hours(0.75, 2.5)
    assert wanted.cleared_until == T0 + timedelta(hours=3)


def test_clearance_is_never_shorter_than_changeover() -> None:
    wanted = a_claim(1, 2, minutes=(0, 60, 15))
    assert wanted.cleared_until == wanted.held_until == T0 + timedelta(hours=3)


# --- clashes

CLASHES = [
    # the other's start and end, same client, other client, outage
    ((10, 12), True, True, True),
    ((10.5, 11), True, True, True),
    ((9, 13), True, True, True),
    ((8, 10), False, True, False),  # touches at the start: not cleared in time
    ((8, 9), False, False, False),  # cleared an hour later, as this one starts
    ((8, 9.25), False, True, False),
    ((12, 13), False, True, False),  # this one is not cleared in time
    ((13, 14), False, False, False),
    ((12.75, 14), False, True, False),
]


@pytest.mark.parametrize(("other", "same", "foreign", "outage"), CLASHES)
def test_clashes(other: tuple[float, float], same: bool, foreign: bool, outage: bool) -> None:
    wanted = a_claim(10, 12, minutes=(0, 0, 60))
    theirs = as_taken(a_claim(*other, minutes=(0, 0, 60)))
    assert wanted.clashes_with(theirs) is same
    assert wanted.clashes_with(replace(theirs, client="organisation:2")) is foreign
    assert wanted.clashes_with(replace(theirs, client=None)) is outage


minutes = st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(0, 300))
claims = st.builds(
    lambda start, length, client, around: a_claim(start / 4, (start + length) / 4, client, around),
    st.integers(0, 96),
    st.integers(1, 48),
    st.sampled_from(["host", "organisation:2", "project:7"]),
    minutes,
)


@given(claims, claims)
def test_clashing_is_symmetric(one: Claim, two: Claim) -> None:
    assert one.clashes_with(as_taken(two)) is two.clashes_with(as_taken(one))


@given(claims, claims)
def test_whoever_clashes_as_one_client_clashes_as_two(one: Claim, two: Claim) -> None:
    if replace(one, client="x").clashes_with(replace(as_taken(two), client="x")):
        assert replace(one, client="x").clashes_with(replace(as_taken(two), client="y"))


@given(claims, claims)
def test_use_never_overlaps_without_a_clash(one: Claim, two: Claim) -> None:
    if not one.clashes_with(as_taken(two)):
        assert not one.used.overlaps(two.used)
        assert not Period(one.starts_at, one.held_until).overlaps(Period(two.starts_at, two.held_until))


# --- units


def test_the_lowest_free_units_are_chosen() -> None:
    taken = [as_taken(a_claim(0, 1), unit) for unit in (1, 3)]
    assert choose_units(a_claim(0, 1, units=2), [1, 2, 3, 4, 5], taken) == [2, 4]
    assert choose_units(a_claim(1, 2, units=2), [1, 2, 3, 4, 5], taken) == [1, 2]
    assert choose_units(a_claim(0, 1, units=3), [1, 2, 3, 4, 5], taken) == [2, 4, 5]
    assert choose_units(a_claim(0, 1, units=4), [1, 2, 3, 4, 5], taken) is None


def test_named_units_are_taken_or_none() -> None:
    taken = [as_taken(a_claim(0, 1), 2)]
    named = replace(a_claim(0, 1, units=2), named=(3, 1))
    assert choose_units(named, [1, 2, 3], taken) == [3, 1]
    assert choose_units(replace(named, named=(1, 2)), [1, 2, 3], taken) is None


def test_another_machines_time_is_not_in_the_way() -> None:
    elsewhere = replace(as_taken(a_claim(0, 1)), resource_id=2)
    assert choose_units(a_claim(0, 1), [1], [elsewhere]) == [1]
    assert group_by_resource([elsewhere, as_taken(a_claim(0, 1))]).keys() == {1, 2}


@given(st.lists(claims, max_size=30), st.integers(1, 4))
def test_units_that_are_handed_out_never_clash(wishes: list[Claim], units: int) -> None:
    """Book whatever fits, one after the other: no two on a unit clash, and nothing is refused for nothing."""
    booked: list[tuple[Claim, int]] = []
    for wish in wishes:
        rows = [as_taken(done, unit) for done, unit in booked]
        chosen = choose_units(wish, range(1, units + 1), rows)
        if chosen is None:
            busy = {unit for done, unit in booked if wish.clashes_with(as_taken(done))}
            assert busy == set(range(1, units + 1))
        else:
            booked += [(wish, unit) for unit in chosen]
    for n, (one, unit) in enumerate(booked):
        assert not any(one.clashes_with(as_taken(two)) for two, other in booked[n + 1 :] if other == unit)


# --- people in rooms


@pytest.mark.parametrize(
    ("end", "people", "attended", "stays"),
    [
        (4, 2, True, [(0, 4)]),
        (4, 2, False, [(0, 0.5), (3.5, 4)]),
        (1, 2, False, [(0, 1)]),
        (1.25, 2, False, [(0, 0.5), (0.75, 1.25)]),
        (4, 0, True, []),
        (4, 0, False, []),
    ],
)
def test_when_people_are_in_the_room(
    end: float, people: int, attended: bool, stays: list[tuple[float, float]]
) -> None:
    expected = [PeopleThere(5, hours(*stay), people) for stay in stays]
    assert presence_of(5, hours(0, end), people, attended) == expected


def there(start: float, end: float, people: int = 1, room: int = 5) -> PeopleThere:
    return PeopleThere(room, hours(start, end), people)


def test_the_highest_head_count() -> None:
    people = [there(0, 2), there(1, 3, 2), there(2, 4), there(1, 9, 50, room=6)]
    assert most_people(people, 5, hours(0, 4)) == 3
    assert most_people(people, 5, hours(0, 1)) == 1
    assert most_people(people, 5, hours(3, 4)) == 1
    assert most_people(people, 5, hours(4, 5)) == 0
    assert most_people([], 5, hours(0, 1)) == 0


crowds = st.lists(
    st.builds(lambda s, n, p: there(s, s + n, p), st.integers(0, 10), st.integers(1, 6), st.integers(1, 5)),
    max_size=8,
)


@given(crowds, st.integers(0, 12), st.integers(1, 5))
def test_the_highest_head_count_is_that_of_some_hour(
    crowd: list[PeopleThere], start: int, length: int
) -> None:
    counts = [
        sum(p.people for p in crowd if p.period.overlaps(hours(hour, hour + 1)))
        for hour in range(start, start + length)
    ]
    assert most_people(crowd, 5, hours(start, start + length)) == max(counts)


# --- units over time


def test_neighbours_of_equal_height_are_one() -> None:
    assert use_over_time([(hours(0, 1), 1), (hours(1, 2), 1)]) == [(hours(0, 2), 1)]
    assert use_over_time([(hours(0, 2), 1), (hours(1, 3), 1)]) == [
        (hours(0, 1), 1),
        (hours(1, 2), 2),
        (hours(2, 3), 1),
    ]
    assert use_over_time([(hours(0, 1), 1), (hours(2, 3), 1)]) == [(hours(0, 1), 1), (hours(2, 3), 1)]
    assert use_over_time([]) == []


rows = st.lists(
    st.builds(lambda s, n, u: (hours(s, s + n), u), st.integers(0, 20), st.integers(1, 8), st.integers(1, 3)),
    max_size=10,
)


@given(rows)
def test_use_over_time_counts_every_hour_right(used: list[tuple[Period, int]]) -> None:
    steps = use_over_time(used)
    for hour in range(-1, 30):
        one = hours(hour, hour + 1)
        expected = sum(units for period, units in used if period.overlaps(one))
        assert sum(units for period, units in steps if period.overlaps(one)) == expected


@given(rows)
def test_steps_tell_nothing_of_who_began_or_ended(used: list[tuple[Period, int]]) -> None:
    """Neighbours differ in height, or there is a gap between them."""
    steps = use_over_time(used)
    for (one, low), (two, high) in itertools.pairwise(steps):
        assert one.end < two.start or (one.end == two.start and low != high)
