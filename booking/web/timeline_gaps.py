"""What a click on free time asks for: the first slot in a gap that the rules of the resource allow.

Plain values in, plain values out. It is a proposal, not a promise: the rules are checked when booking.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from booking.base.period import Period, at, midnight, wall
from booking.facilities.places import STAFF_ROLES, ResourcePlace, hour_kinds, opening_moment
from booking.web import words
from booking.web.timeline_days import Days

DAY = timedelta(days=1)
HALF_HOUR = timedelta(minutes=30)
USUAL = timedelta(hours=1)
TRIES = 3  # starts that are looked at: one at opening time may have no end inside opening hours
REACH = 7  # days after the shortest booking's end in which an end inside opening hours is looked for


@dataclass(frozen=True)
class Terms:
    """A resource's rules of time for one role, at one moment."""

    days: Days
    now: datetime
    allowed: bool
    earliest: datetime
    latest: datetime
    grid: timedelta
    shortest: timedelta
    longest: timedelta
    setup: timedelta
    changeover: timedelta
    notice: timedelta

    @property
    def resource(self) -> ResourcePlace:
        return self.days.resource

    @property
    def role(self) -> str:
        return self.days.role

    @property
    def timezone(self) -> str:
        return self.resource.facility.timezone

    @property
    def by_day(self) -> bool:
        return self.grid >= DAY


def terms(days: Days, now: datetime) -> Terms:
    """Read the effective rules of a resource for a role."""
    resource, role = days.resource, days.role
    rules = resource.effective(role)

    def minutes(name: str) -> timedelta:
        value = rules[name].value
        return timedelta(minutes=value if isinstance(value, int) else 0)

    roles, horizon = rules["roles"].value, rules["horizon_days"].value
    opens = opening_moment(resource, role, now) or now
    last_day = opens.astimezone(resource.facility.tz).date() + timedelta(
        days=1 + (horizon if isinstance(horizon, int) else 0)
    )
    return Terms(
        days=days,
        now=now,
        allowed=role in STAFF_ROLES or (isinstance(roles, tuple) and role in roles),
        earliest=now + minutes("notice_minutes"),
        latest=midnight(last_day, resource.facility.tz),
        grid=minutes("grid_minutes") or timedelta(minutes=15),
        shortest=minutes("min_minutes"),
        longest=minutes("max_minutes"),
        setup=minutes("setup_minutes"),
        changeover=minutes("changeover_minutes"),
        notice=minutes("notice_minutes"),
    )


def offer(rules: Terms, gap: Period, busy: Sequence[Period]) -> Period | None:
    """Return the first slot that fits into a gap beside what is busy; None if nothing does."""
    if not rules.allowed or gap.end <= rules.earliest:
        return None
    start = max(gap.start, rules.earliest)
    before = max((b.end for b in busy if b.end <= start), default=None)
    if before is not None:
        start = max(start, before + rules.setup)
    start = on_grid(rules, start)
    for _ in range(TRIES):
        if start >= gap.end or start >= rules.latest:
            return None
        slot = _slot(rules, start, gap, busy)
        if slot is not None:
            return slot
        start = on_grid(rules, start + timedelta(minutes=1))
    return None


def _slot(rules: Terms, start: datetime, gap: Period, busy: Sequence[Period]) -> Period | None:
    following = min((b.start for b in busy if b.start >= start), default=None)
    limit = following - rules.changeover if following else None
    if rules.resource.running == "attended":
        return _attended(rules, start, min(limit or gap.end, gap.end))
    end = _open_end(rules, start)
    return Period(start, end) if end and (limit is None or end <= limit) else None


def _attended(rules: Terms, start: datetime, limit: datetime) -> Period | None:
    length = min(max(rules.shortest, USUAL), limit - start, rules.longest)
    length -= length % rules.grid
    return Period(start, start + length) if length >= max(rules.shortest, rules.grid) else None


def why_not_offered(rules: Terms, gap: Period) -> str:
    """Say why free time cannot be booked by this role now; empty if it is only too short or over."""
    if not rules.allowed:
        return "It is not open to your role."
    if rules.notice and gap.end <= rules.earliest:
        return f"It needs {words.length(rules.notice)} of notice."
    if gap.start >= rules.latest:
        return (
            f"It is too far ahead: you can book up to {words.day(rules.latest - HALF_HOUR, rules.timezone)}."
        )
    return ""


def _open_end(rules: Terms, start: datetime) -> datetime | None:
    """Return the first end after the shortest booking that lies inside opening hours."""
    tz = rules.resource.facility.tz
    length = max(rules.shortest, min(USUAL, rules.longest), rules.grid)
    length += -length % rules.grid
    local = wall(start, tz)
    for extra in range(REACH + 1):
        if rules.by_day:
            end = at(local.date() + length + extra * DAY, local.time(), tz)
        else:
            end = start + length + extra * DAY
        if length + extra * DAY <= rules.longest and rules.days.may_end(end):
            return end
    return None


def on_grid(rules: Terms, moment: datetime) -> datetime:
    """Return the first moment from `moment` on that lies on the slot grid."""
    tz = rules.resource.facility.tz
    day = moment.astimezone(tz).date()
    grid = HALF_HOUR if rules.by_day else rules.grid
    return min(_step(at(day, anchor, tz), grid, moment) for anchor in anchors(rules, day))


def anchors(rules: Terms, day: date) -> list[time]:
    """Return the local times from which the grid of a day is counted."""
    if rules.by_day or rules.resource.running == "free":
        return [time()]
    return rules.resource.facility.opening_times(day, hour_kinds(rules.role)) or [time()]


def _step(anchor: datetime, grid: timedelta, moment: datetime) -> datetime:
    return max(anchor, anchor + -(-(moment - anchor) // grid) * grid)
