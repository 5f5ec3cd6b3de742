"""When a resource is open to somebody: the hours of their role, and those that a permit of theirs opens."""

from booking.base import clock
from booking.base.period import Period
from booking.bookings.hours import kinds_of_hours
from booking.bookings.request import Facts
from booking.bookings.standing import Judged, standing_of
from booking.facilities.places import ResourcePlace, open_periods
from booking.facilities.queries import places
from booking.people.viewer import Viewer


def open_to(viewer: Viewer, resource: ResourcePlace, window: Period) -> list[Period]:
    """Return when somebody can use a resource within a window: nothing if it is not for their role."""
    if not resource.is_for(viewer.role):
        return []
    judged = Judged((resource,), places(), viewer.id, "", None, None, "", role=viewer.role)
    facts = Facts(clock.now(), viewer.role, "", (), 0, standing=standing_of(judged, window))
    return open_periods(resource, viewer.role, window, lambda day: kinds_of_hours(facts, resource, day, day))
