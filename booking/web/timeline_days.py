"""What a role finds on each day of a resource: hours, a closure, or not open yet; worked out once."""

from datetime import date, datetime, timedelta

from booking.base.period import Period, day_period
from booking.facilities.places import OPEN_TO, ResourcePlace, hour_kinds, opens_to, role_may_book

MOMENT = timedelta(seconds=1)


class Days:
    """The days of one resource for one role; resources of a facility may share their opening hours."""

    def __init__(
        self, resource: ResourcePlace, role: str, hours: dict[date, list[Period]] | None = None
    ) -> None:
        self.resource, self.role = resource, role
        self._hours: dict[date, list[Period]] = {} if hours is None else hours
        opens_on = resource.effective(role)["opens_on"].value
        changes = {*resource.state_changes(), *([opens_on] if isinstance(opens_on, date) else [])}
        self._changes = sorted(changes)
        self._may: dict[date | None, bool] = {}

    def may_book(self, day: date) -> bool:
        """Tell whether state and policy let the role book; that changes only on a few days."""
        since = max((change for change in self._changes if change <= day), default=None)
        if since not in self._may:
            self._may[since] = role_may_book(self.resource, self.role, day)
        return self._may[since]

    def why_not(self, day: date) -> tuple[str, str] | None:
        """Return why a whole day cannot be booked: a closure's name, or from when the role may book."""
        if not self.may_book(day):
            return "notyet", self._from_when(day)
        closure = self.resource.closed_on(day)
        return ("closure", closure.name) if closure else None

    def opening(self, day: date) -> list[Period]:
        """Return the hours of a day on which nothing else is in the way."""
        facility = self.resource.facility
        if self.resource.running == "free":
            return [day_period(day, facility.tz)]
        if day not in self._hours:
            self._hours[day] = facility.opening(day, hour_kinds(self.role))
        return self._hours[day]

    def may_end(self, end: datetime) -> bool:
        """Tell whether a booking that runs overnight may end at a moment."""
        if self.resource.running == "free":
            return True
        day = (end - MOMENT).astimezone(self.resource.facility.tz).date()
        return self.why_not(day) is None and any(s.start < end <= s.end for s in self.opening(day))

    def _from_when(self, day: date) -> str:
        state = self.resource.state_on(day)
        if state == "closed":
            return "No longer in use"
        opens = opens_to(self.resource, self.role, day)
        if opens is not None:
            return f"Opens to you on {opens:%a} {opens.day} {opens:%b %Y}"
        return "Not open yet" if not OPEN_TO[state] and OPEN_TO[state] is not None else "Not open to you"
