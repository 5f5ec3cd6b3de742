"""The board of the calendar: rooms, rows and cells with their words and addresses, ready to be shown."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from flask import url_for

from booking.base.period import Period, day_period, midnight
from booking.bookings.queries import Block, blocks
from booking.bookings.visibility import Level
from booking.facilities.places import FacilityPlace, ResourcePlace, holiday_name, hour_kinds
from booking.people.viewer import Viewer
from booking.web import words
from booking.web.calendar_asked import Asked
from booking.web.timeline import SOLID, Cell, Lane, Stretch, count_lane, ground, lane
from booking.web.timeline_axis import Axis, Head, day_axis, month_axis, week_axis
from booking.web.timeline_gaps import Terms, anchors, offer, terms, why_not_offered

LIST_DAYS = 7
STATUS = {
    "requested": "Requested",
    "confirmed": "Confirmed",
    "in_use": "In use",
    "completed": "Completed",
    "no_show": "No-show",
}
KINDS = {
    "workstation": "Workstations",
    "incubator": "Incubators",
    "bioreactor": "Bioreactors",
    "downstream": "Downstream",
    "analytical": "Analysis",
    "storage": "Storage",
    "support": "Support",
    "teaching": "Teaching",
    "people": "People",
    "room": "Rooms",
}


@dataclass(frozen=True)
class CellView:
    """A table cell as the template writes it; `tip` has a line for each fact."""

    look: str
    span: int
    href: str | None = None
    key: str = ""
    css: str = ""
    title: str = ""
    who: str = ""
    said: str = ""
    tip: str = ""
    block: Block | None = None
    slot: Period | None = None
    marks: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True)
class AgendaLine:
    """A line of a resource's day on a phone."""

    when: str
    what: str
    href: str | None
    status: str = ""
    free: bool = False
    mine: bool = False


@dataclass(frozen=True)
class RowView:
    """A row: a resource, or one unit of an opened one."""

    resource: ResourcePlace
    name: str
    note: str
    cells: tuple[CellView, ...]
    rules: Terms
    unit: str = ""
    opened: bool = False
    toggle_href: str = ""
    strip: tuple[tuple[str, float, float], ...] = ()
    agenda: tuple[AgendaLine, ...] = ()
    summary: str = ""
    anchor: int = 0

    @property
    def bookable(self) -> bool:
        return self.rules.allowed

    @property
    def units(self) -> int:
        return 1 if self.unit else len(self.resource.units)


@dataclass(frozen=True)
class Group:
    """A room's band with its rows."""

    name: str
    note: str
    rows: tuple[RowView, ...]


@dataclass(frozen=True)
class ListLine:
    """A line of the list view."""

    when: str
    title: str
    where: str
    status: str
    href: str | None = None
    note: str = ""
    mine: bool = False


@dataclass(frozen=True)
class ListDay:
    """A day of the list view; `closed` is the name of a closure of the whole facility."""

    label: str
    today: bool
    closed: str
    lines: tuple[ListLine, ...]


@dataclass(frozen=True)
class Board:
    """Everything that is shown below the controls, and that changes while one looks."""

    axis: Axis | None
    groups: tuple[Group, ...] = ()
    days: tuple[ListDay, ...] = ()
    heads: tuple[Head, ...] = ()
    closures: tuple[str, ...] = ()
    shut: Mapping[date, str] = field(default_factory=dict)
    now: float | None = None
    count: int = 0
    hour_now: int = field(default=-1)


def kind_words(kind: str) -> str:
    """Return a kind's name for people."""
    return KINDS.get(kind, kind.capitalize())


def board(asked: Asked, found: Sequence[ResourcePlace], viewer: Viewer, now: datetime) -> Board:
    """Lay out what a viewer sees: one query for all bookings, whatever the view."""
    window = _window(asked)
    shown = blocks(viewer, [resource.id for resource in found], window, by_unit=True)
    if asked.view == "list":
        return Board(None, days=tuple(_list_days(asked, found, shown, now)), count=len(found))
    axis = _axis(asked, viewer, shown, now)
    writer = _Writer(asked, axis, viewer, now)
    by_resource: dict[int, list[Block]] = defaultdict(list)
    for block in shown:
        by_resource[block.resource_id].append(block)
    groups = tuple(_groups(writer, found, by_resource))
    percent = axis.percent(now)
    return Board(
        axis=axis,
        groups=groups,
        closures=tuple(writer.closures_in_words()),
        shut=writer.shut,
        now=percent,
        count=len(found),
        hour_now=_head_at(axis.hours, axis.position(now)) if percent is not None else -1,
    )


def _head_at(heads: Sequence[Head], position: float) -> int:
    column = 0
    for n, head in enumerate(heads):
        column += head.span
        if position < column:
            return n
    return -1


def _window(asked: Asked) -> Period:
    tz = asked.facility.tz
    first = asked.first
    if asked.view == "day":
        return day_period(first, tz)
    if asked.view == "month":
        return Period(midnight(first, tz), midnight((first + timedelta(days=32)).replace(day=1), tz))
    return Period(midnight(first, tz), midnight(first + timedelta(days=LIST_DAYS), tz))


def _axis(asked: Asked, viewer: Viewer, shown: Sequence[Block], now: datetime) -> Axis:
    tz = asked.facility.tz
    today = now.astimezone(tz).date()
    first = asked.first
    if asked.view == "month":
        return month_axis(first, tz, today)
    if asked.view == "week":
        return week_axis(first, asked.facility, hour_kinds(viewer.role), today)
    day = day_period(first, tz)
    ends = [m for b in shown for m in (b.starts_at, b.ends_at) if day.start < m < day.end]
    return day_axis(first, tz, today, asked.whole, ends)


def _groups(
    writer: "_Writer", found: Sequence[ResourcePlace], shown: dict[int, list[Block]]
) -> Iterator[Group]:
    """Gather resources by room, in catalogue order; what has no room comes last."""
    rooms: dict[int, list[ResourcePlace]] = defaultdict(list)
    for resource in found:
        rooms[resource.room.id if resource.room else 0].append(resource)
    for room_id in sorted(rooms, key=lambda key: key == 0):
        members = rooms[room_id]
        room = members[0].room
        rows = tuple(row for r in members for row in writer.rows(r, shown.get(r.id, [])))
        note = f"{room.code} · up to {room.max_persons} people" if room else ""
        yield Group(room.name if room else "No room of its own", note, rows)


class _Writer:
    """Puts the rows of one board into words."""

    def __init__(self, asked: Asked, axis: Axis, viewer: Viewer, now: datetime) -> None:
        self.asked, self.axis, self.viewer, self.now = asked, axis, viewer, now
        self.tz: ZoneInfo = asked.facility.tz
        self.timezone = asked.facility.timezone
        self.shut = {head.day: shut_on(asked.facility, head.day) for head in axis.days}

    def closures_in_words(self) -> Iterator[str]:
        """Name the days on which the whole facility is closed, neighbours of one name together."""
        for name, days in groupby(self.shut, key=lambda day: self.shut[day]):
            known = list(days)
            if name:
                until = f" – {words.day(known[-1])}" if len(known) > 1 else ""
                yield f"{words.day(known[0])}{until}, {name}"

    def rows(self, resource: ResourcePlace, shown: Sequence[Block]) -> Iterator[RowView]:
        """Yield a resource's row, and one for each unit if it is opened."""
        rules = terms(resource, self.viewer.role, self.now)
        beneath = ground(resource, self.viewer.role, self.axis.window, by_day=self.axis.view == "month")
        several = len(resource.units) > 1
        if not resource.units:
            laid = Lane(tuple(beneath), ())
        elif several:
            laid = count_lane(self.axis, beneath, shown, len(resource.units))
        else:
            laid = lane(self.axis, beneath, shown, resource.units[0].id)
        opened = several and resource.code in self.asked.opened
        yield self._row(resource, rules, laid, opened)
        for unit in resource.units if opened else ():
            mine = [block for block in shown if unit.id in block.unit_ids]
            yield self._row(resource, rules, lane(self.axis, beneath, mine, unit.id), unit=unit.name)

    def _row(
        self, resource: ResourcePlace, rules: Terms, laid: Lane, opened: bool = False, unit: str = ""
    ) -> RowView:
        several = len(resource.units) > 1 and not unit
        anchor = min(anchors(rules, self.axis.days[0].day), default=time())
        return RowView(
            resource=resource,
            name=unit_words(unit, resource) if unit else resource.name,
            note="" if unit else self._note(resource, several),
            cells=tuple(self.cell(cell, resource, rules, laid, unit) for cell in laid.cells),
            rules=rules,
            unit=unit,
            opened=opened,
            toggle_href=self._toggle(resource) if several else "",
            strip=tuple(self._strip(laid)),
            agenda=tuple(self._agenda(resource, rules, laid, unit)) if self.axis.view == "day" else (),
            summary=self._summary(resource, laid) if self.axis.view != "day" else "",
            anchor=anchor.hour * 60 + anchor.minute,
        )

    def _note(self, resource: ResourcePlace, several: bool) -> str:
        return f"{resource.code} · {units_words(len(resource.units), resource)}" if several else resource.code

    def _toggle(self, resource: ResourcePlace) -> str:
        return self.asked.href(opened=self.asked.opened ^ {resource.code})

    # --- cells

    def cell(self, cell: Cell, resource: ResourcePlace, rules: Terms, laid: Lane, unit: str) -> CellView:
        if cell.kind == "cluster":
            return self._cluster(cell, resource)
        if cell.kind == "booking" and cell.stretch.block:
            return self._booking(cell, cell.stretch.block, resource)
        if cell.kind in ("free", "clearing"):
            return self._gap(cell, resource, rules, laid, unit)
        if cell.kind == "count":
            return self._count(cell, resource, rules, laid)
        return self._quiet(cell)

    def _quiet(self, cell: Cell) -> CellView:
        """Busy, set-up, changeover, closed, closure, not yet: nothing to click."""
        stretch = cell.stretch
        if stretch.kind == "busy":
            name = stretch.text or "Busy"
            said = f", {self.when(stretch)}"
            return CellView(
                "busy",
                cell.span,
                css=self._cut(stretch),
                title=name,
                said=said,
                tip=f"{name}\n{self.when(stretch)}",
            )
        if stretch.kind in ("setup", "changeover"):
            return CellView(
                "held",
                cell.span,
                css=f"bk--{stretch.kind}",
                said=stretch.text,
                tip=f"{stretch.text}\n{self.when(stretch)}",
            )
        if stretch.kind == "closure":
            day = stretch.start.astimezone(self.tz).date()
            known = self.shut.get(day) == stretch.text
            return CellView(
                "closure", cell.span, title="" if known else stretch.text, said=f"Closed: {stretch.text}"
            )
        if stretch.kind == "notyet":
            return CellView("notyet", cell.span, title=stretch.text)
        return CellView("closed", cell.span, said="Closed")

    def _booking(self, cell: Cell, block: Block, resource: ResourcePlace) -> CellView:
        css = f"bk--{block.status}{' bk--mine' if block.mine else ''}{self._cut(cell.stretch)}"
        return CellView(
            "booking",
            cell.span,
            href=url_for("bookings.show", booking_id=block.booking_id),
            key=f"b-{block.booking_id}-{resource.code}",
            css=css,
            title=block.title,
            who=block.organiser,
            said=f", {self.when_of(block)}, {self._state(block)}",
            tip=self.tip(block, resource),
            block=block if block.changeable else None,
        )

    def _cluster(self, cell: Cell, resource: ResourcePlace) -> CellView:
        solids = [mark.stretch for mark in cell.marks if mark.stretch.kind in SOLID]
        seen = {s.block.booking_id: s.block for s in solids if s.block and s.block.booking_id}
        marks = tuple((mark_css(mark.stretch), mark.x, mark.width) for mark in cell.marks)
        by_day = self.axis.view == "month"
        mine = any(stretch.mine for stretch in solids)
        css = f" bk-cluster--day{' is-mine' if mine else ''}" if by_day else ""
        number = str(len(solids)) if by_day else ""
        if len(solids) == 1 and seen:
            (block,) = seen.values()
            return CellView(
                "cluster",
                cell.span,
                href=url_for("bookings.show", booking_id=block.booking_id),
                key=f"b-{block.booking_id}-{resource.code}",
                said=f"{block.title}, {self.when_of(block)}, {self._state(block)}",
                tip=self.tip(block, resource),
                block=block if block.changeable else None,
                css=css,
                title=number,
                marks=marks,
            )
        day = cell.stretch.start.astimezone(self.tz).date()
        lines = [f"{self.clock(s)} {s.text or 'Busy'}" for s in solids]
        return CellView(
            "cluster",
            cell.span,
            href=self._closer(day),
            key=f"k-{resource.code}-{int(cell.stretch.start.timestamp())}",
            said=f"{resource.code}: {', '.join(lines[:6])}",
            tip="\n".join(
                [f"{words.day(day)}, {resource.code}", *lines[:8], *(["…"] if len(lines) > 8 else [])]
            ),
            css=css,
            title=number,
            marks=marks,
        )

    def _closer(self, day: date) -> str:
        """Return the address of a view that shows more of a day."""
        return self.asked.href(view="list" if self.axis.view == "day" else "day", day=day)

    def _gap(self, cell: Cell, resource: ResourcePlace, rules: Terms, laid: Lane, unit: str) -> CellView:
        stretch = cell.stretch
        look = "past" if stretch.end <= self.now else cell.kind
        slot = offer(rules, stretch.period, laid.busy) if cell.span >= self.axis.least else None
        if slot is None:
            why = "" if look == "past" else why_not_offered(rules, stretch.period)
            return CellView(look, cell.span, tip=f"Free {self.clock(stretch)}\n{why}" if why else "")
        when = words.when(slot.start, slot.end, self.timezone)
        lines = [f"Free {self.clock(stretch)}", f"Book {when}"]
        if look == "clearing":
            lines.append("Being cleared for other clients; the same client may follow on.")
        return CellView(
            look,
            cell.span,
            href=self._new(resource, slot, unit),
            key=f"g-{resource.code}-{unit}-{int(stretch.start.timestamp())}",
            said=f"Book {resource.code}{' ' + unit if unit else ''}, {when}",
            tip="\n".join(lines),
            slot=slot,
        )

    def _count(self, cell: Cell, resource: ResourcePlace, rules: Terms, laid: Lane) -> CellView:
        stretch, units = cell.stretch, len(resource.units)
        low, high = stretch.used
        full = low >= units
        wide = cell.span >= 2 * self.axis.least
        used = str(high) if low == high else f"{low}–{high}"
        slot = None if full or cell.span < self.axis.least else offer(rules, stretch.period, laid.busy)
        level = "full" if full else str(min(4, 1 + 4 * high // (units + 1)))
        taken = f"{used} of {units} in use"
        said = f"{taken}, {self.clock(stretch)}{', some mine' if stretch.mine else ''}"
        return CellView(
            "count",
            cell.span,
            href=self._new(resource, slot)
            if slot
            else self._toggle(resource)
            if full and cell.span >= self.axis.least
            else None,
            key=f"c-{resource.code}-{cell.column}",
            css=f"load--{level}{' bk--mine' if stretch.mine else ''}",
            title=f"{used} of {units}" if wide else f"{high}/{units}",
            said=f"{said}. Book one" if slot else said,
            tip=f"{taken}\n{self.when(stretch)}" + ("\nSome of it is mine" if stretch.mine else ""),
            slot=slot,
        )

    def _new(self, resource: ResourcePlace, slot: Period, unit: str = "") -> str:
        start, end = (moment.astimezone(self.tz) for moment in (slot.start, slot.end))
        return url_for(
            "bookings.new",
            resource=resource.code,
            start=f"{start:%Y-%m-%dT%H:%M}",
            end=f"{end:%Y-%m-%dT%H:%M}",
            start_fold=fold_of(start),
            end_fold=fold_of(end),
            unit=unit or None,
        )

    # --- on a phone

    def _strip(self, laid: Lane) -> Iterator[tuple[str, float, float]]:
        for stretch in laid.stretches:
            css = mark_css(stretch)
            if css:
                a, b = self.axis.position(stretch.start), self.axis.position(stretch.end)
                if b > a:
                    yield css, round(a, 2), round(b - a, 2)

    def _summary(self, resource: ResourcePlace, laid: Lane) -> str:
        """Say in a few words how much a resource is used in the time shown."""
        counts = [stretch.used[1] for stretch in laid.stretches if stretch.kind == "count"]
        if counts:
            return f"Up to {max(counts)} of {len(resource.units)} in use"
        solids = [stretch for stretch in laid.stretches if stretch.kind in SOLID]
        mine = sum(stretch.mine for stretch in solids)
        if not solids:
            return next((s.text for s in laid.stretches if s.kind == "notyet"), "Nothing is booked")
        booked = f"{len(solids)} booking{'s' if len(solids) > 1 else ''}"
        return f"{booked}, {mine} mine" if mine else booked

    def _agenda(self, resource: ResourcePlace, rules: Terms, laid: Lane, unit: str) -> Iterator[AgendaLine]:
        units = len(resource.units)
        for stretch in joined_free(laid.stretches):
            when, block = self.clock(stretch), stretch.block
            if stretch.kind == "booking" and block:
                href = url_for("bookings.show", booking_id=block.booking_id)
                yield AgendaLine(when, block.title, href, block.status, mine=block.mine)
            elif stretch.kind == "busy":
                yield AgendaLine(when, stretch.text or "Busy", None, "busy")
            elif stretch.kind == "count":
                slot = offer(rules, stretch.period, laid.busy) if stretch.used[1] < units else None
                yield AgendaLine(
                    when,
                    f"{stretch.used[1]} of {units} in use",
                    self._new(resource, slot) if slot else None,
                    free=bool(slot),
                    mine=stretch.mine,
                )
            elif stretch.kind == "free":
                slot = offer(rules, stretch.period, laid.busy)
                why = why_not_offered(rules, stretch.period) if stretch.end > self.now else ""
                if slot:
                    yield AgendaLine(when, "Free", self._new(resource, slot, unit), free=True)
                elif why:
                    yield AgendaLine(when, f"Free. {why}", None)
            elif stretch.kind in ("closure", "notyet"):
                yield AgendaLine("", stretch.text, None)

    # --- words

    def when(self, stretch: Stretch) -> str:
        return words.when(stretch.start, stretch.end, self.timezone)

    def when_of(self, block: Block) -> str:
        return words.when(block.starts_at, block.ends_at, self.timezone)

    def clock(self, stretch: Stretch) -> str:
        """`09:00–12:00`, with days where it reaches beyond one."""
        a, b = stretch.start.astimezone(self.tz), stretch.end.astimezone(self.tz)
        if a.date() == b.date() or (b.time() == time() and b.date() - a.date() == timedelta(days=1)):
            end = f"{b:%H:%M}" if b.date() == a.date() else "24:00"
            return f"{a:%H:%M}–{end}"
        return f"{a:%a %H:%M} – {b:%a %H:%M}"

    def tip(self, block: Block, resource: ResourcePlace) -> str:
        """Return everything about a booking that a glance may want, line by line."""
        span = words.length(block.ends_at - block.starts_at)
        lines = [block.title, f"{self.when_of(block)} ({span})", f"{block.organiser} · {self._state(block)}"]
        if block.units > 1:
            lines.append(units_words(block.units, resource))
        around = self._around(block)
        return "\n".join([*lines, *([around] if around else [])])

    def _around(self, block: Block) -> str:
        if not block.held:
            return ""
        first = min(held.starts_at for held in block.held)
        last = max(held.held_until for held in block.held)
        cleared = max(held.cleared_until for held in block.held)
        parts = []
        if first < block.starts_at:
            parts.append(f"set-up from {self._moment(first, block.starts_at)}")
        if block.ends_at < last:
            parts.append(f"changeover until {self._moment(last, block.ends_at)}")
        if last < cleared:
            parts.append(f"cleared for other clients at {self._moment(cleared, block.ends_at)}")
        text = ", ".join(parts)
        return text[:1].upper() + text[1:]

    def _moment(self, moment: datetime, beside: datetime) -> str:
        local, other = moment.astimezone(self.tz), beside.astimezone(self.tz)
        return f"{local:%H:%M}" if local.date() == other.date() else f"{local:%a %H:%M}"

    def _state(self, block: Block) -> str:
        return STATUS.get(block.status, block.status) + (" · mine" if block.mine else "")

    def _cut(self, stretch: Stretch) -> str:
        """Return the classes of a booking that goes on beyond the edge of the view."""
        block = stretch.block
        if block is None:
            return ""
        before = " is-from" if block.starts_at < self.axis.window.start else ""
        return before + (" is-on" if block.ends_at > self.axis.window.end else "")


def joined_free(chain: Iterable[Stretch]) -> list[Stretch]:
    """Take free time as one, whether or not it is being cleared for other clients."""
    joined: list[Stretch] = []
    for stretch in chain:
        if stretch.kind == "clearing":
            stretch = replace(stretch, kind="free")
        if joined and stretch.kind == joined[-1].kind == "free":
            joined[-1] = replace(joined[-1], end=stretch.end)
        else:
            joined.append(stretch)
    return joined


def mark_css(stretch: Stretch) -> str:
    """Return the class of a rectangle that stands for a stretch; empty for what is not drawn."""
    if stretch.kind == "booking" and stretch.block:
        return f"strip-{stretch.block.status}{' strip-mine' if stretch.block.mine else ''}"
    if stretch.kind == "count":
        return f"strip-count{' strip-mine' if stretch.mine else ''}"
    names = {
        "busy": "busy",
        "setup": "setup",
        "changeover": "changeover",
        "free": "free",
        "clearing": "free",
        "notyet": "notyet",
    }
    return f"strip-{names[stretch.kind]}" if stretch.kind in names else ""


def fold_of(local: datetime) -> str | None:
    """Tell which of two equal clock readings a local time is; None where it happens once."""
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return None
    return "second" if local.fold else "first"


def unit_words(name: str, resource: ResourcePlace) -> str:
    """Name one unit: `Shelf 3` where its own name is only a number."""
    return f"{resource.unit_name} {name}".capitalize() if name.isdigit() else name


def units_words(count: int, resource: ResourcePlace) -> str:
    """`8 shelves`, `1 place`."""
    name = resource.unit_name
    if count == 1:
        return f"1 {name}"
    if name.endswith("person"):
        return f"{count} {name[:-6]}people"
    plural = (
        f"{name[:-1]}ves"
        if name.endswith("f")
        else f"{name}es"
        if name.endswith(("s", "x", "ch"))
        else f"{name}s"
    )
    return f"{count} {plural}"


def shut_on(facility: FacilityPlace, day: date) -> str:
    """Return the name of a closure or holiday of the whole facility on a day, or an empty text."""
    for closure in facility.closures:
        if (
            closure.room_id is None
            and closure.resource_id is None
            and closure.first_day <= day <= closure.last_day
        ):
            return closure.name
    return holiday_name(facility.holidays, day)


# --- the list ----------------------------------------------------------------------------------------


def _list_days(
    asked: Asked, found: Sequence[ResourcePlace], shown: Sequence[Block], now: datetime
) -> Iterator[ListDay]:
    tz = asked.facility.tz
    resources = {resource.id: resource for resource in found}
    today = now.astimezone(tz).date()
    first = asked.day
    by_day: dict[date, list[ListLine]] = defaultdict(list)
    for entry in sorted(_entries(shown, resources), key=lambda e: (e.start, e.end, e.title)):
        for n in range(LIST_DAYS):
            day = first + timedelta(days=n)
            whole = day_period(day, tz)
            if whole.overlaps(Period(entry.start, entry.end)):
                by_day[day].append(entry.line(whole, asked.facility.timezone))
    for n in range(LIST_DAYS):
        day = first + timedelta(days=n)
        label = f"{day:%A} {day.day} {day:%B}"
        yield ListDay(label, day == today, shut_on(asked.facility, day), tuple(by_day[day]))


@dataclass(frozen=True)
class _Entry:
    """A booking with all its resources, or a busy stretch of one, before it is put into words."""

    start: datetime
    end: datetime
    title: str
    where: str
    block: Block

    def line(self, day: Period, timezone: str) -> ListLine:
        """Say when it is on one day: a long one says since when, or until when, or that it goes on."""
        block = self.block
        begins, ends = self.start >= day.start, self.end <= day.end
        a, b = words.clock_time(self.start, timezone), words.clock_time(self.end, timezone)
        if begins and ends:
            when = f"{a}–{'24:00' if self.end == day.end else b}"
        elif begins:
            when = f"{a} – {words.moment(self.end, timezone)}"
        else:
            when = f"until {b}" if ends else "all day"
        seen = block.level >= Level.PARTIAL
        return ListLine(
            when=when,
            title=self.title,
            where=self.where,
            status=block.status,
            href=url_for("bookings.show", booking_id=block.booking_id) if seen else None,
            note=block.organiser if seen else "",
            mine=block.mine,
        )


def _entries(shown: Iterable[Block], resources: dict[int, ResourcePlace]) -> Iterator[_Entry]:
    """Gather a booking's resources into one entry, and the busy units of a resource likewise."""

    def key(block: Block) -> tuple[str, int, datetime, datetime, str]:
        if block.booking_id:
            return block.booking_id, 0, block.starts_at, block.ends_at, ""
        return "", block.resource_id, block.starts_at, block.ends_at, block.label

    for _, group in groupby(sorted(shown, key=key), key):
        same = list(group)
        first = same[0]
        taken: dict[int, int] = defaultdict(int)
        for block in same:
            taken[block.resource_id] += block.units
        where = ", ".join(
            f"{resources[r].code} {resources[r].name}" + (f" × {n}" if n > 1 else "")
            for r, n in taken.items()
        )
        yield _Entry(first.starts_at, first.ends_at, first.title or first.label or "Busy", where, first)
