"""What a decider needs to know of a request: who asks, how they stand, what is next to it, who said yes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from booking.base.period import Period
from booking.bookings.checklist import Checklist, checklists
from booking.bookings.queries import Block, blocks
from booking.bookings.waiting import Asked
from booking.facilities.places import ResourcePlace
from booking.facilities.queries import viewer_of
from booking.people.queries import names_of
from booking.people.viewer import Viewer

NEAR = timedelta(days=1)
SIDE_BY_SIDE = 3


@dataclass(frozen=True)
class Neighbour:
    """Something beside a request on one of its resources: `before`, `beside` (on other units) or `after`."""

    where: str
    resource: ResourcePlace
    block: Block


@dataclass(frozen=True)
class Dossier:
    """A request with everything that its decider needs; `standing` are checklists of its organiser."""

    asked: Asked
    role: str
    standing: tuple[Checklist, ...]
    neighbours: tuple[Neighbour, ...]
    names: dict[int, str]


def dossier_of(asked: Asked) -> Dossier:
    """Gather what is known of a request, as its decider may see it."""
    detail = asked.detail
    resources = [resource for resource, _, _ in detail.resources]
    organiser = viewer_of(detail.booking.organiser_id)
    people = {asked.person.id, *(row.answered_by_id for row in asked.earlier if row.answered_by_id)}
    return Dossier(
        asked,
        organiser.role if organiser else "",
        tuple(one for one in checklists(organiser, resources) if one.items) if organiser else (),
        tuple(_neighbours(asked, resources, asked.person)),
        names_of(people),
    )


def _neighbours(asked: Asked, resources: list[ResourcePlace], person: Viewer) -> Iterator[Neighbour]:
    booking = asked.detail.booking
    window = Period(booking.starts_at - NEAR, booking.ends_at + NEAR)
    found = blocks(person, [resource.id for resource in resources], window)
    for resource in resources:
        others = [b for b in found if b.resource_id == resource.id and b.booking_id != booking.public_id]
        before = [b for b in others if b.ends_at <= booking.starts_at]
        after = [b for b in others if b.starts_at >= booking.ends_at]
        beside = [b for b in others if b not in before and b not in after]
        yield from (Neighbour("before", resource, b) for b in before[-1:])
        yield from (Neighbour("beside", resource, b) for b in beside[:SIDE_BY_SIDE])
        yield from (Neighbour("after", resource, b) for b in after[:1])
