"""Working days of a facility: days with staffed hours on which it is not closed."""

from datetime import date, datetime, timedelta

from booking.base.period import Period
from booking.facilities.places import FacilityPlace, holiday_name, next_day

STAFFED = frozenset({"staffed"})
REACH = 366  # days that are looked at; who is never open counts every day


def staffed_hours(place: FacilityPlace, day: date) -> Period | None:
    """Return from when to when a facility is staffed on a day; None if it is closed."""
    closed = any(
        one.first_day <= day <= one.last_day
        for one in place.closures
        if one.room_id is None and one.resource_id is None
    )
    spans = place.opening(day, STAFFED)
    if closed or not spans or holiday_name(place.holidays, day):
        return None
    return Period(spans[0].start, spans[-1].end)


def working_days_later(place: FacilityPlace, moment: datetime, days: int) -> datetime:
    """Return the moment some working days later, at the same time of day as far as it is staffed then.

    What comes when nobody is there counts from the next opening.
    """
    here = moment.astimezone(place.tz)
    day, hours = _first(place, moment, here.date())
    if hours is None:
        return moment + timedelta(days=days)
    clock_time = max(moment, hours.start).astimezone(place.tz).time()
    for _ in range(days):
        day, hours = _next_open(place, next_day(day))
    if hours is None:
        return moment + timedelta(days=days)
    then = datetime.combine(day, clock_time, place.tz).astimezone(moment.tzinfo)
    return min(max(then, hours.start), hours.end)


def _first(place: FacilityPlace, moment: datetime, day: date) -> tuple[date, Period | None]:
    hours = staffed_hours(place, day)
    if hours is not None and moment < hours.end:
        return day, hours
    return _next_open(place, next_day(day))


def _next_open(place: FacilityPlace, day: date) -> tuple[date, Period | None]:
    for _ in range(REACH):
        hours = staffed_hours(place, day)
        if hours is not None:
            return day, hours
        day = next_day(day)
    return day, None
