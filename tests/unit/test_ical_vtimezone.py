"""The constant VTIMEZONE must say the same as the time zone database, so that a change of law is noticed."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from dateutil.rrule import rrulestr

from booking.calendars.vtimezone import vtimezone
from tests.unit.ical_examples import LONDON

YEARS = range(2020, 2037)


def onsets() -> list[tuple[datetime, timedelta]]:
    """Read the constant as a client would: every change in UTC, and the offset from then on."""
    zone = icalendar.Timezone.from_ical(vtimezone("Europe/London"))
    found = []
    for rule in zone.subcomponents:
        first = rule["DTSTART"].dt
        offset_before, offset_after = rule["TZOFFSETFROM"].td, rule["TZOFFSETTO"].td
        changes = rrulestr(rule["RRULE"].to_ical().decode(), dtstart=first)
        for local in changes.between(datetime(2019, 1, 1), datetime(2038, 1, 1)):
            found.append(((local - offset_before).replace(tzinfo=UTC), offset_after))
    return sorted(found)


ONSETS = onsets()


def offset_at(moment: datetime) -> timedelta:
    return ONSETS[bisect_right(ONSETS, moment, key=lambda onset: onset[0]) - 1][1]


@pytest.mark.parametrize("year", YEARS)
def test_offsets_are_right_every_half_hour_around_each_change_and_twice_a_day_otherwise(year: int) -> None:
    moment, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while moment < end:
        assert offset_at(moment) == moment.astimezone(LONDON).utcoffset(), moment
        in_change_season = moment.month in (3, 10) and moment.day >= 24
        moment += timedelta(minutes=30) if in_change_season else timedelta(hours=12)


def test_there_are_two_changes_a_year_of_which_the_known_ones() -> None:
    changes = [moment for moment, _ in ONSETS if moment.year in (2026, 2027)]
    assert [f"{moment:%Y-%m-%d %H:%M}" for moment in changes] == [
        "2026-03-29 01:00",
        "2026-10-25 01:00",
        "2027-03-28 01:00",
        "2027-10-31 01:00",
    ]


def test_the_constant_is_two_rules_and_no_list_of_dates() -> None:
    written = vtimezone("Europe/London")
    assert written.count(b"RRULE:") == 2
    assert b"RDATE" not in written
    assert written.count(b"\n") == written.count(b"\r\n")
    assert len(written) == 373


def test_another_zone_has_no_vtimezone_rather_than_a_wrong_one() -> None:
    assert vtimezone("America/New_York") == b""
