"""On which moments bookings may begin: opening hours, closures and the grid. Plain values in and out."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

from booking.base.period import Period, at, day_period, wall
from booking.bookings.hours import kinds_of_hours
from booking.bookings.request import Facts
from booking.bookings.words import DAY
from booking.facilities.places import ResourcePlace

LEAST_STEP = 15


def grid_of(resource: ResourcePlace, role: str) -> int:
    """Return the minutes between two steps of a resource's grid."""
    return int(str(resource.effective(role)["grid_minutes"].value))


def step_of(grid: int) -> timedelta:
    """Return how far apart moments to try are: a grid that counts days may begin at any half hour."""
    return timedelta(minutes=30 if grid >= DAY else max(grid, LEAST_STEP))


def starts_on(resource: ResourcePlace, facts: Facts, day: date) -> Iterator[datetime]:
    """Yield the moments of a day on which a booking of a resource may begin."""
    tz = resource.facility.tz
    if resource.closed_on(day):
        return
    spans, anchors = [day_period(day, tz)], [time(0)]
    if resource.running != "free":
        kinds = kinds_of_hours(facts, resource, day, day)
        spans = resource.facility.opening(day, kinds)
        anchors = resource.facility.opening_times(day, kinds)
    step = step_of(grid_of(resource, facts.role))
    moments = {moment for anchor in anchors for moment in _steps(at(day, anchor, tz), step, spans)}
    yield from sorted(moments)


def _steps(first: datetime, step: timedelta, spans: Sequence[Period]) -> Iterator[datetime]:
    """Yield the steps of a grid that lie inside some spans."""
    last = max((span.end for span in spans), default=first)
    for number in range((last - first) // step + 1):
        moment = first + number * step
        if any(span.start <= moment < span.end for span in spans):
            yield moment


def at_wall(start: datetime, length: timedelta, resource: ResourcePlace) -> datetime:
    """Add a wall-clock length to a moment."""
    tz = resource.facility.tz
    local = wall(start, tz) + length
    return at(local.date(), local.time(), tz)
