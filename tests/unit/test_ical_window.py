"""A feed covers a fixed number of days around today and never grows beyond what Google accepts."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from icalendar import Calendar

from booking.calendars.lint import lint
from booking.calendars.render import notice, render_event
from booking.calendars.window import MAX_BYTES, cut, feed_window
from tests.unit.ical_examples import HOST, MADE, a_feed, a_run

NOW = datetime(2026, 10, 25, 12, tzinfo=UTC)
Dated = tuple[datetime, bytes]


def events(number: int, first_day: int = 0, *, hours: int = 2, filler: str = "") -> list[Dated]:
    """Return so many bookings, one every three hours, starting so many days from now."""
    made = []
    for place in range(number):
        start = NOW + timedelta(days=first_day, hours=3 * place)
        uid = f"5f3c1f0e-6a51-4d0c-{first_day % 10_000:04d}-{place:012x}"
        facts = a_run(uid=uid, starts_at=start, ends_at=start + timedelta(hours=hours), lines=(filler,))
        made.append((start, render_event(facts, HOST)))
    return made


@pytest.mark.parametrize(
    ("kind", "back", "ahead"),
    [("me", 31, 400), ("course", 31, 400), ("resource", 14, 180), ("room", 7, 60), ("busy", 1, 90)],
)
def test_the_window_of_each_kind_in_days(kind: str, back: int, ahead: int) -> None:
    start, end = feed_window(kind, datetime(2027, 1, 15, 12, tzinfo=UTC), "UTC")
    today = datetime(2027, 1, 15, tzinfo=UTC)
    assert (start, end) == (today - timedelta(back), today + timedelta(ahead))


def test_the_window_starts_and_ends_at_midnight_in_london_in_summer_and_winter() -> None:
    start, end = feed_window("busy", datetime(2026, 10, 25, 23, 30, tzinfo=UTC), "Europe/London")
    assert start == datetime(2026, 10, 23, 23, tzinfo=UTC)
    assert end == datetime(2027, 1, 23, tzinfo=UTC)


def test_the_window_moves_once_a_day_at_local_midnight() -> None:
    half_hours = (datetime(2026, 10, 24, 12, tzinfo=UTC) + timedelta(minutes=30 * n) for n in range(96))
    moments = [(moment, feed_window("me", moment, "Europe/London")) for moment in half_hours]
    moved = [later for (_, a), (later, b) in pairwise(moments) if a != b]
    assert moved == [datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC)]


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        feed_window("me", datetime(2026, 1, 1), "Europe/London")


def test_what_fits_stays_in_order_of_time() -> None:
    some = events(5)
    assert cut(some[::-1], NOW, 5) == ([event for _, event in some], None)


def test_the_nearest_to_come_stay_and_the_cut_is_told() -> None:
    past, coming = events(4, -20), events(6, 1)
    kept, cut_at = cut(past + coming, NOW, 4)
    assert kept == [event for _, event in coming[:4]]
    assert cut_at == coming[4][0]


def test_the_past_is_cut_before_anything_to_come() -> None:
    past, coming = events(4, -20), events(2, 1)
    kept, cut_at = cut(past + coming, NOW, 4)
    assert kept == [event for _, event in past[2:] + coming]
    assert cut_at == past[1][0]


def test_a_long_run_under_way_is_not_past() -> None:
    under_way, coming = events(1, -2, hours=21 * 24), events(5, 1)
    kept, _ = cut(under_way + coming, NOW, 3)
    assert kept == [event for _, event in under_way + coming[:2]]


def test_an_event_without_an_end_is_over_when_it_starts() -> None:
    past, coming = [(NOW - timedelta(days=1), b"no end")], events(1, 1)
    assert cut(past + coming, NOW, 1) == ([coming[0][1]], past[0][0])


def test_1500_events_become_1000_and_a_notice_within_the_size() -> None:
    kept, cut_at = cut(events(1_500, 1), NOW, 1_000)
    assert cut_at is not None
    remark = notice(
        cut_at.date(), "More bookings on the web", "https://booking.example/me", MADE, HOST, "link"
    )
    feed = a_feed(*kept, remark)
    assert lint(feed) == []
    assert len(Calendar.from_ical(feed).events) == 1_001
    assert len(feed) <= MAX_BYTES


def test_long_descriptions_are_cut_by_size() -> None:
    many = events(400, 1, filler="細" * 1_400)
    kept, cut_at = cut(many, NOW, 1_000)
    feed = a_feed(*kept)
    assert cut_at == many[len(kept)][0]
    assert MAX_BYTES - 30_000 < len(feed) < MAX_BYTES
    assert lint(feed) == []
