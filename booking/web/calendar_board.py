"""The board of the calendar: everything below the controls, laid out for one viewer from one query."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby

from booking.base.period import Period, day_period, midnight
from booking.bookings.queries import Block, blocks
from booking.facilities.places import ResourcePlace, hour_kinds
from booking.people.viewer import Viewer
from booking.web import words
from booking.web.calendar_asked import Asked
from booking.web.calendar_list import LIST_DAYS, ListDay, list_days
from booking.web.calendar_rows import RowView, RowWriter
from booking.web.timeline_axis import Axis, Head, day_axis, month_axis, week_axis


@dataclass(frozen=True)
class Group:
    """A room's band with its rows."""

    name: str
    note: str
    rows: tuple[RowView, ...]


@dataclass(frozen=True)
class Board:
    """A timeline (an axis and groups of rows) or a list (days); `now` in hundredths of the width."""

    count: int
    axis: Axis | None = None
    groups: tuple[Group, ...] = ()
    days: tuple[ListDay, ...] = ()
    closures: tuple[str, ...] = ()
    shut: Mapping[date, str] = field(default_factory=dict)
    now: float | None = None
    hour_now: int = -1


def board(asked: Asked, found: Sequence[ResourcePlace], viewer: Viewer, now: datetime) -> Board:
    """Lay out what a viewer sees: one query for all bookings, whatever the view."""
    ids = [resource.id for resource in found]
    shown = blocks(viewer, ids, _window(asked), by_unit=asked.view != "list")
    if asked.view == "list":
        return Board(len(found), days=tuple(list_days(asked, found, shown, now)))
    axis = _axis(asked, viewer, shown, now)
    writer = RowWriter(asked, axis, viewer, now)
    percent = axis.percent(now)
    return Board(
        count=len(found),
        axis=axis,
        groups=tuple(_groups(writer, found, shown)),
        closures=tuple(_closures(writer.shut)),
        shut=writer.shut,
        now=percent,
        hour_now=_head_at(axis.hours, axis.position(now)) if percent is not None else -1,
    )


def _window(asked: Asked) -> Period:
    tz, first = asked.facility.tz, asked.first
    following = first + timedelta(days=1 if asked.view == "day" else LIST_DAYS)
    if asked.view == "month":
        following = (first + timedelta(days=32)).replace(day=1)
    return Period(midnight(first, tz), midnight(following, tz))


def _axis(asked: Asked, viewer: Viewer, shown: Sequence[Block], now: datetime) -> Axis:
    tz, first = asked.facility.tz, asked.first
    today = now.astimezone(tz).date()
    if asked.view == "month":
        return month_axis(first, tz, today)
    if asked.view == "week":
        return week_axis(first, asked.facility, hour_kinds(viewer.role), today)
    day = day_period(first, tz)
    ends = [m for b in shown for m in (b.starts_at, b.ends_at) if day.start < m < day.end]
    return day_axis(first, tz, today, asked.whole, ends)


def _groups(writer: RowWriter, found: Sequence[ResourcePlace], shown: Sequence[Block]) -> Iterator[Group]:
    """Gather resources by room, in catalogue order; what has no room comes last."""
    by_resource: dict[int, list[Block]] = defaultdict(list)
    for block in shown:
        by_resource[block.resource_id].append(block)
    rooms: dict[int, list[ResourcePlace]] = defaultdict(list)
    for resource in found:
        rooms[resource.room.id if resource.room else 0].append(resource)
    for members in (rooms[key] for key in sorted(rooms, key=lambda key: key == 0)):
        room = members[0].room
        rows = tuple(row for r in members for row in writer.rows(r, by_resource.get(r.id, [])))
        note = f"{room.code} · up to {room.max_persons} people" if room else ""
        yield Group(room.name if room else "No room of its own", note, rows)


def _closures(shut: Mapping[date, str]) -> Iterator[str]:
    """Name the days on which the whole facility is closed, neighbours of one name together."""
    for name, days in groupby(shut, key=lambda day: shut[day]):
        known = list(days)
        if name:
            until = f" – {words.day(known[-1])}" if len(known) > 1 else ""
            yield f"{words.day(known[0])}{until}, {name}"


def _head_at(heads: Sequence[Head], position: float) -> int:
    column = 0
    for n, head in enumerate(heads):
        column += head.span
        if position < column:
            return n
    return -1
