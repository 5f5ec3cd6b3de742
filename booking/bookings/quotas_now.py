"""How somebody stands with their quotas now: what is used, what is left, and when it begins anew."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from booking.base import clock
from booking.base.period import Period
from booking.bookings.quota_use import Charged, use_of_quotas
from booking.bookings.quotas import Use, span_of
from booking.facilities.places import ResourcePlace
from booking.facilities.queries import places
from booking.people.viewer import Viewer

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class QuotaNow:
    """How somebody stands with a quota now; of one resource, where each counts for itself."""

    use: Use
    resource: ResourcePlace | None
    span: date
    resets_at: datetime | None

    @property
    def rule(self) -> str:
        """Return the quota's name, with the group and the resource that it is counted for."""
        parts = [self.use.owner, self.resource.code if self.resource else ""]
        about = ", ".join(part for part in parts if part)
        return f"{self.use.quota.name} ({about})" if about else self.use.quota.name

    @property
    def used(self) -> int:
        return self.use.used.get(self.span, 0)

    @property
    def left(self) -> int:
        return self.use.left(self.span)


def quotas_now(viewer: Viewer, resources: Sequence[ResourcePlace] = ()) -> list[QuotaNow]:
    """Return how somebody and their groups stand today with the quotas of some resources, or of all.

    Of a quota that counts for each resource apart, those are told of which something is used, else one line.
    """
    catalogue = places()
    asked = list(resources or catalogue.resources.values())
    now = clock.now()
    found: dict[tuple[int, str], list[QuotaNow]] = defaultdict(list)
    for charged in _ways_to_book(viewer, asked):
        for use in use_of_quotas(asked, charged, catalogue, Period(now, now + SECOND)):
            tz = catalogue.facilities[use.quota.facility_id].tz
            resource = catalogue.resources[use.resource_id] if use.resource_id else None
            one = QuotaNow(use, resource, *span_of(use.quota.span, now, tz))
            found[use.quota.id, use.owner].append(one)
    return [one for lines in found.values() for one in _worth_telling(lines)]


def _ways_to_book(viewer: Viewer, resources: Iterable[ResourcePlace]) -> Iterator[Charged]:
    """Yield the viewer alone, and for each project of which a quota speaks."""
    quotas = {quota.id: quota for resource in resources for quota in resource.quotas}.values()
    yield Charged(viewer.role, viewer.id, viewer.organisation_id)
    for project_id in sorted(viewer.projects):
        if any(
            q.project_id == project_id or (q.project_id is None and q.shared_by == "project") for q in quotas
        ):
            yield Charged(viewer.role, viewer.id, viewer.organisation_id, project_id)


def _worth_telling(lines: list[QuotaNow]) -> list[QuotaNow]:
    by_resource = {line.resource.code if line.resource else "": line for line in lines}
    used = [line for line in by_resource.values() if line.used]
    return used or [replace(next(iter(by_resource.values())), resource=None)]
