"""The rows of the timeline in words: each cell with its link, its name for screen readers and its details."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from flask import url_for

from booking.base.period import Period
from booking.bookings.queries import Block
from booking.facilities.places import ResourcePlace
from booking.people.viewer import Viewer
from booking.web import words
from booking.web.calendar_asked import Asked
from booking.web.calendar_phone import AgendaLine, Strip, agenda, mark_css, strip, summary
from booking.web.calendar_words import Wording, fold_of, shut_on, state_words, unit_words, units_words
from booking.web.timeline import Lane, count_lane, lane
from booking.web.timeline_axis import Axis
from booking.web.timeline_cells import Cell
from booking.web.timeline_days import Days
from booking.web.timeline_gaps import Terms, anchors, offer, terms, why_not_offered
from booking.web.timeline_stretches import SOLID, Stretch, ground

LINES = 8  # of a cluster's details
CLEARING = "Being cleared for other clients; the same client may follow on."


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
    marks: Strip = ()


@dataclass(frozen=True)
class RowView:
    """A row: a resource, or one unit of an opened one."""

    resource: ResourcePlace
    name: str
    note: str
    cells: tuple[CellView, ...]
    rules: Terms
    anchor: int
    unit: str = ""
    opened: bool = False
    toggle_href: str = ""
    strip: Strip = ()
    agenda: tuple[AgendaLine, ...] = ()
    summary: str = ""

    @property
    def bookable(self) -> bool:
        return self.rules.allowed

    @property
    def units(self) -> int:
        return 1 if self.unit else len(self.resource.units)


@dataclass(frozen=True)
class _Row:
    """What the cells of a row are made from."""

    resource: ResourcePlace
    rules: Terms
    lane: Lane
    unit: str = ""

    @property
    def name(self) -> str:
        return f"{self.resource.code} {self.unit}".strip()

    @property
    def counts(self) -> bool:
        return len(self.resource.units) > 1 and not self.unit


class RowWriter:
    """Lays out the resources of one board and puts them into words."""

    def __init__(self, asked: Asked, axis: Axis, viewer: Viewer, now: datetime) -> None:
        self.asked, self.axis, self.viewer, self.now = asked, axis, viewer, now
        self.wording = Wording(asked.facility.timezone)
        self.hours: dict[date, list[Period]] = {}
        self.shut = {head.day: shut_on(asked.facility, head.day) for head in axis.days}

    def rows(self, resource: ResourcePlace, shown: Sequence[Block]) -> Iterator[RowView]:
        """Yield a resource's row, and one for each unit if it is opened."""
        days = Days(resource, self.viewer.role, self.hours)
        rules = terms(days, self.now)
        beneath = ground(days, self.axis.window, by_day=self.axis.view == "month")
        yield self._row(_Row(resource, rules, self._lane(resource, beneath, shown)))
        if resource.code not in self.asked.opened or len(resource.units) < 2:
            return
        for unit in resource.units:
            on_it = [block for block in shown if unit.id in block.unit_ids]
            laid = lane(self.axis, beneath, on_it, unit.id)
            yield self._row(_Row(resource, rules, laid, unit.name))

    def _lane(self, resource: ResourcePlace, beneath: Sequence[Stretch], shown: Sequence[Block]) -> Lane:
        if len(resource.units) > 1:
            return count_lane(self.axis, beneath, shown, len(resource.units))
        unit_id = resource.units[0].id if resource.units else 0
        return lane(self.axis, beneath, shown, unit_id)

    def _row(self, row: _Row) -> RowView:
        resource, by_day = row.resource, self.axis.view == "day"
        anchor = min(anchors(row.rules, self.axis.days[0].day), default=time())
        return RowView(
            resource=resource,
            name=unit_words(row.unit, resource) if row.unit else resource.name,
            note="" if row.unit else _note(resource),
            cells=tuple(self._cell(cell, row) for cell in row.lane.cells),
            rules=row.rules,
            anchor=anchor.hour * 60 + anchor.minute,
            unit=row.unit,
            opened=resource.code in self.asked.opened,
            toggle_href=self._toggle(resource) if row.counts else "",
            strip=strip(row.lane, self.axis),
            agenda=tuple(agenda(row.lane, row.rules, self.wording, self._new(row))) if by_day else (),
            summary="" if by_day else summary(row.lane, len(resource.units)),
        )

    def _toggle(self, resource: ResourcePlace) -> str:
        return self.asked.href(opened=self.asked.opened ^ {resource.code})

    def _new(self, row: _Row) -> "NewHref":
        return NewHref(row.resource.code, row.unit, self.wording)

    # --- cells

    def _cell(self, cell: Cell, row: _Row) -> CellView:
        block = cell.stretch.block
        if cell.kind == "cluster":
            return self._cluster(cell, row)
        if cell.kind == "booking" and block:
            return self._booking(cell, block, row)
        if cell.kind in ("free", "clearing"):
            return self._gap(cell, row)
        if cell.kind == "count":
            return self._count(cell, row)
        return self._quiet(cell)

    def _quiet(self, cell: Cell) -> CellView:
        """Busy, set-up, changeover, closed, closure, not yet: nothing to click."""
        what = cell.stretch
        if what.kind == "busy":
            name, when = what.text or "Busy", self.wording.when(what)
            tip = f"{name}\n{when}"
            return CellView("busy", cell.span, css=self._cut(what), title=name, said=f", {when}", tip=tip)
        if what.kind in ("setup", "changeover"):
            tip = f"{what.text}\n{self.wording.when(what)}"
            return CellView("held", cell.span, css=f"bk--{what.kind}", said=what.text, tip=tip)
        if what.kind == "closure":
            said_above = self.shut.get(self.wording.day_of(what)) == what.text
            title = "" if said_above else what.text
            return CellView("closure", cell.span, title=title, said=f"Closed: {what.text}")
        if what.kind == "notyet":
            return CellView("notyet", cell.span, title=what.text)
        return CellView("closed", cell.span, said="Closed")

    def _booking(self, cell: Cell, block: Block, row: _Row) -> CellView:
        return CellView(
            "booking",
            cell.span,
            href=url_for("bookings.show", booking_id=block.booking_id),
            key=f"b-{block.booking_id}-{row.resource.code}",
            css=f"bk--{block.status}{' bk--mine' if block.mine else ''}{self._cut(cell.stretch)}",
            title=block.title,
            who=block.organiser,
            said=f", {self.wording.when_of(block)}, {state_words(block)}",
            tip=self.wording.details(block, row.resource),
            block=block if block.changeable else None,
        )

    def _cluster(self, cell: Cell, row: _Row) -> CellView:
        """One booking leads to itself, several to a view that shows more of the day."""
        solids = [mark.stretch for mark in cell.marks if mark.stretch.kind in SOLID]
        single = solids[0].block if len(solids) == 1 else None
        css, number = "", ""
        if self.axis.view == "month":
            is_mine = " is-mine" if any(what.mine for what in solids) else ""
            css, number = f" bk-cluster--day{is_mine}", str(len(solids))
        seen = single is not None and single.booking_id
        basis = self._booking(cell, single, row) if single and seen else self._several(cell, solids, row)
        said = f"{basis.title}{basis.said}" if seen else basis.said
        marks = tuple((mark_css(mark.stretch), mark.x, mark.width) for mark in cell.marks)
        return CellView(
            "cluster",
            cell.span,
            href=basis.href,
            key=basis.key,
            css=css,
            title=number,
            said=said,
            tip=basis.tip,
            block=basis.block,
            marks=marks,
        )

    def _several(self, cell: Cell, solids: Sequence[Stretch], row: _Row) -> CellView:
        day = self.wording.day_of(solids[0])
        lines = [f"{self.wording.clock(what)} {what.text or 'Busy'}" for what in solids]
        more = [f"and {len(lines) - LINES} more"] if len(lines) > LINES else []
        told = [*lines[:LINES], *more]
        closer = "list" if self.axis.view == "day" else "day"
        return CellView(
            "several",
            cell.span,
            href=self.asked.href(view=closer, day=day),
            key=f"k-{row.name}-{cell.column}",
            said=f"{row.name}: {', '.join(told)}",
            tip="\n".join([f"{words.day(day)}, {row.name}", *told]),
        )

    def _gap(self, cell: Cell, row: _Row) -> CellView:
        free = cell.stretch
        look = "past" if free.end <= self.now else cell.kind
        slot = offer(row.rules, free.period, row.lane.busy) if cell.span >= self.axis.least else None
        if slot is None:
            why = "" if look == "past" else why_not_offered(row.rules, free.period)
            return CellView(look, cell.span, tip=f"Free {self.wording.clock(free)}\n{why}" if why else "")
        when = words.when(slot.start, slot.end, self.wording.timezone)
        lines = [f"Free {self.wording.clock(free)}", f"Book {when}"]
        return CellView(
            look,
            cell.span,
            href=self._new(row)(slot),
            key=f"g-{row.name}-{int(free.start.timestamp())}",
            said=f"Book {row.name}, {when}",
            tip="\n".join([*lines, CLEARING] if look == "clearing" else lines),
            slot=slot,
        )

    def _count(self, cell: Cell, row: _Row) -> CellView:
        """How many units are taken: a link to book one of the others, or to see each if all are."""
        what, units = cell.stretch, len(row.resource.units)
        low, high = what.used
        is_wide, is_target = cell.span >= 2 * self.axis.least, cell.span >= self.axis.least
        used = str(high) if low == high else f"{low}–{high}"
        slot = offer(row.rules, what.period, row.lane.busy) if is_target and low < units else None
        see_each = self._toggle(row.resource) if is_target and low >= units else None
        said = f"{used} of {units} in use, {self.wording.clock(what)}"
        return CellView(
            "count",
            cell.span,
            href=self._new(row)(slot) if slot else see_each,
            key=f"c-{row.name}-{cell.column}",
            css=f"load--{_level(low, high, units)}{' bk--mine' if what.mine else ''}",
            title=f"{used} of {units}" if is_wide else f"{high}/{units}",
            said=f"{said}{', some mine' if what.mine else ''}{'. Book one' if slot else ''}",
            tip=f"{used} of {units} in use\n{self.wording.when(what)}{_mine_too(what)}",
            slot=slot,
        )

    def _cut(self, what: Stretch) -> str:
        """Return the classes of a booking that goes on beyond the edge of the view."""
        block, window = what.block, self.axis.window
        if block is None:
            return ""
        before = " is-from" if block.starts_at < window.start else ""
        return before + (" is-on" if block.ends_at > window.end else "")


@dataclass(frozen=True)
class NewHref:
    """Makes the address of the form that books a slot of one resource."""

    code: str
    unit: str
    wording: Wording

    def __call__(self, slot: Period) -> str:
        start, end = (moment.astimezone(self.wording.tz) for moment in (slot.start, slot.end))
        return url_for(
            "bookings.new",
            resource=self.code,
            unit=self.unit or None,
            start=f"{start:%Y-%m-%dT%H:%M}",
            end=f"{end:%Y-%m-%dT%H:%M}",
            start_fold=fold_of(start),
            end_fold=fold_of(end),
        )


def _note(resource: ResourcePlace) -> str:
    several = len(resource.units) > 1
    return f"{resource.code} · {units_words(len(resource.units), resource)}" if several else resource.code


def _level(low: int, high: int, units: int) -> str:
    """Return how full a resource is, in five steps."""
    return "full" if low >= units else str(min(4, 1 + 4 * high // (units + 1)))


def _mine_too(what: Stretch) -> str:
    return "\nSome of it is mine" if what.mine else ""
