"""The facilities as plain, immutable values: what the rules, the timeline and the doors read.

`Places` is a snapshot of the whole catalogue, built once per version of the directory.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking.base.period import Period, at, day_period, days_of, merge, midnight, zone

STAFF_ROLES = frozenset({"staff", "admin"})
EXTENDED_ROLES = frozenset({"researcher", "staff", "admin"})
OPEN_TO = {
    "planned": frozenset[str](),
    "commissioning": STAFF_ROLES,
    "pilot": STAFF_ROLES | {"researcher"},
    "live": None,
    "retiring": None,
    "closed": frozenset[str](),
}
POLICY_DEFAULTS: Mapping[str, object] = {
    "roles": ("student", "researcher", "industry"),
    "opens_on": None,
    "min_minutes": 15,
    "max_minutes": 35 * 24 * 60,
    "grid_minutes": 15,
    "notice_minutes": 0,
    "horizon_days": 84,
    "setup_minutes": 0,
    "changeover_minutes": 0,
    "clearance_minutes": 0,
}


@dataclass(frozen=True)
class Step:
    """From a local day on, a state."""

    starts_on: date
    state: str


@dataclass(frozen=True)
class Hours:
    """A weekday's opening in local time."""

    hours: str
    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True)
class ClosedDays:
    """A closure, both days included; of a whole facility unless a room or resource is named."""

    first_day: date
    last_day: date
    name: str
    reason: str = ""
    room_id: int | None = None
    resource_id: int | None = None
    id: int | None = None


@dataclass(frozen=True)
class BannerPlace:
    """A notice to everybody, both days included; of a whole facility unless a room is named."""

    id: int
    text: str
    first_day: date
    last_day: date
    room_id: int | None = None


@dataclass(frozen=True)
class CertificatePlace:
    """A kind of examination of a resource, and through which day the newest one lets it be used."""

    kind: str
    reference: str
    valid_through: date
    issued_by: str


@dataclass(frozen=True)
class PolicyPlace:
    """A policy's scope and what it says."""

    id: int
    name: str
    set_by: str
    kind: str | None
    resource_id: int | None
    role: str | None
    says: Mapping[str, object]

    def speaks_of(self, resource: "ResourcePlace", role: str) -> bool:
        return (
            self.resource_id in (None, resource.id)
            and self.kind in (None, resource.kind)
            and self.role in (None, role)
        )

    @property
    def rank(self) -> tuple[int, int]:
        """Order policies from the general to the specific."""
        scope = 2 if self.resource_id is not None else 1 if self.kind is not None else 0
        return scope, int(self.role is not None)


@dataclass(frozen=True)
class Ruled:
    """One effective value of a rule, with where it comes from."""

    value: object
    policy: str
    set_by: str
    because: str


@dataclass(frozen=True)
class UnitPlace:
    id: int
    number: int
    name: str


@dataclass(frozen=True)
class RoomPlace:
    id: int
    code: str
    name: str
    room_class: str
    max_persons: int
    lone_working: str
    accessible: str
    note: str
    facility_id: int


@dataclass(frozen=True)
class FacilityPlace:
    id: int
    code: str
    name: str
    timezone: str
    description: str
    steps: tuple[Step, ...]
    hours: tuple[Hours, ...]
    closures: tuple[ClosedDays, ...]
    holidays: str
    banners: tuple[BannerPlace, ...] = ()

    @property
    def tz(self) -> ZoneInfo:
        return zone(self.timezone)

    def banners_on(self, first: date, last: date, room_ids: Collection[int]) -> list[BannerPlace]:
        """List the notices on any of some days that concern the facility as a whole or one of some rooms."""
        return [
            banner
            for banner in self.banners
            if banner.first_day <= last and first <= banner.last_day
            if banner.room_id is None or banner.room_id in room_ids
        ]

    def opening(self, day: date, kinds: frozenset[str]) -> list[Period]:
        """Return a day's hours of these kinds (`staffed`, `extended`), closures not looked at."""
        spans = [hours for hours in self.hours if hours.weekday == day.weekday() and hours.hours in kinds]
        return merge(Period(at(day, span.opens, self.tz), at(day, span.closes, self.tz)) for span in spans)

    def opening_times(self, day: date, kinds: frozenset[str]) -> list[time]:
        """Return the local times from which a day's slot grid is counted."""
        return [h.opens for h in self.hours if h.weekday == day.weekday() and h.hours in kinds]


@dataclass(frozen=True)
class ResourcePlace:
    """A resource with its room, units and everything that says when it can be used."""

    id: int
    code: str
    name: str
    kind: str
    model_class: str
    unit_name: str
    running: str
    approval: bool
    needs: str
    long_stay: bool
    outlook: str
    description: str
    facility: FacilityPlace
    room: RoomPlace | None
    units: tuple[UnitPlace, ...]
    steps: tuple[Step, ...]
    policies: tuple[PolicyPlace, ...]
    twins: tuple[int, ...] = ()
    renamed_at: datetime | None = None
    certificates: tuple[CertificatePlace, ...] = ()
    _effective: dict[str, dict[str, Ruled]] = field(default_factory=dict, compare=False, repr=False)

    def state_on(self, day: date) -> str:
        """Return the state that counts on a day: the stricter of the facility's and the resource's own."""
        states = [_state(self.facility.steps, day)]
        if self.steps:
            states.append(_state(self.steps, day))
        return min(states, key=_STRICTEST.index)

    def state_changes(self) -> list[date]:
        return sorted({step.starts_on for step in (*self.facility.steps, *self.steps)})

    def is_for(self, role: str) -> bool:
        """Tell whether the policy lets a role book it at all; staff always may."""
        roles = self.effective(role)["roles"].value
        return role in STAFF_ROLES or (isinstance(roles, tuple) and role in roles)

    def effective(self, role: str) -> dict[str, Ruled]:
        """Return each rule's value for a role and where it comes from; worked out once, not to be changed."""
        if role not in self._effective:
            self._effective[role] = self._work_out(role)
        return self._effective[role]

    def _work_out(self, role: str) -> dict[str, Ruled]:
        speaking = sorted((p for p in self.policies if p.speaks_of(self, role)), key=lambda p: p.rank)
        rules = {
            name: Ruled(value, "Built-in default", "the product", "no policy says otherwise")
            for name, value in POLICY_DEFAULTS.items()
        }
        for policy in speaking:
            because = self._because(policy)
            for name, value in policy.says.items():
                rules[name] = Ruled(value, policy.name, policy.set_by, because)
        return rules

    def _because(self, policy: PolicyPlace) -> str:
        scope = (
            f"it is set for {self.code}"
            if policy.resource_id is not None
            else f"{self.code} is of kind {self.kind}"
            if policy.kind is not None
            else f"{self.code} is at {self.facility.code}"
        )
        return f"{scope}, and you are {policy.role}" if policy.role else scope

    @property
    def serviceable_until(self) -> CertificatePlace | None:
        """Return the certificate that ends first; None if nothing has to be examined."""
        return min(self.certificates, key=lambda one: one.valid_through, default=None)

    def closures(self) -> Iterator[ClosedDays]:
        """Yield the closures that concern this resource."""
        room_id = self.room.id if self.room else None
        for closure in self.facility.closures:
            if closure.resource_id not in (None, self.id):
                continue
            if closure.room_id is None or closure.room_id == room_id:
                yield closure

    def closed_on(self, day: date) -> ClosedDays | None:
        """Return the closure or bank holiday of a day, if there is one."""
        for closure in self.closures():
            if closure.first_day <= day <= closure.last_day:
                return closure
        name = holiday_name(self.facility.holidays, day)
        return ClosedDays(day, day, name) if name else None


_STRICTEST = ("closed", "planned", "commissioning", "pilot", "retiring", "live")


def _state(steps: tuple[Step, ...], day: date) -> str:
    state = "live" if not steps else "planned"
    for step in steps:
        if step.starts_on <= day:
            state = step.state
    return state


@dataclass(frozen=True)
class Places:
    """The whole catalogue at one version of the directory."""

    version: int
    facilities: Mapping[int, FacilityPlace]
    rooms: Mapping[int, RoomPlace]
    resources: Mapping[int, ResourcePlace]
    by_code: Mapping[str, ResourcePlace] = field(default_factory=dict)

    def facility(self, code: str) -> FacilityPlace | None:
        return next((f for f in self.facilities.values() if f.code == code), None)

    def room(self, code: str) -> RoomPlace | None:
        return next((r for r in self.rooms.values() if r.code == code), None)

    def resources_of(
        self,
        facility_id: int | None = None,
        room_id: int | None = None,
        kind: str | None = None,
        text: str = "",
    ) -> list[ResourcePlace]:
        """List resources in catalogue order, filtered."""
        needle = text.casefold().strip()
        return [
            r
            for r in self.resources.values()
            if (facility_id is None or r.facility.id == facility_id)
            and (room_id is None or (r.room is not None and r.room.id == room_id))
            and (kind is None or r.kind == kind)
            and (not needle or needle in f"{r.code} {r.name} {r.model_class} {r.kind}".casefold())
        ]


def holiday_name(calendar: str, day: date) -> str:
    """Return the name of a bank holiday of a calendar such as `GB-ENG`, or an empty text."""
    return _holidays(calendar, day.year).get(day, "") if calendar else ""


_holiday_years: dict[tuple[str, int], dict[date, str]] = {}


def _holidays(calendar: str, year: int) -> dict[date, str]:
    if (calendar, year) not in _holiday_years:
        import holidays  # the package takes a quarter of a second to load: only when first asked

        country, _, part = calendar.partition("-")
        found = holidays.country_holidays(country, subdiv=part or None, years=year)
        _holiday_years[calendar, year] = dict(found.items())
    return _holiday_years[calendar, year]


def hour_kinds(role: str) -> frozenset[str]:
    """Return which hours a role may use: researchers and staff the extended ones too."""
    return frozenset({"staffed", "extended"}) if role in EXTENDED_ROLES else frozenset({"staffed"})


def role_may_book(resource: ResourcePlace, role: str, day: date) -> bool:
    """Tell whether the state of a day, and the policy, let a role book."""
    state = resource.state_on(day)
    open_to = OPEN_TO[state]
    if open_to is not None:
        return role in open_to
    opens_on = resource.effective(role)["opens_on"].value
    return not isinstance(opens_on, date) or day >= opens_on


def opens_to(resource: ResourcePlace, role: str, after: date) -> date | None:
    """Return the first day from `after` on, on which a role may book; None if it never will."""
    opens_on = resource.effective(role)["opens_on"].value
    days = [after, *resource.state_changes()]
    if isinstance(opens_on, date):
        days.append(opens_on)
    return next((day for day in sorted(days) if day >= after and role_may_book(resource, role, day)), None)


def open_periods(resource: ResourcePlace, role: str, window: Period) -> list[Period]:
    """Return when a role can use a resource within a window: hours, closures and lifecycle together."""
    tz = resource.facility.tz
    spans: list[Period] = []
    for day in days_of(window, tz):
        if resource.closed_on(day) or not role_may_book(resource, role, day):
            continue
        if resource.running == "free":
            spans.append(day_period(day, tz))
        else:
            spans += resource.facility.opening(day, hour_kinds(role))
    clipped = [
        Period(max(s.start, window.start), min(s.end, window.end)) for s in spans if s.overlaps(window)
    ]
    return merge(clipped)


def opening_moment(resource: ResourcePlace, role: str, after: datetime) -> datetime | None:
    """Return the moment from which a role may book at all, not before `after`."""
    tz = resource.facility.tz
    day = opens_to(resource, role, after.astimezone(tz).date())
    return None if day is None else max(after, midnight(day, tz))


def next_day(day: date) -> date:
    return day + timedelta(days=1)
