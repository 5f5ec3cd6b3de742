"""The time axis of the timeline: columns of equal width, each standing for a stretch of real time.

The stretches need not be equally long: a week shows working hours half hour by half hour and each
night as one column, so that it can be read without zooming. All edges are moments in UTC, counted
from local midnight to local midnight, so that days of 23 and 25 hours come out right.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from booking.base.period import Period, at, midnight
from booking.facilities.places import FacilityPlace

QUARTER, HALF_HOUR, HOUR = timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1)
DAY_FROM, DAY_TO = 6, 20
TARGET = 25  # pixels: nothing narrower is made a link (WCAG 2.2, 2.5.8)
NAME = 208  # pixels of the resource column, as in timeline.css
SHEETS = {"day": 960, "whole": 1472, "week": 1216, "month": 1200}  # least widths, as in timeline.css


@dataclass(frozen=True)
class Head:
    """A heading over some columns."""

    label: str
    span: int
    day: date
    note: str = ""
    today: bool = False
    minor: bool = False


@dataclass(frozen=True)
class Axis:
    """The columns of one view with their headings; `least` columns are wide enough for a link."""

    view: str
    tz: ZoneInfo
    edges: tuple[datetime, ...]
    days: tuple[Head, ...]
    hours: tuple[Head, ...]
    sheet: str

    @property
    def window(self) -> Period:
        return Period(self.edges[0], self.edges[-1])

    @property
    def columns(self) -> int:
        return len(self.edges) - 1

    @property
    def least(self) -> int:
        """Return how many columns are wide enough to click or touch."""
        width = (SHEETS[self.sheet] - NAME) / self.columns
        return min(self.columns, -int(-TARGET // width))

    def day_starts(self) -> frozenset[int]:
        """Return the columns with which a day begins."""
        starts, column = [], 0
        for head in self.days:
            starts.append(column)
            column += head.span
        return frozenset(starts)

    def position(self, moment: datetime) -> float:
        """Return where a moment lies, counted in columns from the left."""
        if moment <= self.edges[0]:
            return 0.0
        if moment >= self.edges[-1]:
            return float(self.columns)
        n = bisect_right(self.edges, moment) - 1
        return n + (moment - self.edges[n]) / (self.edges[n + 1] - self.edges[n])

    def percent(self, moment: datetime) -> float | None:
        """Return where a moment lies in hundredths of the width; None outside."""
        if not self.edges[0] <= moment < self.edges[-1]:
            return None
        return round(100 * self.position(moment) / self.columns, 3)

    def steps(self) -> str:
        """Return the columns' lengths as `count x minutes`, for the browser."""
        lengths = [int((b - a).total_seconds() // 60) for a, b in pairwise(self.edges)]
        runs: list[list[int]] = []
        for length in lengths:
            if runs and runs[-1][1] == length:
                runs[-1][0] += 1
            else:
                runs.append([1, length])
        return ",".join(f"{count}x{length}" for count, length in runs)

    def scale(self) -> list[tuple[str, int]]:
        """Return a short scale: hours of a day three by three, days of a week, Mondays of a month."""
        if self.view == "week":
            return [(head.label[:2], head.span) for head in self.days]
        heads = self.hours if self.view == "day" else self.days
        starts = [
            n
            for n, head in enumerate(heads)
            if n == 0 or (n % 3 == 0 if self.view == "day" else head.day.weekday() == 0)
        ]
        spans = [sum(head.span for head in heads[a:b]) for a, b in pairwise([*starts, len(heads)])]
        return [(heads[n].label[:2], span) for n, span in zip(starts, spans, strict=True)]

    def lines(self, heads: tuple[Head, ...]) -> list[float]:
        """Return where the lines between some headings are, in hundredths of the width."""
        places, column = [], 0
        for head in heads[:-1]:
            column += head.span
            places.append(round(100 * column / self.columns, 3))
        return places


def day_axis(
    day: date, tz: ZoneInfo, today: date, whole: bool = False, outside: Iterable[datetime] = ()
) -> Axis:
    """Build a day of quarter hours: 06:00 to 20:00 and what lies outside of it, or all of it.

    A day on which the clocks change is always shown whole.
    """
    first, last = midnight(day, tz), midnight(day + timedelta(days=1), tz)
    if not whole and last - first == timedelta(days=1):
        moments = list(outside)
        morning = min([at(day, time(DAY_FROM), tz), *(_floor(m, tz) for m in moments)])
        evening = max([at(day, time(DAY_TO), tz), *(_ceil(m, tz) for m in moments)])
        first, last = max(first, morning), min(last, evening)
    count = int((last - first) / QUARTER)
    edges = tuple(first + n * QUARTER for n in range(count + 1))
    heads = (Head(f"{day:%A} {day.day} {day:%B}", count, day, today=day == today),)
    sheet = "whole" if count > 60 else "day"
    return Axis("day", tz, edges, heads, _hour_heads(edges, tz), sheet)


def _floor(moment: datetime, tz: ZoneInfo) -> datetime:
    local = moment.astimezone(tz)
    return (local - timedelta(minutes=local.minute, seconds=local.second)).astimezone(UTC)


def _ceil(moment: datetime, tz: ZoneInfo) -> datetime:
    down = _floor(moment, tz)
    return down if down == moment else down + HOUR


def _hour_heads(edges: tuple[datetime, ...], tz: ZoneInfo) -> tuple[Head, ...]:
    """Label the local hours; an hour that the clock shows twice says which one it is."""
    locals_ = [edge.astimezone(tz) for edge in edges[:-1]]
    starts = [n for n, local in enumerate(locals_) if n == 0 or local.minute == 0]
    names = [f"{locals_[n]:%H}" for n in starts]
    heads = []
    for n, (start, end) in enumerate(pairwise([*starts, len(locals_)])):
        local = locals_[start]
        label = f"{names[n]} {local.tzname()}" if names.count(names[n]) > 1 else f"{names[n]}:00"
        heads.append(Head(label, end - start, local.date()))
    return tuple(heads)


def week_axis(monday: date, facility: FacilityPlace, kinds: frozenset[str], today: date) -> Axis:
    """Build a week: working hours in half hours, each night as one column, days without hours narrow."""
    opens, closes = _working_hours(facility, kinds)
    step = HALF_HOUR if closes - opens <= 14 else HOUR
    open_days = {hours.weekday for hours in facility.hours if hours.hours in kinds} or set(range(7))
    edges: list[datetime] = [midnight(monday, facility.tz)]
    days: list[Head] = []
    hours: list[Head] = []
    for n in range(7):
        day = monday + timedelta(days=n)
        narrow = day.weekday() not in open_days
        inner = _thirds(day, facility.tz) if narrow else _working_day(day, opens, closes, step, facility.tz)
        inner = [*inner, midnight(day + timedelta(days=1), facility.tz)]
        label = f"{day:%a} {day.day}" if narrow else f"{day:%a} {day.day} {day:%b}"
        days.append(Head(label, len(inner), day, today=day == today, minor=narrow))
        hours += (
            [Head("", len(inner), day)]
            if narrow
            else _third_hours([edges[-1], *inner], opens, closes, facility.tz)
        )
        edges += inner
    return Axis("week", facility.tz, tuple(edges), tuple(days), tuple(hours), "week")


def _working_hours(facility: FacilityPlace, kinds: frozenset[str]) -> tuple[int, int]:
    spans = [hours for hours in facility.hours if hours.hours in kinds]
    opens = min((span.opens.hour for span in spans), default=7)
    closes = max((span.closes.hour + (span.closes > time(span.closes.hour)) for span in spans), default=19)
    return opens, min(closes, 24)


def _working_day(day: date, opens: int, closes: int, step: timedelta, tz: ZoneInfo) -> list[datetime]:
    first, last = at(day, time(opens), tz), midnight(day + timedelta(days=1), tz)
    last = at(day, time(closes), tz) if closes < 24 else last
    count = int((last - first) / step)
    edges = [first + n * step for n in range(count + 1)]
    return [edge for edge in edges if midnight(day, tz) < edge < midnight(day + timedelta(days=1), tz)]


def _thirds(day: date, tz: ZoneInfo) -> list[datetime]:
    return [at(day, time(hour), tz) for hour in range(3, 24, 3)]


def _third_hours(edges: list[datetime], opens: int, closes: int, tz: ZoneInfo) -> list[Head]:
    """Label every third working hour of a day; nights have no label."""
    locals_ = [edge.astimezone(tz) for edge in edges[:-1]]
    labels = {
        n: f"{local:%H}" if opens <= local.hour < closes else ""
        for n, local in enumerate(locals_)
        if n == 0 or (local.minute == 0 and (local.hour - opens) % 3 == 0 and opens <= local.hour)
    }
    closing = next((n for n, local in enumerate(locals_) if local.hour >= closes), None)
    if closing is not None:
        labels[closing] = ""
    starts = sorted(labels)
    return [Head(labels[a], b - a, locals_[0].date()) for a, b in pairwise([*starts, len(locals_)])]


def month_axis(first: date, tz: ZoneInfo, today: date) -> Axis:
    """Build a month with a column for each day."""
    days = [first]
    while (following := days[-1] + timedelta(days=1)).month == first.month:
        days.append(following)
    edges = [midnight(day, tz) for day in [*days, days[-1] + timedelta(days=1)]]
    heads = [
        Head(f"{day.day}", 1, day, f"{day:%a}"[:2], today=day == today, minor=day.weekday() > 4)
        for day in days
    ]
    return Axis("month", tz, tuple(edges), tuple(heads), (), "month")
