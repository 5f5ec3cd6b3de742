"""Who sees what of a booking: the one decision that every page, answer, feed and refusal uses.

| viewer's relation to the booking (best row wins)                 | normal  | confidential project |
| ----------------------------------------------------------------- | ------- | -------------------- |
| organiser, participant, supervisor, project member, coordinator of |         |                      |
|   its organisation, group lead of the organiser                    | full    | full                 |
| staff of the facility, admin                                       | full    | full                 |
| another user of the same partner organisation                      | full    | busy                 |
| host's user: booking of the host                                   | partial | busy                 |
| host's user: booking of a partner                                  | alias   | busy                 |
| industry user: anybody else's; anonymous                           | busy    | busy                 |
"""

from dataclasses import dataclass
from enum import IntEnum

from booking.people.viewer import Viewer


class Level(IntEnum):
    """How much of a booking somebody may see, from least to most."""

    BUSY = 0
    ALIAS = 1
    PARTIAL = 2
    FULL = 3


@dataclass(frozen=True)
class Relation:
    """What of a booking decides who sees it."""

    organiser_id: int
    organisation_id: int
    organisation_is_host: bool
    project_id: int | None
    confidential: bool
    supervisor_id: int | None
    takes_part: bool
    facilities: frozenset[int]


def level(viewer: Viewer | None, booking: Relation) -> Level:
    """Return how much of a booking a viewer may see."""
    if viewer is None:
        return Level.BUSY
    if _is_involved(viewer, booking) or any(viewer.staffs(place) for place in booking.facilities):
        return Level.FULL
    if booking.confidential:
        return Level.BUSY
    if viewer.organisation_id == booking.organisation_id and not booking.organisation_is_host:
        return Level.FULL
    if not viewer.is_host:
        return Level.BUSY
    return Level.PARTIAL if booking.organisation_is_host else Level.ALIAS


def _is_involved(viewer: Viewer, booking: Relation) -> bool:
    return (
        viewer.id in (booking.organiser_id, booking.supervisor_id)
        or booking.takes_part
        or booking.project_id in viewer.projects
        or booking.organisation_id in viewer.coordinates
        or booking.organiser_id in viewer.led_people
    )


def may_change(viewer: Viewer, booking: Relation) -> bool:
    """Tell who may change or cancel: organiser, group lead, coordinator, facility staff."""
    return (
        viewer.id == booking.organiser_id
        or booking.project_id in viewer.leads
        or booking.organiser_id in viewer.led_people
        or booking.organisation_id in viewer.coordinates
        or acts_as_staff(viewer, booking)
    )


def acts_as_staff(viewer: Viewer, booking: Relation) -> bool:
    """Tell whether the viewer staffs a facility where the booking takes place."""
    return any(viewer.staffs(place) for place in booking.facilities)


def must_give_a_reason(viewer: Viewer, booking: Relation) -> bool:
    """Tell whether a change is made by staff to somebody else's booking: the organiser is told why."""
    return (
        viewer.id != booking.organiser_id
        and booking.project_id not in viewer.leads
        and booking.organiser_id not in viewer.led_people
        and booking.organisation_id not in viewer.coordinates
    )
