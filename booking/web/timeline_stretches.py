"""A row of the timeline as a chain of stretches without gaps, in real time: open, closed, booked, set-up …

Plain values in, plain values out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from booking.base.period import Period, day_period, days_of, merge
from booking.bookings.queries import Block
from booking.web.timeline_days import Days

SOLID = frozenset({"booking", "busy"})
HELD = frozenset({"setup", "changeover"})


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


# --- what lies beneath: open, closed, a closure, not yet ---------------------------------------------


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


def cleared(chain: Sequence[Stretch], periods: Iterable[Period]) -> list[Stretch]:
    """Mark the open time in which a unit is cleared for another client."""
    tops = [
        Stretch("clearing", max(under.start, period.start), min(under.end, period.end))
        for period in periods
        for under in chain
        if under.kind == "free" and under.period.overlaps(period)
    ]
    return overlay(chain, tops)
