"""How a pattern is put into words."""

from collections.abc import Iterable
from datetime import datetime

from booking.base.words import day
from booking.schedule.recurrence import Pattern

UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month"}
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WHICH = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "last but one"}


def pattern_words(pattern: Pattern) -> str:
    """`Every 2 weeks on Monday and Friday, 10 times`."""
    unit = UNITS[pattern.frequency]
    every = f"Every {unit}" if pattern.interval == 1 else f"Every {pattern.interval} {unit}s"
    return f"{every}{_on(pattern)}, {_ending(pattern)}"


def _on(pattern: Pattern) -> str:
    if pattern.weekdays:
        return f" on {joined(_weekday(*one) for one in pattern.weekdays)}"
    if pattern.month_days:
        return f" on {joined(_month_day(one) for one in pattern.month_days)}"
    return ""


def _weekday(number: int, which: int) -> str:
    if not which:
        return DAY_NAMES[number]
    return f"the {_WHICH.get(which) or f'{_ordinal(-which)} last'} {DAY_NAMES[number]}"


def _month_day(number: int) -> str:
    if number > 0:
        return f"the {_ordinal(number)}"
    return "the last day" if number == -1 else f"the {_ordinal(-number)} last day"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def _ending(pattern: Pattern) -> str:
    left_out = len(pattern.left_out)
    without = f", {left_out} left out" if left_out else ""
    if pattern.until is None:
        return f"{pattern.count} time{'' if pattern.count == 1 else 's'}{without}"
    until = pattern.until.date() if isinstance(pattern.until, datetime) else pattern.until
    return f"until {day(until)}{without}"


def joined(words: Iterable[str]) -> str:
    """`A, B and C`."""
    found = list(words)
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
