"""Quotas at their edges: what counts where, to the second, over both changes of the clocks."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.base.errors import Refusal
from booking.base.period import Period
from booking.bookings.quotas import (
    ALWAYS,
    Taking,
    Use,
    amount,
    first_day,
    limit_in_words,
    next_first,
    span_of,
    taken,
)
from booking.bookings.request import Want
from booking.bookings.rules import check
from booking.facilities.places import Hours, QuotaPlace, ResourcePlace
from booking.training.standing import Standing
from tests.unit.machines import LONDON, NOW, a_facility, a_machine, closed, facts, local, span

MON, TUE, SAT = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 28)
BACK, FORWARD = date(2026, 10, 25), date(2027, 3, 28)  # the clocks change on these Sundays
HOUR, SECOND = 3600, timedelta(seconds=1)
PRIME = tuple(Hours("prime", day, time(10), time(18)) for day in range(5))
LONG = {"max_minutes": 40 * 24 * 60, "horizon_days": 3000}


def machine(running: str = "free", **more: Any) -> ResourcePlace:
    facility = a_facility(holidays="", prime=PRIME, **more.pop("facility", {}))
    return a_machine(running, policy=LONG, facility=facility, **more)


def a_quota(span: str = "day", minutes: int | None = 300, **more: Any) -> QuotaPlace:
    return QuotaPlace(1, "Five hours", "Simon Staff", 1, span=span, minutes=minutes, **more)


def takes(quota: QuotaPlace, period: Period, units: int = 1, one: ResourcePlace | None = None) -> Any:
    """Return what a booking takes, in hours (or bookings) by the first day of each span."""
    found = taken(quota, [Taking(one or machine(), period, units)], NOW)
    return {day: n / (HOUR if quota.minutes is not None else 1) for day, n in found.items()}


# --- what a booking takes


def test_hours_are_counted_on_the_day_on_which_they_lie() -> None:
    assert takes(a_quota(), span(MON, 10, 12.5)) == {MON: 2.5}
    assert takes(a_quota(), span(MON, 22, 3, days=1)) == {MON: 2, TUE: 3}
    assert takes(a_quota(), span(MON, 10, 12), units=3) == {MON: 6}


def test_a_second_past_midnight_is_of_the_next_day() -> None:
    midnight = local(TUE, 0)
    assert takes(a_quota(), Period(midnight - SECOND, midnight)) == {MON: 1 / HOUR}
    assert takes(a_quota(), Period(midnight - SECOND, midnight + SECOND)) == {MON: 1 / HOUR, TUE: 1 / HOUR}


@pytest.mark.parametrize(("day", "hours"), [(BACK, 25), (FORWARD, 23), (MON, 24)])
def test_a_day_has_the_hours_of_its_clock(day: date, hours: int) -> None:
    assert takes(a_quota(), span(day, 0, 0, days=1)) == {day: hours}


def test_the_hour_that_happens_twice_counts_twice() -> None:
    night = Period(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert takes(a_quota(), night) == {BACK: 1}  # 01:30 to 01:30 by the clock
    assert takes(a_quota(), span(BACK, 0, 3)) == {BACK: 4}
    assert takes(a_quota(), span(FORWARD, 0, 3)) == {FORWARD: 2}


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    sunday = span(date(2026, 11, 29), 22, 4, days=1)
    assert takes(a_quota("week"), sunday) == {MON: 2, date(2026, 11, 30): 4}
    new_year = span(date(2026, 12, 31), 23, 1, days=1)
    assert takes(a_quota("month"), new_year) == {date(2026, 12, 1): 1, date(2027, 1, 1): 1}
    leap = span(date(2028, 2, 29), 12, 12, days=1)
    assert takes(a_quota("month"), leap) == {date(2028, 2, 1): 12, date(2028, 3, 1): 12}


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [(8, 10, None), (8, 10.5, 0.5), (17.5, 19, 0.5), (18, 20, None), (9, 19, 8), (11, 12, 1)],
)
def test_only_prime_time_counts_where_it_is_counted_apart(
    start: float, end: float, hours: float | None
) -> None:
    quota = a_quota(prime=True)
    assert takes(quota, span(MON, start, end)) == ({MON: hours} if hours else {})
    assert takes(quota, span(SAT, start, end)) == {}


def test_prime_time_begins_and_ends_to_the_second() -> None:
    quota, ten, six = a_quota(prime=True), local(MON, 10), local(MON, 18)
    assert takes(quota, Period(ten - SECOND, ten)) == {}
    assert takes(quota, Period(ten - SECOND, ten + SECOND)) == {MON: 1 / HOUR}
    assert takes(quota, Period(six, six + SECOND)) == {}
    assert takes(quota, Period(six - SECOND, six + SECOND)) == {MON: 1 / HOUR}


@pytest.mark.parametrize("friday", [date(2026, 10, 23), date(2027, 3, 26)])
def test_prime_time_keeps_to_the_clock_when_it_changes(friday: date) -> None:
    weekend = span(friday, 17, 11, days=3)
    assert takes(a_quota(prime=True), weekend) == {friday: 1, friday + timedelta(days=3): 1}


def test_a_closed_day_has_no_prime_time() -> None:
    one = machine(facility={"closures": (closed(TUE),)})
    assert takes(a_quota(prime=True), span(MON, 10, 18, days=2), one=one) == {MON: 8, MON + timedelta(2): 8}


def test_bookings_count_once_where_they_begin() -> None:
    quota = a_quota("week", None, bookings=3)
    long = span(date(2026, 11, 27), 10, 10, days=7)
    assert takes(quota, long, units=4) == {MON: 1}
    both = [Taking(machine(), long, 1), Taking(machine(id=2, code="H-BSC2"), long, 1)]
    assert taken(quota, both, NOW) == {MON: 1}


def test_open_is_what_is_not_over() -> None:
    quota, until = a_quota("open", None, bookings=3), NOW + timedelta(hours=1)
    assert takes(quota, Period(NOW - timedelta(hours=1), NOW)) == {}
    assert takes(quota, Period(NOW - timedelta(hours=1), NOW + SECOND)) == {ALWAYS: 1}
    assert takes(a_quota("open"), Period(NOW - timedelta(hours=1), until)) == {ALWAYS: 2}


@given(
    st.datetimes(datetime(2026, 9, 1), datetime(2027, 5, 1)),
    st.integers(1, 20 * 24 * 60),
    st.sampled_from(["day", "week", "month", "open"]),
    st.integers(1, 4),
)
def test_nothing_is_lost_between_spans(start: datetime, minutes: int, kind: str, units: int) -> None:
    period = Period(start.replace(tzinfo=UTC), start.replace(tzinfo=UTC) + timedelta(minutes=minutes))
    found = taken(a_quota(kind), [Taking(machine(), period, units)], period.start)
    assert sum(found.values()) == minutes * 60 * units
    prime = taken(a_quota(kind, prime=True), [Taking(machine(), period, units)], period.start)
    assert all(prime[day] <= found[day] for day in prime)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(["day", "week", "month"]))
def test_a_day_lies_in_its_span_and_not_in_the_next(day: date, kind: str) -> None:
    first = first_day(kind, day)
    assert first <= day < next_first(kind, first)
    assert first_day(kind, next_first(kind, first)) == next_first(kind, first)


@pytest.mark.parametrize(
    ("kind", "first", "resets"),
    [
        ("day", BACK, datetime(2026, 10, 26, tzinfo=UTC)),
        ("week", date(2026, 10, 19), datetime(2026, 10, 26, tzinfo=UTC)),
        ("month", date(2026, 10, 1), datetime(2026, 11, 1, tzinfo=UTC)),
        ("open", ALWAYS, None),
    ],
)
def test_when_a_quota_begins_anew(kind: str, first: date, resets: datetime | None) -> None:
    moment = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)  # half past midnight in London
    assert span_of(kind, moment, LONDON) == (first, resets)


# --- the rule


def a_use(quota: QuotaPlace, hours: float = 0, day: date = TUE, **more: Any) -> Use:
    used = {first_day(quota.span, day): round(hours * HOUR)}
    return Use(quota, used=used, known_until=date(2027, 1, 1), **more)


def refused(period: Period, *uses: Use, one: ResourcePlace | None = None, **more: Any) -> list[Refusal]:
    return check(period, facts(one or machine(), quotas=uses, **more))


def test_exactly_what_is_left_may_be_booked() -> None:
    use = a_use(a_quota(), 3)
    assert refused(span(TUE, 10, 12), use) == []
    (refusal,) = refused(span(TUE, 10, 12 + 0.25), use)
    assert refusal.code == "quota"
    assert (refusal.resource, refusal.rule, refusal.set_by) == ("H-BSC1", "Five hours", "Simon Staff")
    assert refusal.message == (
        "Five hours: you have 5 h a day. On Tue 24 Nov 2026, 3 h used, 2 h left; this takes 2 h 15 min."
    )
    assert refusal.fix == (
        "Book 2 h or less, or start on Wed 25 Nov 2026, 00:00 or later; else ask Simon Staff."
    )
    assert refusal.ok_from == local(date(2026, 11, 25), 0)


def test_a_second_more_than_is_left_is_too_much() -> None:
    free = machine()
    free = replace(free, policies=(replace(free.policies[0], says=LONG | {"grid_minutes": 1}),))
    use = Use(a_quota(), used={TUE: 3 * HOUR + 1}, known_until=date.max)
    assert [one.code for one in refused(span(TUE, 10, 12), use, one=free)] == ["quota"]
    assert refused(span(TUE, 10, 12), replace(use, used={TUE: 3 * HOUR}), one=free) == []


def test_each_day_of_a_booking_must_have_enough_left() -> None:
    use = replace(a_use(a_quota()), used={TUE + timedelta(days=1): 3 * HOUR})
    assert refused(span(TUE, 22, 2, days=1), use) == []
    (refusal,) = refused(span(TUE, 22, 3, days=1), use)
    assert "On Wed 25 Nov 2026, 3 h used, 2 h left; this takes 3 h." in refusal.message
    assert refusal.ok_from is None


def test_ok_from_skips_days_that_are_full_and_ends_where_nothing_is_known() -> None:
    full = {TUE + timedelta(days=n): 4 * HOUR for n in range(3)}
    use = replace(a_use(a_quota()), used=full)
    (refusal,) = refused(span(TUE, 10, 12), use)
    assert refusal.ok_from == local(date(2026, 11, 27), 0)
    (refusal,) = refused(span(TUE, 10, 12), replace(use, known_until=date(2026, 11, 27)))
    assert refusal.ok_from is None


def test_what_is_longer_than_the_quota_has_no_day() -> None:
    (refusal,) = refused(span(TUE, 10, 16), a_use(a_quota()))
    assert refusal.ok_from is None
    assert "Book 5 h or less" in (refusal.fix or "")


def test_a_change_does_not_count_what_the_booking_had() -> None:
    use = a_use(a_quota(), 4, own={TUE: HOUR})
    assert refused(span(TUE, 10, 11), use) == []
    over = a_use(a_quota(), 6, own={TUE: 2 * HOUR})  # the quota was made smaller after it was booked
    assert refused(span(TUE, 10, 12), over) == []
    assert [one.code for one in refused(span(TUE, 10, 13), over)] == ["quota"]


def test_all_quotas_must_be_kept_and_each_is_told() -> None:
    day, week = a_quota(), replace(a_quota("week", 600), id=2, name="Ten hours")
    found = refused(span(TUE, 10, 14), a_use(day, 2), a_use(week, 8))
    assert [one.rule for one in found] == ["Five hours", "Ten hours"]
    assert "In the week from Mon 23 Nov 2026, 8 h used, 2 h left" in found[1].message


def test_what_another_resource_takes_counts_only_together() -> None:
    one, other = machine(), machine(id=2, code="H-BSC2")
    both = replace(facts(one), wants=(Want(one, 1), Want(other, 1)))
    apart = tuple(a_use(a_quota(each_resource=True), 3, resource_id=n) for n in (1, 2))
    wanted = span(TUE, 10, 12)
    assert check(wanted, replace(both, quotas=apart)) == []
    (refusal,) = check(wanted, replace(both, quotas=(a_use(a_quota(), 3),)))
    assert "this takes 4 h" in refusal.message


def test_prime_time_is_a_way_out() -> None:
    use = a_use(a_quota(prime=True), 5)
    (refusal,) = refused(span(TUE, 9, 11), use)
    assert "this takes 1 h" in refusal.message
    assert "choose a time outside prime time" in (refusal.fix or "").lower()
    assert refused(span(TUE, 8, 10), use) == []


def test_open_bookings_are_told_as_such() -> None:
    use = Use(a_quota("open", None, bookings=2), used={ALWAYS: 2})
    (refusal,) = refused(span(TUE, 10, 12), use)
    assert "you have 2 bookings open at a time. Of this, 2 used, 0 left; this takes 1 booking." in (
        refusal.message
    )
    assert refusal.fix == "Wait until one is over; else ask Simon Staff."


def test_who_is_charged_is_told() -> None:
    (group,) = refused(span(TUE, 10, 16), a_use(a_quota(shared_by="project"), owner="P-VEC"))
    assert "P-VEC has 5 h a day for each project" in group.message
    (other,) = refused(span(TUE, 10, 16), a_use(a_quota()), standing=Standing(organiser="Stella"))
    assert "Stella has 5 h a day." in other.message


# --- scope and words


def test_of_what_a_quota_speaks() -> None:
    one = machine("attended")
    assert a_quota().concerns(one)
    assert a_quota(kind="workstation", running="attended").concerns(one)
    assert a_quota(resource_id=1).concerns(one)
    for more in ({"kind": "analytical"}, {"running": "free"}, {"resource_id": 2}):
        assert not a_quota(**more).concerns(one)
    assert not replace(a_quota(), facility_id=2).concerns(one)


@pytest.mark.parametrize(
    ("more", "who", "yes"),
    [
        ({}, ("student", 1, None), True),
        ({"role": "student"}, ("student", 1, None), True),
        ({"role": "student"}, ("researcher", 1, None), False),
        ({"organisation_id": 1}, ("industry", 1, None), True),
        ({"organisation_id": 1}, ("industry", 2, None), False),
        ({"project_id": 7}, ("student", 1, 7), True),
        ({"project_id": 7}, ("student", 1, None), False),
        ({"shared_by": "project"}, ("student", 1, 7), True),
        ({"shared_by": "project"}, ("student", 1, None), False),
    ],
)
def test_for_whom_a_quota_is(more: dict[str, Any], who: tuple[str, int, int | None], yes: bool) -> None:
    assert a_quota(**more).is_for(*who) is yes


def test_amounts_in_words() -> None:
    hours, bookings = a_quota(), a_quota("open", None, bookings=1)
    assert [amount(hours, n) for n in (0, 1, 60, 3600, 5400)] == [
        "0 h",
        "1 min",
        "1 min",
        "1 h",
        "1 h 30 min",
    ]
    assert [amount(bookings, n) for n in (0, 1, 2)] == ["0 bookings", "1 booking", "2 bookings"]
    assert limit_in_words(replace(hours, prime=True, each_resource=True, shared_by="project")) == (
        "5 h a day in prime time on each resource for each project"
    )
    assert limit_in_words(bookings) == "1 booking open at a time"
