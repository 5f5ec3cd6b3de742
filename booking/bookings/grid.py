"""On which moments bookings may begin: opening hours, closures and the grid. Plain values in and out."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from booking.base.period import at, day_period, wall
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
    spans = [day_period(day, tz)]
    if resource.running != "free":
        spans = resource.facility.opening(day, kinds_of_hours(facts, resource, day, day))
    step = step_of(grid_of(resource, facts.role))
    for span in spans:
        moment = span.start
        while moment < span.end:
            yield moment
            moment += step


def at_wall(start: datetime, length: timedelta, resource: ResourcePlace) -> datetime:
    """Add a wall-clock length to a moment."""
    tz = resource.facility.tz
    local = wall(start, tz) + length
    return at(local.date(), local.time(), tz)
