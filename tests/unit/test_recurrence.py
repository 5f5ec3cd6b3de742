"""Patterns and what they unfold to: against dateutil, and by the wall clock over both of its changes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from booking.base.period import LocalTimeMissing, LocalTimeTwice, Period, from_wall, wall
from booking.schedule.recurrence import (
    DAYS,
    MAX_OCCURRENCES,
    MAX_SPAN,
    BadPattern,
    Occurrence,
    expand,
    read_pattern,
)
from booking.schedule.words import pattern_words

LONDON = ZoneInfo("Europe/London")


def unfold(text: str, start: datetime, hours: float = 2) -> list[Occurrence]:
    first = from_wall(start, LONDON, "first")
    end = from_wall(start + timedelta(hours=hours), LONDON, "first")
    return expand(read_pattern(text), Period(first, end), LONDON)


def days(text: str, start: datetime) -> list[date]:
    return [one.start.date() for one in unfold(text, start)]


# --- what is read


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FREQ=DAILY;COUNT=1", "Every day, 1 time"),
        (
            "RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;COUNT=9",
            "Every day on Monday, Tuesday, Wednesday, Thursday and Friday, 9 times",
        ),
        (
            "freq=weekly;interval=2;byday=mo,fr;until=20270312",
            "Every 2 weeks on Monday and Friday, until Fri 12 Mar 2027",
        ),
        (
            "FREQ=MONTHLY;BYDAY=2TU,-1FR;COUNT=3",
            "Every month on the second Tuesday and the last Friday, 3 times",
        ),
        ("FREQ=MONTHLY;BYDAY=-3SU;COUNT=3", "Every month on the 3rd last Sunday, 3 times"),
        (
            "FREQ=MONTHLY;BYMONTHDAY=1,12,22,-1,-2;COUNT=3",
            "Every month on the 1st, the 12th, the 22nd, the last day and the 2nd last day, 3 times",
        ),
        (
            "FREQ=WEEKLY;UNTIL=20270312T090000Z\n\nEXDATE:20270119,20270126",
            "Every week, until Fri 12 Mar 2027, 2 left out",
        ),
    ],
)
def test_a_pattern_is_read_and_put_into_words(text: str, words: str) -> None:
    assert pattern_words(read_pattern(text)) == words


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "one line"),
        ("FREQ=DAILY;COUNT=1\nFREQ=DAILY;COUNT=2", "one line"),
        ("EXDATE:20270119", "one line"),
        ("COUNT=1", "needs FREQ"),
        ("FREQ=YEARLY;COUNT=1", "needs FREQ"),
        ("FREQ=DAILY", "needs an end"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270312", "needs an end"),
        ("FREQ=DAILY;COUNT=0", "COUNT from 1 to 200"),
        ("FREQ=DAILY;COUNT=201", "COUNT from 1 to 200"),
        ("FREQ=DAILY;COUNT=²", "COUNT from 1 to 200"),
        ("FREQ=DAILY;COUNT=2;INTERVAL=100", "INTERVAL from 1 to 99"),
        ("FREQ=DAILY;COUNT=2;COUNT=2", "twice"),
        ("FREQ=DAILY;COUNT=2;", "cannot hold ''"),
        ("FREQ=DAILY;COUNT", "cannot hold 'COUNT'"),
        ("FREQ=DAILY;COUNT=2;BYSETPOS=1", "cannot hold 'BYSETPOS'"),
        ("FREQ=WEEKLY;COUNT=2;BYDAY=XX", "no day 'XX'"),
        ("FREQ=WEEKLY;COUNT=2;BYDAY=2TU", "which of the month"),
        ("FREQ=MONTHLY;COUNT=2;BYDAY=TU", "which of the month"),
        ("FREQ=MONTHLY;COUNT=2;BYDAY=6TU", "no day '6TU'"),
        ("FREQ=MONTHLY;COUNT=2;BYMONTHDAY=0", "BYMONTHDAY from 1"),
        ("FREQ=MONTHLY;COUNT=2;BYMONTHDAY=32", "BYMONTHDAY from 1"),
        ("FREQ=MONTHLY;COUNT=2;BYMONTHDAY=1;BYDAY=2TU", "not both"),
        ("FREQ=WEEKLY;COUNT=2;BYMONTHDAY=1", "only with FREQ=MONTHLY"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU;COUNT=2", "leave INTERVAL out"),
        ("FREQ=DAILY;UNTIL=20270230", "needs UNTIL"),
        ("FREQ=DAILY;UNTIL=20270210T256000Z", "needs UNTIL"),
        ("FREQ=DAILY;UNTIL=soon", "needs UNTIL"),
        ("FREQ=DAILY;COUNT=2\nEXDATE:soon", "needs EXDATE"),
        ("FREQ=DAILY;COUNT=2\nEXDATE", "needs EXDATE"),
        ("FREQ=DAILY;COUNT=2\n" + "EXDATE:20270119\n" * 400, "longer than"),
    ],
)
def test_what_cannot_be_followed_is_told_in_words(text: str, told: str) -> None:
    with pytest.raises(BadPattern, match=r"^The pattern ") as caught:
        read_pattern(text)
    assert told in str(caught.value)


# --- what it unfolds to


def test_weekly_on_days_begins_with_the_first_day_that_is_named() -> None:
    tuesday = datetime(2027, 1, 12, 10)
    assert days("FREQ=WEEKLY;BYDAY=MO,TU;COUNT=4", tuesday) == [
        date(2027, 1, 12), date(2027, 1, 18), date(2027, 1, 19), date(2027, 1, 25),
    ]  # fmt: skip
    assert days("FREQ=WEEKLY;BYDAY=FR;INTERVAL=2;COUNT=2", tuesday) == [date(2027, 1, 15), date(2027, 1, 29)]


def test_monthly_leaves_out_months_without_the_day() -> None:
    assert days("FREQ=MONTHLY;COUNT=3", datetime(2027, 1, 31, 10)) == [
        date(2027, 1, 31), date(2027, 3, 31), date(2027, 5, 31),
    ]  # fmt: skip
    assert days("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2", datetime(2028, 1, 31, 10))[1] == date(2028, 2, 29)


def test_leap_day_is_a_day_like_others() -> None:
    assert days("FREQ=DAILY;COUNT=3", datetime(2028, 2, 28, 10)) == [
        date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1),
    ]  # fmt: skip
    assert days("FREQ=MONTHLY;BYMONTHDAY=29;UNTIL=20280301", datetime(2028, 1, 29, 10))[-1] == date(
        2028, 2, 29
    )
    assert date(2027, 2, 28) not in days(
        "FREQ=MONTHLY;BYMONTHDAY=29;UNTIL=20270401", datetime(2027, 1, 29, 10)
    )


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20270119", 19),
        ("20270119T095959", 12),
        ("20270119T100000", 19),
        ("20270119T100000Z", 19),
        ("20270119T095959Z", 12),
    ],
)
def test_until_is_inclusive_to_the_second(until: str, last: int) -> None:
    assert days(f"FREQ=WEEKLY;UNTIL={until}", datetime(2027, 1, 12, 10))[-1].day == last


@pytest.mark.parametrize(
    "exception", ["20270119", "20270119T100000", "20270119T100000Z", "20270119T100000,20270119"]
)
def test_what_is_left_out_still_counts(exception: str) -> None:
    found = days(f"FREQ=WEEKLY;COUNT=3\nEXDATE;TZID=Europe/London:{exception}", datetime(2027, 1, 12, 10))
    assert found == [date(2027, 1, 12), date(2027, 1, 26)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("FREQ=WEEKLY;COUNT=3\nEXDATE:20270120", "nothing to leave out on 2027-01-20"),
        ("FREQ=WEEKLY;COUNT=3\nEXDATE:20270119T110000", "nothing to leave out on 2027-01-19 11:00:00"),
        ("FREQ=WEEKLY;COUNT=1\nEXDATE:20270112", "every one of its days"),
        ("FREQ=DAILY;UNTIL=20271231", "more than 200"),
        ("FREQ=DAILY;UNTIL=20310112", "further than three years"),
        ("FREQ=MONTHLY;COUNT=40", "within three years"),
        ("FREQ=WEEKLY;UNTIL=20270111", "none before its end"),
        ("FREQ=WEEKLY;BYDAY=MO;UNTIL=20270117", "none before its end"),
    ],
)
def test_what_does_not_unfold_is_told_in_words(text: str, told: str) -> None:
    with pytest.raises(BadPattern, match=r"^The pattern ") as caught:
        unfold(text, datetime(2027, 1, 12, 10))
    assert told in str(caught.value)


def test_a_pattern_that_never_comes_is_refused_at_once() -> None:
    with pytest.raises(BadPattern, match="too few days"):
        unfold("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31;COUNT=2", datetime(2027, 2, 1, 10))


# --- the two nights on which the wall clock lies


def test_a_local_time_that_does_not_exist_has_no_period() -> None:
    found = unfold("FREQ=DAILY;COUNT=3", datetime(2027, 3, 27, 1, 30), 2)
    assert [one.period is None for one in found] == [False, True, False]
    assert found[1].moments == (
        datetime(2027, 3, 28, 1, 30, tzinfo=UTC),
        datetime(2027, 3, 28, 2, 30, tzinfo=UTC),
    )
    assert found[1].note == "01:30 does not exist on 28 March 2027: the clocks go forward."
    ends = unfold("FREQ=DAILY;COUNT=2", datetime(2027, 3, 27, 0, 30), 1)
    assert ends[1].period is None


def test_of_a_local_time_that_exists_twice_the_first_is_meant_and_told() -> None:
    found = unfold("FREQ=DAILY;COUNT=3", datetime(2027, 10, 30, 1, 30), 1)
    assert [bool(one.note) for one in found] == [False, True, False]
    assert found[1].note == "01:30 happens twice on 31 October 2027: the clocks go back; the first is meant."
    assert found[1].period == Period(
        datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 2, 30, tzinfo=UTC)
    )


def test_a_first_period_keeps_the_reading_that_was_chosen() -> None:
    second = Period(datetime(2027, 10, 31, 1, 30, tzinfo=UTC), datetime(2027, 10, 31, 3, tzinfo=UTC))
    found = expand(read_pattern("FREQ=DAILY;COUNT=2"), second, LONDON)
    assert found[0].period == second
    assert found[0].note == ""


def test_a_first_period_that_runs_backwards_on_the_wall_is_refused() -> None:
    backwards = Period(datetime(2027, 10, 31, 0, 45, tzinfo=UTC), datetime(2027, 10, 31, 1, 15, tzinfo=UTC))
    with pytest.raises(BadPattern, match="clocks repeat"):
        expand(read_pattern("FREQ=DAILY;COUNT=2"), backwards, LONDON)


# --- against dateutil, and by the wall clock


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Draw a pattern of each shape."""
    frequency = draw(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "MONTHLY")))
    parts = [f"FREQ={frequency}"]
    listed = {
        "DAILY": DAYS,
        "WEEKLY": DAYS,
        "MONTHLY": [f"{n}{day}" for n in (1, 2, 4, -1, -2) for day in DAYS],
    }
    if draw(st.booleans()):
        some = draw(st.lists(st.sampled_from(listed[frequency]), min_size=1, max_size=3, unique=True))
        parts.append(f"BYDAY={','.join(some)}")
    elif frequency == "MONTHLY" and draw(st.booleans()):
        parts.append(f"BYMONTHDAY={draw(st.integers(1, 31) | st.integers(-5, -1))}")
    if frequency != "DAILY" or len(parts) == 1:
        parts.append(f"INTERVAL={draw(st.integers(1, 4))}")
    if draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(DAYS))}")
    parts.append(f"COUNT={draw(st.integers(1, 30))}")
    return ";".join(parts)


# Days near both changes of the clocks and a leap day come as often as all others together.
NEAR = st.sampled_from((date(2027, 3, 26), date(2027, 10, 29), date(2028, 2, 27), date(2026, 10, 24)))
STARTS = st.builds(
    lambda day, minutes: datetime(day.year, day.month, day.day) + timedelta(minutes=15 * minutes),
    NEAR | st.dates(date(2026, 1, 1), date(2029, 1, 1)),
    st.integers(0, 95) | st.integers(2, 9),
)
LENGTHS = st.integers(1, 400).map(lambda n: timedelta(minutes=15 * n))


@settings(deadline=None)
@given(patterns(), STARTS, LENGTHS)
def test_days_are_dateutils_and_times_stay_on_the_wall(text: str, start: datetime, length: timedelta) -> None:
    try:
        first = Period(from_wall(start, LONDON, "first"), from_wall(start + length, LONDON, "first"))
    except LocalTimeMissing:
        assume(False)
    try:
        found = expand(read_pattern(text), first, LONDON)
    except BadPattern:
        longest = list(rrulestr(text, dtstart=start))
        assert longest[-1] - start > MAX_SPAN
        return
    assert [one.start for one in found] == list(rrulestr(text, dtstart=start))
    assert len(found) <= MAX_OCCURRENCES
    for one in found:
        assert one.end - one.start == length
        assert one.start.time() == start.time()
        must_be_where_it_says(one)
        assert bool(one.note) == (one.start != start and not is_plain(one))


def is_plain(one: Occurrence) -> bool:
    """Tell whether both local times of an occurrence exist once."""
    try:
        return all(from_wall(local, LONDON) for local in (one.start, one.end))
    except (LocalTimeMissing, LocalTimeTwice):
        return False


def must_be_where_it_says(one: Occurrence) -> None:
    """A period shows its local times on the wall; it is missing only where one of them is."""
    if one.period is None:
        assert all(moment.tzinfo for moment in one.moments)
        with pytest.raises(LocalTimeMissing):
            [from_wall(local, LONDON, "first") for local in (one.start, one.end)]
        return
    assert (wall(one.period.start, LONDON), wall(one.period.end, LONDON)) == (one.start, one.end)
