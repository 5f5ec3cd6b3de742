"""Half-open stretches of time, and the wall clock of a facility. Plain values only."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MIN_MOMENT = datetime(1990, 1, 1, tzinfo=UTC)
MAX_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Period:
    """[start, end): aware datetimes, start before end."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a period needs times with a time zone")
        if self.start >= self.end:
            raise ValueError("a period ends after it starts")

    @property
    def length(self) -> timedelta:
        """Elapsed time, never wall-clock time."""
        return self.end.astimezone(UTC) - self.start.astimezone(UTC)

    def overlaps(self, other: "Period") -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, other: "Period") -> bool:
        return self.start <= other.start and other.end <= self.end


def merge(periods: Iterable[Period]) -> list[Period]:
    """Join what overlaps or touches, in order of time."""
    merged: list[Period] = []
    for period in sorted(periods):
        if merged and period.start <= merged[-1].end:
            merged[-1] = Period(merged[-1].start, max(merged[-1].end, period.end))
        else:
            merged.append(period)
    return merged


def subtract(periods: Iterable[Period], holes: Iterable[Period]) -> list[Period]:
    """Return what is left of the periods when the holes are cut out."""
    left = merge(periods)
    for hole in merge(holes):
        left = [piece for period in left for piece in _cut(period, hole)]
    return left


def _cut(period: Period, hole: Period) -> Iterator[Period]:
    if not period.overlaps(hole):
        yield period
        return
    if period.start < hole.start:
        yield Period(period.start, hole.start)
    if hole.end < period.end:
        yield Period(hole.end, period.end)


class LocalTimeMissing(ValueError):
    """The clocks skip this local time."""


class LocalTimeTwice(ValueError):
    """The clocks show this local time twice: say which."""


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Return the IANA zone of a facility."""
    return ZoneInfo(name)


def from_wall(local: datetime, tz: ZoneInfo, fold: str | None = None) -> datetime:
    """Turn a naive local time into UTC; `fold` is `first` or `second` where it exists twice."""
    early = local.replace(tzinfo=tz, fold=0)
    late = local.replace(tzinfo=tz, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early.astimezone(UTC)
    if early.astimezone(UTC).astimezone(tz).replace(tzinfo=None) != local:
        raise LocalTimeMissing(f"{local:%H:%M} does not exist on {local:%d %B %Y}: the clocks go forward")
    if fold not in ("first", "second"):
        raise LocalTimeTwice(f"{local:%H:%M} happens twice on {local:%d %B %Y}: the clocks go back")
    return (early if fold == "first" else late).astimezone(UTC)


def wall(moment: datetime, tz: ZoneInfo) -> datetime:
    """Return the naive local time that the facility's clock shows."""
    return moment.astimezone(tz).replace(tzinfo=None)


def midnight(day: date, tz: ZoneInfo) -> datetime:
    """Return the first moment of a local day, in UTC."""
    return datetime.combine(day, time(), tzinfo=tz).astimezone(UTC)


def at(day: date, clock_time: time, tz: ZoneInfo) -> datetime:
    """Return a wall-clock time of a day in UTC: the later reading where the clocks skip it."""
    return datetime.combine(day, clock_time, tzinfo=tz).astimezone(UTC)


def day_period(day: date, tz: ZoneInfo) -> Period:
    """Return a local day: 23, 24 or 25 hours."""
    return Period(midnight(day, tz), midnight(day + timedelta(days=1), tz))


def days_of(period: Period, tz: ZoneInfo) -> list[date]:
    """List the local days that a period touches."""
    first = period.start.astimezone(tz).date()
    last = (period.end - timedelta(microseconds=1)).astimezone(tz).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
