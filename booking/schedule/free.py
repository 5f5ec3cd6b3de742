"""Which units are free: plain values in, plain values out. The database's guard says the same in SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from booking.base.period import Period

MAX_HOLD = timedelta(days=35)
MAX_CLEARANCE = timedelta(days=7)
ENDS = timedelta(minutes=30)


@dataclass(frozen=True)
class Taken:
    """A stretch that somebody holds on one unit; `seen` if the asking person may know whose it is."""

    hold_id: int
    unit_id: int
    resource_id: int
    client: str | None
    starts_at: datetime
    held_until: datetime
    cleared_until: datetime
    kind: str = "booking"
    used: Period | None = None
    seen: bool = False


@dataclass(frozen=True)
class Claim:
    """What a booking wants of one resource: its use, with set-up, changeover and clearance around it."""

    resource_id: int
    used: Period
    starts_at: datetime
    held_until: datetime
    cleared_until: datetime
    client: str | None
    units: int = 1
    named: tuple[int, ...] = ()

    def clashes_with(self, taken: Taken) -> bool:
        """Tell whether both cannot be on the same unit: held times overlap, or clearance is missing."""
        if self.starts_at < taken.held_until and taken.starts_at < self.held_until:
            return True
        if self.client is None or taken.client is None or self.client == taken.client:
            return False
        return self.starts_at < taken.cleared_until and taken.starts_at < self.cleared_until


def claim(
    resource_id: int,
    used: Period,
    minutes: tuple[int, int, int],
    client: str,
    units: int = 1,
    named: tuple[int, ...] = (),
) -> Claim:
    """Build a claim; `minutes` are set-up, changeover (same client) and clearance (other client)."""
    setup, changeover, clearance = (timedelta(minutes=m) for m in minutes)
    return Claim(
        resource_id=resource_id,
        used=used,
        starts_at=used.start - setup,
        held_until=used.end + changeover,
        cleared_until=used.end + max(changeover, clearance),
        client=client,
        units=units,
        named=named,
    )


def choose_units(wanted: Claim, all_units: Sequence[int], taken: Iterable[Taken]) -> list[int] | None:
    """Return the named units, or the lowest free ones, or None if there are not enough."""
    blocked = {t.unit_id for t in taken if t.resource_id == wanted.resource_id and wanted.clashes_with(t)}
    if wanted.named:
        return None if blocked & set(wanted.named) else list(wanted.named)
    free = [unit for unit in all_units if unit not in blocked]
    return free[: wanted.units] if len(free) >= wanted.units else None


@dataclass(frozen=True)
class PeopleThere:
    """People in a room for a while."""

    room_id: int
    period: Period
    people: int


def presence_of(room_id: int, used: Period, people: int, attended: bool) -> list[PeopleThere]:
    """Return when people are in the room: all the time if attended, else the first and last half hour."""
    if people <= 0:
        return []
    if attended or used.length <= 2 * ENDS:
        return [PeopleThere(room_id, used, people)]
    first, last = Period(used.start, used.start + ENDS), Period(used.end - ENDS, used.end)
    return [PeopleThere(room_id, first, people), PeopleThere(room_id, last, people)]


def most_people(there: Sequence[PeopleThere], room_id: int, period: Period) -> int:
    """Return the highest head-count of a room during a period."""
    inside = [p for p in there if p.room_id == room_id and p.period.overlaps(period)]
    moments = [period.start, *(p.period.start for p in inside if p.period.start > period.start)]
    return max(sum(p.people for p in inside if p.period.start <= moment < p.period.end) for moment in moments)


def use_over_time(rows: Iterable[tuple[Period, int]]) -> list[tuple[Period, int]]:
    """Turn stretches with a number of units into a step function: neighbours of equal height are one."""
    deltas: dict[datetime, int] = {}
    for period, units in rows:
        deltas[period.start] = deltas.get(period.start, 0) + units
        deltas[period.end] = deltas.get(period.end, 0) - units
    steps: list[tuple[Period, int]] = []
    height, since = 0, None
    for moment in sorted(m for m, change in deltas.items() if change):
        if since is not None and height:
            steps.append((Period(since, moment), height))
        height, since = height + deltas[moment], moment
    return steps


def group_by_resource(taken: Iterable[Taken]) -> Mapping[int, list[Taken]]:
    """Sort what is taken by resource."""
    groups: dict[int, list[Taken]] = {}
    for row in taken:
        groups.setdefault(row.resource_id, []).append(row)
    return groups
