"""Gathers what people and groups have of their quotas: one statement, and none where no quota applies."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import CompoundSelect, bindparam, select, union

from booking.base import clock
from booking.base.db import read
from booking.base.period import MAX_MOMENT, Period, midnight
from booking.bookings.models import Booking, BookingResource
from booking.bookings.quotas import COUNTED, Taking, Use, first_day, next_first, taken
from booking.facilities.places import Places, QuotaPlace, ResourcePlace
from booking.facilities.queries import names
from booking.people.models import User
from booking.schedule.free import MAX_HOLD

AHEAD = {"day": 7, "week": 1, "month": 1}  # spans after the window, to tell from when on there is some left
OWNERS = {
    "user": Booking.organiser_id,
    "project": Booking.project_id,
    "organisation": Booking.organisation_id,
}


@dataclass(frozen=True)
class Charged:
    """Who a booking is charged to: its organiser, and the groups that they book for."""

    role: str
    user_id: int
    organisation_id: int
    project_id: int | None = None

    def owner(self, quota: QuotaPlace) -> int:
        """Return whose quota it is."""
        owners = {"project": self.project_id or 0, "organisation": self.organisation_id}
        return owners.get(quota.shared_by, self.user_id)

    def judged_by(self, resources: Iterable[ResourcePlace]) -> list[QuotaPlace]:
        """List the quotas by which a booking of some resources is judged, each once."""
        found = {quota.id: quota for resource in resources for quota in resource.quotas}
        who = (self.role, self.organisation_id, self.project_id)
        return [quota for quota in found.values() if quota.is_for(*who)]

    def groups(self, resources: Iterable[ResourcePlace], shared_by: str) -> set[int]:
        """Return the projects, or organisations, whose quotas a booking draws on: they are locked for it."""
        return {self.owner(q) for q in self.judged_by(resources) if q.shared_by == shared_by}


def use_of_quotas(
    resources: Sequence[ResourcePlace],
    charged: Charged,
    catalogue: Places,
    window: Period,
    before_id: int | None = None,
) -> tuple[Use, ...]:
    """Return what is used of each quota that judges a booking within a window."""
    quotas = charged.judged_by(resources)
    if not quotas:
        return ()
    owners: dict[str, set[int]] = defaultdict(set)
    for quota in quotas:
        owners[quota.shared_by].add(charged.owner(quota))
    names().know(projects=owners["project"], organisations=owners["organisation"])
    until = {quota.id: _known_until(quota, catalogue, window) for quota in quotas}
    takings = _Takings(quotas, owners, catalogue, _reach(quotas, until, catalogue, window))
    return tuple(
        Use(quota, _group(quota, owner), resource_id, used, own, until[quota.id])
        for quota in quotas
        for owner in [charged.owner(quota)]
        for resource_id in _counted_apart(quota, resources)
        for used, own in [takings.of(quota, owner, resource_id, before_id)]
    )


def _group(quota: QuotaPlace, owner: int) -> str:
    """Return the name of a group that shares a quota."""
    if quota.shared_by == "project":
        return names().projects[owner].code
    return names().organisations[owner].name if quota.shared_by == "organisation" else ""


def _counted_apart(quota: QuotaPlace, resources: Iterable[ResourcePlace]) -> list[int | None]:
    if not quota.each_resource:
        return [None]
    return [resource.id for resource in resources if quota.concerns(resource)]


def _known_until(quota: QuotaPlace, catalogue: Places, window: Period) -> date:
    """Return the first day of the first span that is not looked at any more."""
    if quota.span == "open":
        return date.max
    tz = catalogue.facilities[quota.facility_id].tz
    first = first_day(quota.span, window.end.astimezone(tz).date())
    for _ in range(AHEAD[quota.span] + 1):
        first = next_first(quota.span, first)
    return first


def _reach(
    quotas: Iterable[QuotaPlace], until: Mapping[int, date], catalogue: Places, window: Period
) -> Period:
    """Return the time whose bookings count in any of the spans that are looked at."""
    starts, ends = [window.start], [window.end]
    for quota in quotas:
        tz = catalogue.facilities[quota.facility_id].tz
        if quota.span == "open":
            starts.append(clock.now())
            ends.append(MAX_MOMENT)
        else:
            starts.append(midnight(first_day(quota.span, window.start.astimezone(tz).date()), tz))
            ends.append(midnight(until[quota.id], tz))
    return Period(min(starts), max(ends))


# --- reading ---------------------------------------------------------------------------------------


class _Takings:
    """The bookings of some people and groups that count in some quotas."""

    def __init__(
        self,
        quotas: Collection[QuotaPlace],
        owners: Mapping[str, Collection[int]],
        catalogue: Places,
        reach: Period,
    ) -> None:
        self._catalogue, self._now = catalogue, clock.now()
        counted = [r for r in catalogue.resources.values() if any(quota.concerns(r) for quota in quotas)]
        long_stays = any(resource.long_stay for resource in counted)
        values = {shared_by: sorted(ids) for shared_by, ids in owners.items()}
        rows = read(
            _counting(tuple(sorted(owners)), long_stays),
            values
            | {
                "resources": [resource.id for resource in counted],
                "begun": reach.start - MAX_HOLD,
                "start": reach.start,
                "end": reach.end,
            },
        )
        self._bookings: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            self._bookings[row.id].append(row)

    def of(
        self, quota: QuotaPlace, owner_id: int, resource_id: int | None, before_id: int | None = None
    ) -> tuple[Mapping[date, int], Mapping[date, int]]:
        """Return what an owner's bookings take of a quota by span, and what the one before does."""
        used: Counter[date] = Counter()
        own: Mapping[date, int] = {}
        for booking_id, rows in self._bookings.items():
            counted = taken(quota, self._takings(quota, owner_id, resource_id, rows), self._now)
            if booking_id == before_id:
                own = counted
            else:
                used.update(counted)
        return used, own

    def _takings(
        self, quota: QuotaPlace, owner_id: int, resource_id: int | None, rows: Iterable[Any]
    ) -> Iterator[Taking]:
        for row in rows:
            owner = getattr(row, OWNERS[quota.shared_by].key)
            resource = self._catalogue.resources[row.resource_id]
            apart = resource_id in (None, row.resource_id) and quota.concerns(resource)
            if owner == owner_id and apart and quota.is_for(row.role, row.organisation_id, row.project_id):
                yield Taking(resource, Period(row.starts_at, row.ends_at), row.units)


@cache
def _counting(shared_by: tuple[str, ...], long_stays: bool) -> CompoundSelect[Any]:
    """Select what counts, a part for each kind of owner: each part has an index of its own."""
    query = (
        select(
            Booking.id,
            Booking.starts_at,
            Booking.ends_at,
            Booking.organiser_id,
            Booking.organisation_id,
            Booking.project_id,
            User.role,
            BookingResource.resource_id,
            BookingResource.units,
        )
        .join(BookingResource, BookingResource.booking_id == Booking.id)
        .join(User, User.id == Booking.organiser_id)
        .where(Booking.status.in_(COUNTED), BookingResource.left_at.is_(None))
        .where(BookingResource.resource_id.in_(bindparam("resources", expanding=True)))
        .where(Booking.ends_at > bindparam("start"), Booking.starts_at < bindparam("end"))
    )
    parts = []
    for name in shared_by:
        among = OWNERS[name].in_(bindparam(name, expanding=True))
        parts.append(query.where(among, Booking.starts_at > bindparam("begun")))
        if long_stays:  # these are found by when they end, and not among all that an owner ever booked
            among = (OWNERS[name] + 0).in_(bindparam(name, expanding=True))
            parts.append(query.where(among, Booking.long_stay))
    return union(*parts)
