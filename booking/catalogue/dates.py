"""Days in a catalogue: `2026-11-23`, or counted from the day of the first loading: `T0-8w`, `T0+2w>mon`."""

import re
from datetime import date, time, timedelta

from booking.base.period import MAX_MOMENT, MIN_MOMENT

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
YEARS_AROUND = range(-1, 4)
_ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:>([a-z]{3}))?")
_RELATIVE = re.compile(r"T0(?:([+-])([0-9]{1,5})([dw]))?(?:>([a-z]{3}))?")
_YEARLY = re.compile(r"([0-9]{2}-[0-9]{2})(?:>([a-z]{3}))?")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def day(text: str, t0: date) -> date:
    """Return the day that a text names; raise `ValueError` with the reason if it names none."""
    if found := _ISO.fullmatch(text):
        return _within_reach(_snap(_calendar_day(found[1]), found[2]))
    if not (found := _RELATIVE.fullmatch(text)):
        raise ValueError("give a day as 2026-11-23, or relative to the day of loading as T0+26w")
    days = int(found[2] or 0) * (7 if found[3] == "w" else 1)
    try:
        moved = t0 + timedelta(days=-days if found[1] == "-" else days)
    except OverflowError:
        raise ValueError("this day is out of reach") from None
    return _within_reach(_snap(moved, found[4]))


def yearly(text: str, year: int) -> date:
    """Return the day of a year that a text such as `12-24` or `08-08>mon` names."""
    if not (found := _YEARLY.fullmatch(text)):
        raise ValueError("give a yearly day as 12-24, or as 08-08>mon for the Monday from then on")
    return _snap(_calendar_day(f"{year}-{found[1]}"), found[2])


def clock_time(text: str) -> time:
    """Return the time that a text such as `08:30` names."""
    if not (found := _CLOCK.fullmatch(text)):
        raise ValueError("give a time as 08:30")
    return time(int(found[1]), int(found[2]))


def _calendar_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no day {text}") from None


def _snap(start: date, weekday: str | None) -> date:
    """Move to the first such weekday from a day on."""
    if weekday is None:
        return start
    if weekday not in WEEKDAYS:
        raise ValueError(f"weekdays are {', '.join(WEEKDAYS)}")
    return start + timedelta(days=(WEEKDAYS.index(weekday) - start.weekday()) % 7)


def _within_reach(found: date) -> date:
    if not MIN_MOMENT.date() <= found < MAX_MOMENT.date():
        raise ValueError(f"the year {found.year} is out of reach")
    return found
