"""The list of the calendar: what is booked, day by day, in order of time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from flask import url_for

from booking.base.period import Period, day_period
from booking.bookings.queries import Block
from booking.bookings.visibility import Level
from booking.facilities.places import ResourcePlace
from booking.web import words
from booking.web.calendar_asked import Asked
from booking.web.calendar_words import shut_on

LIST_DAYS = 7


@dataclass(frozen=True)
class ListLine:
    """A line: when on this day, what, where, and who if one may know."""

    when: str
    title: str
    where: str
    status: str
    href: str | None = None
    note: str = ""
    mine: bool = False


@dataclass(frozen=True)
class ListDay:
    """A day; `closed` is the name of a closure of the whole facility."""

    label: str
    today: bool
    closed: str
    lines: tuple[ListLine, ...]


@dataclass(frozen=True)
class _Entry:
    """A booking with all its resources, or a busy stretch of one."""

    start: datetime
    end: datetime
    title: str
    where: str
    block: Block

    @property
    def period(self) -> Period:
        return Period(self.start, self.end)


def list_days(
    asked: Asked, found: Sequence[ResourcePlace], shown: Sequence[Block], now: datetime
) -> Iterator[ListDay]:
    """Yield the days of the list; what lasts longer than a day is in each of its days."""
    tz = asked.facility.tz
    entries = sorted(
        _entries(shown, {resource.id: resource for resource in found}),
        key=lambda entry: (entry.start, entry.end, entry.title),
    )
    for n in range(LIST_DAYS):
        day = asked.first + timedelta(days=n)
        whole = day_period(day, tz)
        lines = (_line(e, whole, asked.facility.timezone) for e in entries if whole.overlaps(e.period))
        label = f"{day:%A} {day.day} {day:%B}"
        is_today = day == now.astimezone(tz).date()
        yield ListDay(label, is_today, shut_on(asked.facility, day), tuple(lines))


def _line(entry: _Entry, day: Period, timezone: str) -> ListLine:
    block = entry.block
    seen = block.level >= Level.PARTIAL
    return ListLine(
        when=_when(entry, day, timezone),
        title=entry.title,
        where=entry.where,
        status=block.status,
        href=url_for("bookings.show", booking_id=block.booking_id) if seen else None,
        note=block.organiser if seen else "",
        mine=block.mine,
    )


def _when(entry: _Entry, day: Period, timezone: str) -> str:
    """Say when it is on one day: a long one says until when, or that it goes on."""
    starts_here, ends_here = entry.start >= day.start, entry.end <= day.end
    start, end = (words.clock_time(moment, timezone) for moment in (entry.start, entry.end))
    if starts_here and ends_here:
        return f"{start}–{'24:00' if entry.end == day.end else end}"
    if starts_here:
        return f"{start} – {words.moment(entry.end, timezone)}"
    return f"until {end}" if ends_here else "all day"


def _entries(shown: Iterable[Block], resources: Mapping[int, ResourcePlace]) -> Iterator[_Entry]:
    """Gather a booking's resources into one entry."""
    for _, group in groupby(sorted(shown, key=_identity), _identity):
        same = list(group)
        taken: dict[int, int] = defaultdict(int)
        for block in same:
            taken[block.resource_id] += block.units
        where = ", ".join(_named(resources[key], units) for key, units in taken.items())
        first = same[0]
        yield _Entry(first.starts_at, first.ends_at, first.title or first.label or "Busy", where, first)


def _identity(block: Block) -> tuple[str, int, datetime, datetime, str]:
    resource_id = 0 if block.booking_id else block.resource_id
    return block.booking_id, resource_id, block.starts_at, block.ends_at, block.label


def _named(resource: ResourcePlace, units: int) -> str:
    return f"{resource.code} {resource.name}" + (f" × {units}" if units > 1 else "")
