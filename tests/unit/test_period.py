"""Half-open stretches of time, and the two nights a year on which the wall clock lies."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.base.period import (
    LocalTimeMissing,
    LocalTimeTwice,
    Period,
    at,
    day_period,
    days_of,
    from_wall,
    merge,
    midnight,
    subtract,
    wall,
    zone,
)

LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
FORWARD = [date(2026, 3, 29), date(2027, 3, 28)]
BACK = [date(2026, 10, 25), date(2027, 10, 31)]
T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)


def hours(start: float, end: float) -> Period:
    return Period(T0 + timedelta(hours=start), T0 + timedelta(hours=end))


# --- Period


def test_a_period_is_half_open() -> None:
    assert not hours(0, 1).overlaps(hours(1, 2))
    assert not hours(1, 2).overlaps(hours(0, 1))
    assert hours(0, 1).overlaps(hours(0.99, 2))


@pytest.mark.parametrize(
    ("other", "overlaps", "contains"),
    [
        ((0, 4), True, True),
        ((1, 3), True, True),
        ((0, 1), True, True),
        ((3, 4), True, True),
        ((-1, 1), True, False),
        ((3, 5), True, False),
        ((-1, 5), True, False),
        ((4, 5), False, False),
        ((-1, 0), False, False),
    ],
)
def test_overlaps_and_contains(other: tuple[float, float], overlaps: bool, contains: bool) -> None:
    assert hours(0, 4).overlaps(hours(*other)) is overlaps
    assert hours(*other).overlaps(hours(0, 4)) is overlaps
    assert hours(0, 4).contains(hours(*other)) is contains


@pytest.mark.parametrize("end", [T0, T0 - timedelta(seconds=1)])
def test_a_period_ends_after_it_starts(end: datetime) -> None:
    with pytest.raises(ValueError, match="after it starts"):
        Period(T0, end)


def test_a_period_needs_a_time_zone() -> None:
    naive = T0.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        Period(naive, T0 + timedelta(hours=1))
    with pytest.raises(ValueError, match="time zone"):
        Period(T0, naive + timedelta(hours=1))


def test_length_is_elapsed_time_and_not_wall_clock_time() -> None:
    start = datetime(2026, 10, 25, 0, 0, tzinfo=LONDON)
    end = datetime(2026, 10, 25, 3, 0, tzinfo=LONDON)
    assert Period(start, end).length == timedelta(hours=4)


# --- merge and subtract

moments = st.integers(min_value=0, max_value=60)
stretches = st.tuples(moments, moments).filter(lambda pair: pair[0] < pair[1])
many = st.lists(stretches, max_size=8).map(lambda pairs: [hours(start, end) for start, end in pairs])


def hours_in(periods: list[Period]) -> set[int]:
    return {n for n in range(-1, 62) if any(p.start <= T0 + timedelta(hours=n) < p.end for p in periods)}


@given(many)
def test_merge_keeps_what_is_covered_and_leaves_gaps_between(periods: list[Period]) -> None:
    merged = merge(periods)
    assert hours_in(merged) == hours_in(periods)
    assert all(one.end < two.start for one, two in itertools.pairwise(merged))


@given(many)
def test_merge_twice_changes_nothing(periods: list[Period]) -> None:
    assert merge(merge(periods)) == merge(periods)


@given(many, many)
def test_subtract_leaves_what_is_in_no_hole(periods: list[Period], holes: list[Period]) -> None:
    left = subtract(periods, holes)
    assert hours_in(left) == hours_in(periods) - hours_in(holes)
    assert not any(piece.overlaps(hole) for piece in left for hole in holes)
    assert all(one.end <= two.start for one, two in itertools.pairwise(left))


def test_merge_joins_what_touches() -> None:
    assert merge([hours(2, 3), hours(0, 1), hours(1, 2), hours(4, 5)]) == [hours(0, 3), hours(4, 5)]


def test_subtract_cuts_a_hole_in_the_middle() -> None:
    assert subtract([hours(0, 9)], [hours(3, 4)]) == [hours(0, 3), hours(4, 9)]
    assert subtract([hours(0, 9)], []) == [hours(0, 9)]
    assert subtract([hours(0, 9)], [hours(-1, 10)]) == []


# --- the wall clock


@pytest.mark.parametrize("day", FORWARD)
@pytest.mark.parametrize("clock", [time(1, 0), time(1, 30), time(1, 59, 59)])
def test_a_time_that_the_clocks_skip_is_refused(day: date, clock: time) -> None:
    with pytest.raises(LocalTimeMissing, match="does not exist"):
        from_wall(datetime.combine(day, clock), LONDON)
    with pytest.raises(LocalTimeMissing):
        from_wall(datetime.combine(day, clock), LONDON, "second")


@pytest.mark.parametrize("day", FORWARD)
def test_the_times_around_the_gap_exist(day: date) -> None:
    before = from_wall(datetime.combine(day, time(0, 59)), LONDON)
    after = from_wall(datetime.combine(day, time(2, 0)), LONDON)
    assert after - before == timedelta(minutes=1)


@pytest.mark.parametrize("day", BACK)
@pytest.mark.parametrize("clock", [time(1, 0), time(1, 30), time(1, 59, 59)])
def test_a_time_that_exists_twice_is_asked_about(day: date, clock: time) -> None:
    local = datetime.combine(day, clock)
    with pytest.raises(LocalTimeTwice, match="happens twice"):
        from_wall(local, LONDON)
    with pytest.raises(LocalTimeTwice):
        from_wall(local, LONDON, "third")
    first, second = (from_wall(local, LONDON, fold) for fold in ("first", "second"))
    assert second - first == timedelta(hours=1)
    assert wall(first, LONDON) == wall(second, LONDON) == local


@pytest.mark.parametrize("day", BACK)
def test_the_times_around_the_hour_that_comes_twice_exist_once(day: date) -> None:
    before = from_wall(datetime.combine(day, time(0, 59)), LONDON)
    after = from_wall(datetime.combine(day, time(2, 0)), LONDON)
    assert after - before == timedelta(hours=2, minutes=1)


def test_the_choice_of_first_or_second_is_ignored_where_a_time_exists_once() -> None:
    noon = datetime(2026, 7, 1, 12)
    assert (
        from_wall(noon, LONDON) == from_wall(noon, LONDON, "second") == datetime(2026, 7, 1, 11, tzinfo=UTC)
    )


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31)),
    st.sampled_from([LONDON, NEW_YORK, ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")]),
)
def test_a_wall_time_that_is_accepted_comes_back(local: datetime, tz: ZoneInfo) -> None:
    try:
        moment = from_wall(local, tz, "first")
    except LocalTimeMissing:
        return
    assert moment.tzinfo is UTC
    assert wall(moment, tz) == local


@given(st.integers(min_value=2000, max_value=2099), st.integers(0, 1439))
def test_every_minute_of_the_days_on_which_london_changes_clocks(year: int, minute: int) -> None:
    """The rule is fixed by law: the last Sundays of March and October at 01:00 UTC."""
    forward, back = _last_sunday(year, 3), _last_sunday(year, 10)
    clock = time(minute // 60, minute % 60)
    one_to_two = clock.hour == 1
    assert _kind(forward, clock) == ("missing" if one_to_two else "once")
    assert _kind(back, clock) == ("twice" if one_to_two else "once")


def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def _kind(day: date, clock: time) -> str:
    try:
        from_wall(datetime.combine(day, clock), LONDON)
    except LocalTimeMissing:
        return "missing"
    except LocalTimeTwice:
        return "twice"
    return "once"


# --- local days


@pytest.mark.parametrize(
    ("days", "length"), [(FORWARD, 23), (BACK, 25), ([date(2026, 3, 28), date(2026, 6, 1)], 24)]
)
def test_the_length_of_a_local_day(days: list[date], length: int) -> None:
    assert {day_period(day, LONDON).length for day in days} == {timedelta(hours=length)}


def test_midnight_is_local() -> None:
    assert midnight(date(2026, 7, 1), LONDON) == datetime(2026, 6, 30, 23, tzinfo=UTC)
    assert midnight(date(2026, 12, 1), LONDON) == datetime(2026, 12, 1, tzinfo=UTC)


def test_a_clock_time_of_a_day_in_utc() -> None:
    assert at(date(2026, 7, 1), time(8, 30), LONDON) == datetime(2026, 7, 1, 7, 30, tzinfo=UTC)
    assert at(date(2026, 12, 1), time(8, 30), LONDON) == datetime(2026, 12, 1, 8, 30, tzinfo=UTC)


def test_a_clock_time_that_is_skipped_is_read_as_the_later_one() -> None:
    moment = at(date(2026, 3, 29), time(1, 30), LONDON)
    assert wall(moment, LONDON) == datetime(2026, 3, 29, 2, 30)


def test_the_days_that_a_period_touches() -> None:
    day = day_period(date(2026, 10, 25), LONDON)
    assert days_of(day, LONDON) == [date(2026, 10, 25)]
    assert days_of(Period(day.start, day.end + timedelta(seconds=1)), LONDON) == [
        date(2026, 10, 25),
        date(2026, 10, 26),
    ]
    night = Period(datetime(2026, 6, 30, 22, tzinfo=UTC), datetime(2026, 7, 1, 0, tzinfo=UTC))
    assert days_of(night, LONDON) == [date(2026, 6, 30), date(2026, 7, 1)]
    assert days_of(night, ZoneInfo("UTC")) == [date(2026, 6, 30)]


@given(st.dates(date(2000, 1, 1), date(2099, 1, 1)), st.integers(1, 40))
def test_local_days_follow_one_another_without_gap(first: date, count: int) -> None:
    days = [first + timedelta(days=n) for n in range(count)]
    whole = merge(day_period(day, LONDON) for day in days)
    assert len(whole) == 1
    assert days_of(whole[0], LONDON) == days


def test_a_zone_by_name() -> None:
    assert zone("Europe/London") == LONDON
