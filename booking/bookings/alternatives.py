"""The nearest bookings that would be accepted as they stand: another time, or a twin resource."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import islice

from booking.base import clock
from booking.base.errors import Alternative, Invalid, Refusal
from booking.base.period import Period, at, wall
from booking.bookings.facts import Cast, before_of, find_cast, gather
from booking.bookings.grid import at_wall, grid_of, starts_on, step_of
from booking.bookings.models import Booking
from booking.bookings.request import BookingRequest, Facts, Want, Wanted
from booking.bookings.rules import check, clashes
from booking.bookings.words import DAY
from booking.facilities.places import ResourcePlace, opening_moment
from booking.people.viewer import Viewer

MOST = 3
REACH = timedelta(days=14)
MOST_CANDIDATES = 600
HOPELESS = frozenset({"not_allowed", "too_short", "too_long", "training_missing", "permit_missing"})


def alternatives(
    request: BookingRequest,
    by: Viewer,
    refusals: list[Refusal],
    before: Booking | None = None,
    before_resources: frozenset[int] = frozenset(),
) -> list[Alternative]:
    """Return up to three bookings that every rule accepts now, nearest first; twins before other times."""
    try:
        cast = find_cast(request, by, before_of(before) if before else None)
    except Invalid:
        return []
    found = list(islice(_twins(request, by, cast, refusals, before), 1))
    if HOPELESS & {refusal.code for refusal in refusals}:
        return found
    length = request.period.length
    found += islice(_other_times(request, by, cast, length, before, before_resources), MOST - len(found))
    return found


def _twins(
    request: BookingRequest, by: Viewer, cast: Cast, refusals: list[Refusal], before: Booking | None
) -> Iterator[Alternative]:
    refused = {refusal.resource for refusal in refusals}
    for want in cast.wants:
        if want.resource.code not in refused:
            continue
        for twin_id in want.resource.twins:
            twin = cast.places.resources.get(twin_id)
            if twin is None or len(twin.units) < want.units:
                continue
            changed = tuple(
                Wanted(twin.code, want.units) if wanted.code == want.resource.code else wanted
                for wanted in request.resources
            )
            other = replace(request, resources=changed)
            yield from _accepted(other, by, before, ("resource",))


def _accepted(
    request: BookingRequest, by: Viewer, before: Booking | None, differs: tuple[str, ...]
) -> Iterator[Alternative]:
    try:
        cast = find_cast(request, by, before_of(before) if before else None)
    except Invalid:
        return
    facts = gather(cast, request.people, request.period, by, before)
    if not check(request.period, facts):
        yield _alternative(request.period, facts, differs)


def _other_times(
    request: BookingRequest,
    by: Viewer,
    cast: Cast,
    length: timedelta,
    before: Booking | None,
    before_resources: frozenset[int],
) -> Iterator[Alternative]:
    centre = _centre(request, cast)
    if centre is None:
        return
    window = Period(centre - REACH, centre + REACH + length)
    facts = gather(cast, request.people, window, by, before, before_resources)
    starts = islice(_candidates(cast.wants[0], facts, request.period, centre), MOST_CANDIDATES)
    offered: list[Period] = []
    for period in starts:
        if any(period.overlaps(other) for other in offered):
            continue
        if not clashes(period, facts) and not check(period, facts):
            offered.append(period)
            yield _alternative(period, facts, ("start",))


def _centre(request: BookingRequest, cast: Cast) -> datetime | None:
    """Return the moment around which to look: the wanted start, or when it can be booked at all."""
    moment = request.starts_at
    for want in cast.wants:
        rules = want.resource.effective(cast.organiser.role)
        notice, horizon = (rules[name].value for name in ("notice_minutes", "horizon_days"))
        now = clock.now()
        opens = opening_moment(want.resource, cast.organiser.role, now)
        if opens is None:
            return None
        first = max(now + timedelta(minutes=int(str(notice))), opens)
        last = opens + timedelta(days=int(str(horizon)))
        moment = min(max(moment, first), last)
        later = opening_moment(want.resource, cast.organiser.role, moment)
        moment = later if later is not None and later <= last else moment
    return moment


def _candidates(want: Want, facts: Facts, wished: Period, centre: datetime) -> Iterator[Period]:
    """Yield periods on the grid of the first resource, nearest to the centre first."""
    resource, tz = want.resource, want.resource.facility.tz
    wall_length = wall(wished.end, tz) - wall(wished.start, tz)
    grid = grid_of(resource, facts.role)
    starts = [
        start
        for start in _grid_starts(resource, facts, grid, wished, centre)
        if start >= facts.now and start != wished.start
    ]
    for start in sorted(starts, key=lambda moment: (abs(moment - centre), moment)):
        end = at_wall(start, wall_length, resource) if grid >= DAY else start + wished.length
        if end > start:
            yield Period(start, end)


def _grid_starts(
    resource: ResourcePlace, facts: Facts, grid: int, wished: Period, centre: datetime
) -> Iterator[datetime]:
    tz = resource.facility.tz
    step = step_of(grid)
    first = centre.astimezone(tz).date() - REACH
    wished_at = wall(wished.start, tz)
    midnight = datetime.combine(wished_at.date(), time())
    on_step = (midnight + (wished_at - midnight) // step * step).time()
    for n in range(2 * REACH.days + 1):
        day = first + timedelta(days=n)
        if resource.running != "free":
            yield from starts_on(resource, facts, day)
        elif not resource.closed_on(day):
            yield from (at(day, on_step, tz) + k * step for k in (-2, -1, 0, 1, 2))


def _alternative(period: Period, facts: Facts, differs: tuple[str, ...]) -> Alternative:
    resources = tuple((want.resource.code, want.units) for want in facts.wants)
    return Alternative(period.start, period.end, resources, differs)


def next_free(resource: ResourcePlace, by: Viewer) -> Period | None:
    """Return the next shortest booking of a resource that every rule would accept from this person."""
    rules = resource.effective(by.role)
    shortest = timedelta(minutes=int(str(rules["min_minutes"].value)))
    start = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    request = BookingRequest(start, start + shortest, (Wanted(resource.code),), "next free", people=0)
    cast = find_cast(request, by)
    found = _other_times(request, by, cast, shortest, None, frozenset())
    first = next(found, None)
    return Period(first.starts_at, first.ends_at) if first else None
