"""The layout of the timeline: what a viewer sees of a resource becomes the cells of a table row.

Plain values in, plain values out. A row is first a chain of stretches without gaps (open, closed,
booked, set-up …) in real time; then each column goes to the stretch that fills most of it, and what
is too small for a column, or too narrow to be clicked, is gathered in a cell that draws it to scale.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import pairwise

from booking.base.period import Period, day_period, days_of, merge
from booking.bookings.queries import Block
from booking.schedule.free import use_over_time
from booking.web.timeline_axis import Axis
from booking.web.timeline_days import Days

SOLID = frozenset({"booking", "busy"})
HELD = frozenset({"setup", "changeover"})
OPEN = frozenset({"free", "clearing"})


@dataclass(frozen=True)
class Stretch:
    """A part of a row in real time: `free`, `clearing`, `closed`, `closure`, `notyet`, `booking`, `busy`,
    `setup`, `changeover` or `count`; `used` is the fewest and the most units taken, where there are several.
    """

    kind: str
    start: datetime
    end: datetime
    text: str = ""
    block: Block | None = None
    used: tuple[int, int] = (0, 0)
    mine: bool = False

    @property
    def period(self) -> Period:
        return Period(self.start, self.end)


@dataclass(frozen=True)
class Mark:
    """A stretch drawn to scale within a cell: where it begins and how wide it is, in columns."""

    stretch: Stretch
    x: float
    width: float


@dataclass(frozen=True)
class Cell:
    """A table cell over `span` columns; a `cluster` holds marks, any other one stretch."""

    kind: str
    column: int
    span: int
    stretch: Stretch
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Lane:
    """A row of the timeline: its chain of stretches and its cells."""

    stretches: tuple[Stretch, ...]
    cells: tuple[Cell, ...]
    busy: tuple[Period, ...] = field(default=())


# --- what lies beneath the bookings: open, closed, closure, not yet ---------------------------------


def ground(days: Days, window: Period, by_day: bool = False) -> list[Stretch]:
    """Return when a resource is open or not, without gaps; `by_day` takes a day as one thing."""
    chain: list[Stretch] = []
    for day in days_of(window, days.resource.facility.tz):
        for stretch in _ground_of(days, day, by_day):
            clipped = _clip(stretch, window)
            if clipped is None:
                continue
            if chain and _same(chain[-1], clipped) and clipped.kind != "free":
                chain[-1] = replace(chain[-1], end=clipped.end)
            else:
                chain.append(clipped)
    return chain


def _ground_of(days: Days, day: date, by_day: bool) -> Iterator[Stretch]:
    whole = day_period(day, days.resource.facility.tz)
    reason = days.why_not(day)
    if reason is not None:
        yield Stretch(reason[0], whole.start, whole.end, reason[1])
        return
    opening = days.opening(day)
    if by_day:
        yield Stretch("free" if opening else "closed", whole.start, whole.end)
        return
    moment = whole.start
    for span in opening:
        if moment < span.start:
            yield Stretch("closed", moment, span.start)
        yield Stretch("free", span.start, span.end)
        moment = span.end
    if moment < whole.end:
        yield Stretch("closed", moment, whole.end)


def _same(one: Stretch, other: Stretch) -> bool:
    return (one.kind, one.text, one.block, one.used, one.mine) == (
        other.kind,
        other.text,
        other.block,
        other.used,
        other.mine,
    )


def _clip(stretch: Stretch, window: Period) -> Stretch | None:
    start, end = max(stretch.start, window.start), min(stretch.end, window.end)
    return replace(stretch, start=start, end=end) if start < end else None


# --- what lies on top --------------------------------------------------------------------------------


def pieces(block: Block, unit_id: int) -> Iterator[Stretch]:
    """Yield what a block takes of one unit: set-up, use and changeover, or a busy stretch."""
    held = next((h for h in block.held if h.unit_id == unit_id), None)
    if held is None:
        yield Stretch("busy", block.starts_at, block.ends_at, block.label, block)
        return
    if held.starts_at < block.starts_at:
        yield Stretch("setup", held.starts_at, block.starts_at, "Set-up", block)
    yield Stretch("booking", block.starts_at, block.ends_at, block.title, block, mine=block.mine)
    if block.ends_at < held.held_until:
        yield Stretch("changeover", block.ends_at, held.held_until, "Changeover", block)


def clearances(blocks: Iterable[Block], unit_id: int) -> list[Period]:
    """Return when a unit is being cleared for another client, though the same client may have it."""
    return merge(
        Period(held.held_until, held.cleared_until)
        for block in blocks
        for held in block.held
        if held.unit_id == unit_id and held.held_until < held.cleared_until
    )


def overlay(chain: Sequence[Stretch], on_top: Iterable[Stretch]) -> list[Stretch]:
    """Lay stretches over a chain: what is on top covers what is beneath; the chain stays without gaps."""
    if not chain:
        return []
    window = Period(chain[0].start, chain[-1].end)
    result: list[Stretch] = []
    moment = window.start
    beneath = _Beneath(chain)
    for stretch in sorted(on_top, key=lambda s: (s.start, s.end)):
        start, end = max(stretch.start, moment), min(stretch.end, window.end)
        if start >= end:
            continue
        result += beneath.between(moment, start)
        result.append(replace(stretch, start=start, end=end))
        moment = end
    return [*result, *beneath.between(moment, window.end)]


class _Beneath:
    """Reads a chain from left to right."""

    def __init__(self, chain: Sequence[Stretch]) -> None:
        self._chain = chain
        self._next = 0

    def between(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        while self._next < len(self._chain) and self._chain[self._next].end <= start:
            self._next += 1
        n = self._next
        while start < end and n < len(self._chain) and self._chain[n].start < end:
            under = self._chain[n]
            yield replace(under, start=max(under.start, start), end=min(under.end, end))
            n += 1


def _cleared(chain: Sequence[Stretch], periods: Iterable[Period]) -> list[Stretch]:
    """Mark the open time in which a unit is cleared for another client."""
    tops = [
        Stretch("clearing", max(under.start, period.start), min(under.end, period.end))
        for period in periods
        for under in chain
        if under.kind == "free" and under.period.overlaps(period)
    ]
    return overlay(chain, tops)


def lane(axis: Axis, beneath: Sequence[Stretch], blocks: Sequence[Block], unit_id: int) -> Lane:
    """Lay out one unit."""
    tops = [piece for block in blocks for piece in pieces(block, unit_id)]
    chain = overlay(_cleared(beneath, clearances(blocks, unit_id)), tops)
    taken = merge(top.period for top in tops)
    return Lane(tuple(chain), tuple(cells(axis, chain)), tuple(taken))


def count_lane(axis: Axis, beneath: Sequence[Stretch], blocks: Sequence[Block], units: int) -> Lane:
    """Lay out a resource of several units as one row that shows how many are taken."""
    taken = use_over_time(row for block in blocks for row in _unit_use(block))
    mine = merge(Period(b.starts_at, b.ends_at) for b in blocks if b.mine)
    tops = [
        replace(part, mine=any(m.overlaps(part.period) for m in mine))
        for period, used in taken
        for part in _split(Stretch("count", period.start, period.end, used=(used, used)), mine)
    ]
    chain = overlay(beneath, tops)
    full = merge(period for period, used in taken if used >= units)
    return Lane(tuple(chain), tuple(cells(axis, _with_counts(axis, beneath, tops))), tuple(full))


def _unit_use(block: Block) -> Iterator[tuple[Period, int]]:
    if not block.held:
        yield Period(block.starts_at, block.ends_at), block.units
    for held in block.held:
        yield Period(held.starts_at, held.held_until), 1


def _split(stretch: Stretch, periods: Iterable[Period]) -> Iterator[Stretch]:
    """Cut a stretch where one of the periods begins or ends."""
    cuts = {m for p in periods for m in (p.start, p.end) if stretch.start < m < stretch.end}
    moments = [stretch.start, *sorted(cuts), stretch.end]
    for start, end in pairwise(moments):
        yield replace(stretch, start=start, end=end)


def _with_counts(axis: Axis, beneath: Sequence[Stretch], counts: Sequence[Stretch]) -> list[Stretch]:
    """Round counts to columns and join those that are too narrow to be read with their neighbours."""
    columns = [(0, 0)] * axis.columns
    mine = [False] * axis.columns
    for count in counts:
        first, last = int(axis.position(count.start)), -int(-axis.position(count.end) // 1)
        for n in range(first, min(last, axis.columns)):
            low, high = columns[n]
            columns[n] = (min(low, count.used[0]) if high else count.used[0], max(high, count.used[1]))
            mine[n] = mine[n] or count.mine
    runs = _runs(list(zip(columns, mine, strict=True)), axis.day_starts())
    joined = _join_narrow(runs, axis.least)
    tops = [
        Stretch("count", axis.edges[a], axis.edges[b], used=used, mine=is_mine)
        for a, b, (used, is_mine) in joined
        if used[1]
    ]
    return overlay(beneath, tops)


Run = tuple[int, int, tuple[tuple[int, int], bool]]


def _runs(values: Sequence[tuple[tuple[int, int], bool]], day_starts: frozenset[int]) -> list[Run]:
    """Join equal neighbours of the same day."""
    runs: list[Run] = []
    for n, value in enumerate(values):
        if runs and runs[-1][2] == value and n not in day_starts:
            runs[-1] = (runs[-1][0], n + 1, value)
        else:
            runs.append((n, n + 1, value))
    return runs


def _join_narrow(runs: list[Run], least: int) -> list[Run]:
    joined: list[Run] = []
    for run in runs:
        if joined and _joins(joined[-1], run, least):
            a, _, (used, mine) = joined[-1]
            _, b, (more, also) = run
            joined[-1] = (a, b, ((min(used[0], more[0]), max(used[1], more[1])), mine or also))
        else:
            joined.append(run)
    return joined


def _joins(one: Run, other: Run, least: int) -> bool:
    counted = one[2][0][1] > 0 and other[2][0][1] > 0
    return counted and (one[1] - one[0] < least or other[1] - other[0] < least)


# --- from time to columns ----------------------------------------------------------------------------


def cells(axis: Axis, chain: Sequence[Stretch]) -> list[Cell]:
    """Give each column to a stretch, and gather in clusters what is too small or too narrow."""
    if not chain:
        return []
    owners = _owners(axis, chain)
    crowded = _crowded(axis, chain, owners)
    spans = _spans(owners, crowded, apart=axis.view == "month")
    spans = _widen(spans, chain, axis.least)
    return [_cell(axis, chain, span) for span in spans]


def _owners(axis: Axis, chain: Sequence[Stretch]) -> list[int]:
    """Return for each column the stretch that fills most of it; of equals the one that is booked."""
    shares: list[tuple[float, bool, int]] = [(0.0, False, 0)] * axis.columns
    for index, stretch in enumerate(chain):
        a, b = axis.position(stretch.start), axis.position(stretch.end)
        for n in range(int(a), min(-int(-b // 1), axis.columns)):
            share = min(b, n + 1) - max(a, n)
            candidate = (round(share, 6), stretch.kind in SOLID, index)
            if candidate[:2] > shares[n][:2]:
                shares[n] = candidate
    return [index for _, _, index in shares]


def _crowded(axis: Axis, chain: Sequence[Stretch], owners: Sequence[int]) -> set[int]:
    """Return the columns that hold a booking too small to own any column."""
    settled = set(owners)
    return {
        min(int(axis.position(stretch.start)), axis.columns - 1)
        for index, stretch in enumerate(chain)
        if stretch.kind in SOLID and index not in settled
    }


@dataclass(frozen=True)
class _Span:
    """Columns [a, b) that belong to one stretch, or to a cluster if `owner` is None."""

    a: int
    b: int
    owner: int | None

    @property
    def width(self) -> int:
        return self.b - self.a


def _spans(owners: Sequence[int], crowded: set[int], apart: bool) -> list[_Span]:
    spans: list[_Span] = []
    for n, index in enumerate(owners):
        owner = None if n in crowded else index
        if spans and spans[-1].owner == owner and not (owner is None and apart):
            spans[-1] = _Span(spans[-1].a, n + 1, owner)
        else:
            spans.append(_Span(n, n + 1, owner))
    return spans


def _widen(spans: list[_Span], chain: Sequence[Stretch], least: int) -> list[_Span]:
    """Make clusters of what is too narrow to be a target, with room from what lies beside it."""

    def is_target(span: _Span) -> bool:
        return span.owner is None or chain[span.owner].kind in SOLID

    result = list(spans)
    while (n := _first(result, lambda s: is_target(s) and s.width < least)) is not None:
        grown = _grow(result, n, chain, least)
        if grown is None:
            break
        result = grown
    return result


def _first(spans: Sequence[_Span], test: Callable[[_Span], bool]) -> int | None:
    return next((n for n, span in enumerate(spans) if test(span)), None)


def _grow(spans: list[_Span], n: int, chain: Sequence[Stretch], least: int) -> list[_Span] | None:
    """Let a narrow span take columns from its neighbours: first from free time, else from what is there."""
    span = spans[n]
    around = [m for m in (n - 1, n + 1) if 0 <= m < len(spans)]
    if not around:
        return None
    giver = min(around, key=lambda m: (_cost(spans[m], chain, least), -spans[m].width))
    other = spans[giver]
    taken = _given(other, chain, least, least - span.width)
    if giver < n:
        rest = [_Span(other.a, other.b - taken, other.owner)] if taken < other.width else []
        return [*spans[:giver], *rest, _Span(span.a - taken, span.b, None), *spans[n + 1 :]]
    rest = [_Span(other.a + taken, other.b, other.owner)] if taken < other.width else []
    return [*spans[:n], _Span(span.a, span.b + taken, None), *rest, *spans[giver + 1 :]]


def _given(other: _Span, chain: Sequence[Stretch], least: int, missing: int) -> int:
    """Return how many columns a neighbour gives: all of them if too few would be left to it."""
    some = min(other.width, (missing + 1) // 2)
    if other.owner is None:
        return other.width
    solid = chain[other.owner].kind in SOLID
    return other.width if solid and other.width - some < least else some


def _cost(span: _Span, chain: Sequence[Stretch], least: int) -> int:
    if span.owner is None:
        return 2
    if chain[span.owner].kind in SOLID:
        return 1 if span.width < least else 3
    return 0


def _cell(axis: Axis, chain: Sequence[Stretch], span: _Span) -> Cell:
    if span.owner is not None:
        stretch = chain[span.owner]
        return Cell(stretch.kind, span.a, span.width, stretch)
    window = Period(axis.edges[span.a], axis.edges[span.b])
    marks = []
    for stretch in chain:
        if stretch.kind in SOLID | HELD and stretch.period.overlaps(window):
            x = max(axis.position(stretch.start) - span.a, 0.0)
            end = min(axis.position(stretch.end) - span.a, float(span.width))
            marks.append(Mark(stretch, round(x, 3), round(end - x, 3)))
    first = next((mark.stretch for mark in marks if mark.stretch.kind in SOLID), chain[0])
    return Cell("cluster", span.a, span.width, first, tuple(marks))
