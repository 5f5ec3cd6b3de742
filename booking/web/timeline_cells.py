"""From time to columns: each column goes to the stretch that fills most of it.

What is too small for a column, or too narrow to be clicked, is gathered in a cluster that draws it to scale.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from booking.base.period import Period
from booking.web.timeline_axis import Axis
from booking.web.timeline_stretches import HELD, SOLID, Stretch


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
