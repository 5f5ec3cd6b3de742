"""What is asked of people, and what they hold: plain values that the rules of booking look at.

A day through which something is valid counts to its end: until midnight by the facility's clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]

from booking.base.period import Period
from booking.facilities.places import ResourcePlace

# --- what is asked ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class ModuleAsked:
    """A module that a resource asks for, and the level from which one may work there alone."""

    id: int
    code: str
    title: str
    level: str
    valid_months: int
    lapse_months: int
    set_by: str


@dataclass(frozen=True)
class PermitAsked:
    """What asks for a permit, where, for which kind of work and at what times."""

    id: int
    kind: str
    set_by: str
    facility_id: int
    room_id: int | None
    resource_id: int | None
    resource_kind: str | None
    work: str | None
    at_times: str

    def concerns(self, resource: ResourcePlace, works: frozenset[str]) -> bool:
        """Tell whether it speaks of a resource, for a project that does these kinds of work."""
        return (
            self.facility_id == resource.facility.id
            and self.resource_id in (None, resource.id)
            and self.room_id in (None, resource.room.id if resource.room else 0)
            and self.resource_kind in (None, resource.kind)
            and (self.work is None or self.work in works)
        )


@dataclass(frozen=True)
class Requirements:
    """Everything that resources ask of people, at one version of the directory."""

    version: int = 0
    modules: Mapping[int, tuple[ModuleAsked, ...]] = field(default_factory=dict)
    permits: tuple[PermitAsked, ...] = ()
    works: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def modules_of(self, resource_id: int) -> tuple[ModuleAsked, ...]:
        return self.modules.get(resource_id, ())

    def out_of_hours(self, facility_id: int) -> frozenset[str]:
        """Return the kinds of permits by which people work outside staffed hours at a facility."""
        asked = (one for one in self.permits if one.facility_id == facility_id)
        return frozenset(one.kind for one in asked if one.at_times == "out_of_hours")

    def permits_of(self, resource: ResourcePlace, project_id: int | None) -> list[PermitAsked]:
        """List what asks for a permit at a resource, for a booking of this project."""
        works = self.works.get(project_id or 0, frozenset())
        return [asked for asked in self.permits if asked.concerns(resource, works)]


# --- what people hold ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """A person's competence in a module; `used_on` is the last day of which practice is known."""

    level: str
    valid_through: date | None
    used_on: date

    def lapses_on(self, months: int) -> date | None:
        """Return the last day before it lapses by disuse; None if the module knows no such lapse."""
        return add_months(self.used_on, months) if months else None


@dataclass(frozen=True)
class HeldPermit:
    """A permit: what of its scope is None or empty may be any."""

    kind: str
    reference: str
    user_id: int | None
    project_id: int | None
    room_id: int | None
    resources: frozenset[int]
    valid_from: date
    valid_through: date

    def covers(self, resource: ResourcePlace) -> bool:
        room_id = resource.room.id if resource.room else 0
        return self.room_id in (None, room_id) and (not self.resources or resource.id in self.resources)


@dataclass(frozen=True)
class Holdings:
    """Competences by person and module, and permits of people and projects."""

    competences: Mapping[int, Mapping[int, Held]] = field(default_factory=dict)
    permits: tuple[HeldPermit, ...] = ()

    def permits_for(self, user_id: int, project_id: int | None) -> list[HeldPermit]:
        return [
            permit
            for permit in self.permits
            if permit.user_id in (None, user_id) and permit.project_id in (None, project_id)
        ]


@dataclass(frozen=True)
class NextSession:
    """A session to come that has places left."""

    id: int
    starts_at: datetime
    ends_at: datetime
    left: int


@dataclass(frozen=True)
class Engaged:
    """A time at which somebody has to be in a room."""

    period: Period
    room_id: int | None


@dataclass(frozen=True)
class Supervised:
    """A time at which a supervisor has students at a facility, in a booking."""

    booking_id: int
    facility_id: int
    period: Period
    students: int


@dataclass(frozen=True)
class Standing:
    """What is asked of the organiser of a booking, and what they and their supervisor hold.

    The organiser has a name here only if it is not the one who books. `company` are the others who are named,
    and `students` how many of all are students.
    """

    requirements: Requirements = Requirements()
    holdings: Holdings = Holdings()
    organiser_id: int = 0
    organiser: str = ""
    project_id: int | None = None
    supervisor_id: int | None = None
    supervisor: str = ""
    supervisor_engaged: tuple[Engaged, ...] = ()
    sessions: Mapping[int, tuple[NextSession, ...]] = field(default_factory=dict)
    same_people: bool = False
    company: tuple[int, ...] = ()
    same_company: bool = False
    students: int = 0
    supervised: tuple[Supervised, ...] = ()

    @property
    def you(self) -> str:
        return self.organiser or "you"

    @property
    def your(self) -> str:
        return f"{self.organiser}'s" if self.organiser else "Your"

    def mine(self, module_id: int) -> Held | None:
        return self.holdings.competences.get(self.organiser_id, {}).get(module_id)

    def supervisors(self, module_id: int) -> Held | None:
        return self.holdings.competences.get(self.supervisor_id or 0, {}).get(module_id)

    def permits(self) -> list[HeldPermit]:
        return self.holdings.permits_for(self.organiser_id, self.project_id)


# --- days ------------------------------------------------------------------------------------------


def add_months(day: date, months: int) -> date:
    """Return the same day some months later; the last of the month where there is no such day."""
    later: date = day + relativedelta(months=months)
    return later


def covered_through(permits: Iterable[HeldPermit], first: date) -> date | None:
    """Return the last day to which permits reach from a day on without a gap; None if none holds that day."""
    reached: date | None = None
    for permit in sorted(permits, key=lambda one: one.valid_from):
        follows = permit.valid_from <= (reached + timedelta(days=1) if reached else first)
        if follows and permit.valid_through >= first:
            reached = max(permit.valid_through, reached or first)
    return reached


def session_that_cures(
    sessions: Iterable[NextSession], months: int, before: datetime, last_day: date
) -> NextSession | None:
    """Return the first session whose certificate would last; one before the booking if there is one."""
    lasting = [s for s in sessions if not months or add_months(s.ends_at.date(), months) >= last_day]
    return next((s for s in lasting if s.ends_at <= before), lasting[0] if lasting else None)
