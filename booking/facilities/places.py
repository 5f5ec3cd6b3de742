"""The facilities as plain, immutable values: what the rules, the timeline and the doors read.

`Places` is a snapshot of the whole catalogue, built once per version of the directory.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
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
LONE_WORKING = ("", "yes", "yes (staffed hours)", "no", "no (students)")
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
    "overridable": (
        "notice",
        "horizon",
        "too_short",
        "too_long",
        "off_grid",
        "outside_hours",
        "quota",
        "training_missing",
    ),
}
ANSWER_DAYS = 2  # working days until a request goes to the next who may answer; one later it expires


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
class ApprovalPlace:
    """When bookings need approval, and who gives it, in order; `own`: who decides may decide for themself."""

    name: str
    set_by: str
    kind: str | None = None
    resource_id: int | None = None
    role: str | None = None
    longer_than_minutes: int | None = None
    outside_hours: bool = False
    deciders: tuple[str, ...] = ("staff",)
    own: bool = False
    answer_days: int = ANSWER_DAYS

    def because(self, resource: "ResourcePlace") -> str:
        """Say why it speaks of a resource."""
        return scope_words(self.resource_id, self.kind, self.role, resource)


@dataclass(frozen=True)
class QuotaPlace:
    """A quota: of what, for whom, shared by whom, and how many minutes or bookings in which span."""

    id: int
    name: str
    set_by: str
    facility_id: int
    kind: str | None = None
    running: str | None = None
    resource_id: int | None = None
    each_resource: bool = False
    role: str | None = None
    project_id: int | None = None
    organisation_id: int | None = None
    shared_by: str = "user"
    prime: bool = False
    span: str = "day"
    minutes: int | None = None
    bookings: int | None = None

    def concerns(self, resource: "ResourcePlace") -> bool:
        return (
            self.facility_id == resource.facility.id
            and self.resource_id in (None, resource.id)
            and self.kind in (None, resource.kind)
            and self.running in (None, resource.running)
        )

    def is_for(self, role: str, organisation_id: int, project_id: int | None) -> bool:
        """Tell whether bookings of such a person, for such a project, count at all."""
        return (
            self.role in (None, role)
            and self.organisation_id in (None, organisation_id)
            and self.project_id in (None, project_id)
            and (self.shared_by != "project" or project_id is not None)
        )

    @property
    def limit(self) -> int:
        """Return how much there is: seconds, or bookings."""
        return self.minutes * 60 if self.minutes is not None else self.bookings or 0


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
    second_competent: bool = False

    def asks_for_company(self, role: str, in_staffed_hours: bool) -> bool:
        """Tell whether somebody must not be the only one named for work here."""
        if self.lone_working == "yes (staffed hours)":
            return not in_staffed_hours
        return self.lone_working == "no" or (self.lone_working == "no (students)" and role == "student")


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
    prime: tuple[Hours, ...] = ()
    most_supervised: int | None = None
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
        return self._on(day, spans)

    def prime_time(self, day: date) -> list[Period]:
        """Return a day's prime time, closures not looked at."""
        return self._on(day, [hours for hours in self.prime if hours.weekday == day.weekday()])

    def _on(self, day: date, spans: Iterable[Hours]) -> list[Period]:
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
    approvals: tuple[ApprovalPlace, ...] = ()
    owners: tuple[int, ...] = ()
    quotas: tuple[QuotaPlace, ...] = ()
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
            because = self.because(policy)
            for name, value in policy.says.items():
                rules[name] = Ruled(value, policy.name, policy.set_by, because)
        return rules

    def because(self, rule: PolicyPlace | QuotaPlace) -> str:
        """Say why a policy or a quota speaks of this resource."""
        return scope_words(rule.resource_id, rule.kind, rule.role, self)

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


def scope_words(resource_id: int | None, kind: str | None, role: str | None, of: ResourcePlace) -> str:
    """Say why a rule of this scope speaks of a resource."""
    scope = (
        f"it is set for {of.code}"
        if resource_id is not None
        else f"{of.code} is of kind {of.kind}"
        if kind is not None
        else f"{of.code} is at {of.facility.code}"
    )
    return f"{scope}, and you are {role}" if role else scope


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


STAFFED = frozenset({"staffed"})
EVERY_HOUR = frozenset({"staffed", "extended"})


def hour_kinds(role: str) -> frozenset[str]:
    """Return which hours a role may use: researchers and staff the extended ones too."""
    return EVERY_HOUR if role in EXTENDED_ROLES else STAFFED


def staffed(resource: ResourcePlace, period: Period) -> bool:
    """Tell whether a period lies within the staffed hours of one day."""
    return within_hours(resource, period, STAFFED)


def within_hours(resource: ResourcePlace, period: Period, kinds: frozenset[str]) -> bool:
    """Tell whether a period lies within hours of these kinds on the day on which it begins."""
    day = period.start.astimezone(resource.facility.tz).date()
    return any(span.contains(period) for span in resource.facility.opening(day, kinds))


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


def open_periods(
    resource: ResourcePlace,
    role: str,
    window: Period,
    kinds_on: Callable[[date], frozenset[str]] | None = None,
) -> list[Period]:
    """Return when a role can use a resource within a window: hours, closures and lifecycle together.

    `kinds_on` says which hours are open to somebody on a day, if not simply those of the role.
    """
    tz = resource.facility.tz
    spans: list[Period] = []
    for day in days_of(window, tz):
        if resource.closed_on(day) or not role_may_book(resource, role, day):
            continue
        if resource.running == "free":
            spans.append(day_period(day, tz))
        else:
            spans += resource.facility.opening(day, kinds_on(day) if kinds_on else hour_kinds(role))
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
