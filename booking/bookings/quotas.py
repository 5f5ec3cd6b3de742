"""What a booking takes of a quota, and in which day, week or month: plain values in, plain values out.

Days, weeks and months are those of the facility's clock; hours are elapsed time, of each unit booked.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from booking.base.period import Period, day_period, days_of, midnight
from booking.facilities.places import QuotaPlace, ResourcePlace

ALWAYS = date.min  # the one span of a quota of open bookings
COUNTED = ("requested", "confirmed", "in_use", "completed")


@dataclass(frozen=True)
class Taking:
    """A number of units of a resource for a while."""

    resource: ResourcePlace
    period: Period
    units: int


@dataclass(frozen=True)
class Use:
    """What a person or a group has of a quota, by the first day of each span that was looked at.

    `own` is what the booking that is changed has of it; `owner` is empty for whoever books.
    """

    quota: QuotaPlace
    owner: str = ""
    resource_id: int | None = None
    used: Mapping[date, int] = field(default_factory=dict)
    own: Mapping[date, int] = field(default_factory=dict)
    known_until: date = date.min

    def counts(self, resource: ResourcePlace) -> bool:
        """Tell whether time on a resource counts here."""
        return self.quota.concerns(resource) if self.resource_id is None else self.resource_id == resource.id

    def left(self, span: date) -> int:
        return max(self.quota.limit - self.used.get(span, 0), 0)


def taken(quota: QuotaPlace, booking: Iterable[Taking], now: datetime) -> Mapping[date, int]:
    """Return the seconds that one booking takes of a quota in each span; or 1, where bookings are counted."""
    total: Counter[date] = Counter()
    for taking in booking:
        for span, seconds in _seconds(quota, taking, now):
            total[span] += seconds
    if quota.minutes is not None or not total:
        return total
    return {min(total): 1}


def _seconds(quota: QuotaPlace, taking: Taking, now: datetime) -> Iterator[tuple[date, int]]:
    if quota.span == "open" and taking.period.end <= now:
        return
    for day, stretch in _stretches(quota, taking):
        yield first_day(quota.span, day), round(stretch.length.total_seconds()) * taking.units


def _stretches(quota: QuotaPlace, taking: Taking) -> Iterator[tuple[date, Period]]:
    """Cut a booking into what counts on each local day: all of it, or what lies in prime time."""
    used, tz = taking.period, taking.resource.facility.tz
    for day in days_of(used, tz):
        for span in prime_time(taking.resource, day) if quota.prime else (day_period(day, tz),):
            start, end = max(span.start, used.start), min(span.end, used.end)
            if start < end:
                yield day, Period(start, end)


def prime_time(resource: ResourcePlace, day: date) -> list[Period]:
    """Return the prime time of a day: none on a day on which it is closed."""
    return [] if resource.closed_on(day) else resource.facility.prime_time(day)


# --- spans -----------------------------------------------------------------------------------------


def first_day(span: str, day: date) -> date:
    """Return the first day of the day, week (from Monday) or month in which a day lies."""
    if span == "open":
        return ALWAYS
    if span == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if span == "month" else day


def next_first(span: str, first: date) -> date:
    """Return the first day of the span after the one that begins on a day."""
    return first_day(span, first + timedelta(days={"day": 1, "week": 7, "month": 31}[span]))


def span_of(span: str, moment: datetime, tz: ZoneInfo) -> tuple[date, datetime | None]:
    """Return the first day of the span in which a moment lies, and the moment at which the next begins."""
    first = first_day(span, moment.astimezone(tz).date())
    return first, None if span == "open" else midnight(next_first(span, first), tz)


# --- words -----------------------------------------------------------------------------------------


def amount(quota: QuotaPlace, number: int) -> str:
    """Say so many seconds, or so many bookings: `2 h 30 min`, `3 bookings`."""
    said = plain_amount(quota, number)
    return said if quota.minutes is not None else f"{said} booking{'' if number == 1 else 's'}"


def plain_amount(quota: QuotaPlace, number: int) -> str:
    """Say the number alone: `2 h 30 min`, `3`."""
    if quota.minutes is None:
        return str(number)
    hours, minutes = divmod(-(-number // 60), 60)
    return " ".join([f"{hours} h"] * (hours > 0 or not minutes) + [f"{minutes} min"] * (minutes > 0))


def limit_in_words(quota: QuotaPlace) -> str:
    """Say how much there is: `5 h a day in prime time on each resource`."""
    said = amount(quota, quota.limit)
    said += " open at a time" if quota.span == "open" else f" a {quota.span}"
    said += " in prime time" if quota.prime else ""
    said += " on each resource" if quota.each_resource else ""
    return said + ("" if quota.shared_by == "user" else f" for each {quota.shared_by}")
