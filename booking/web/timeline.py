"""The layout of the timeline: what a viewer sees of a resource becomes the cells of a table row.

Plain values in, plain values out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from booking.base.period import Period, merge
from booking.bookings.queries import Block
from booking.schedule.free import use_over_time
from booking.web.timeline_axis import Axis
from booking.web.timeline_cells import Cell, cells
from booking.web.timeline_stretches import Stretch, clearances, cleared, overlay, pieces

Run = tuple[int, int, tuple[tuple[int, int], bool]]


@dataclass(frozen=True)
class Lane:
    """A row of the timeline: its chain of stretches and its cells."""

    stretches: tuple[Stretch, ...]
    cells: tuple[Cell, ...]
    busy: tuple[Period, ...] = ()


def lane(axis: Axis, beneath: Sequence[Stretch], blocks: Sequence[Block], unit_id: int) -> Lane:
    """Lay out one unit."""
    tops = [piece for block in blocks for piece in pieces(block, unit_id)]
    chain = overlay(cleared(beneath, clearances(blocks, unit_id)), tops)
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
