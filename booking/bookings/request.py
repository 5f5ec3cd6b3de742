"""What a person asks for, whichever door they came through; and the facts on which it is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from booking.base.errors import Invalid
from booking.base.period import MAX_MOMENT, MIN_MOMENT, Period
from booking.base.texts import text_fault
from booking.bookings.quotas import Use
from booking.facilities.places import Places, ResourcePlace
from booking.schedule.free import Claim, PeopleThere, Taken, claim
from booking.training.standing import Standing

MAX_RESOURCES = 20
MAX_TITLE, MAX_NOTES = 200, 5000
MAX_PEOPLE = 1000
MAX_REASON = 1000
MAX_PARTICIPANTS = 50


@dataclass(frozen=True)
class Wanted:
    """A resource by code, with a number of units or the names of units."""

    code: str
    units: int = 1
    unit_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Override:
    """Which refusals, by their codes, somebody overrules who may, and why."""

    codes: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class BookingRequest:
    """A booking as asked for: aware times, resource codes, people by public id or e-mail."""

    starts_at: datetime
    ends_at: datetime
    resources: tuple[Wanted, ...]
    title: str
    project: str | None = None
    people: int = 1
    participants: tuple[str, ...] = ()
    on_behalf_of: str | None = None
    handed_to: str | None = None
    supervisor: str | None = None
    notes: str = ""
    override: Override | None = None

    @property
    def period(self) -> Period:
        return Period(self.starts_at, self.ends_at)


@dataclass(frozen=True)
class Want:
    """A wanted resource that exists, with the units asked for."""

    resource: ResourcePlace
    units: int
    named: tuple[int, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Everything the rules look at, gathered before: nothing here is read from the database later."""

    now: datetime
    role: str
    client: str
    wants: tuple[Want, ...]
    people: int
    taken: Mapping[int, Sequence[Taken]] = field(default_factory=dict)
    there: Sequence[PeopleThere] = ()
    before: Period | None = None
    before_resources: frozenset[int] = frozenset()
    standing: Standing = field(default_factory=Standing)
    quotas: tuple[Use, ...] = ()

    def claim(self, want: Want, period: Period) -> Claim:
        """Return what a want would hold: set-up, use, changeover and clearance by its policy."""
        rules = want.resource.effective(self.role)
        minutes = tuple(
            int(str(rules[name].value))
            for name in ("setup_minutes", "changeover_minutes", "clearance_minutes")
        )
        return claim(
            want.resource.id,
            period,
            (minutes[0], minutes[1], minutes[2]),
            self.client,
            want.units,
            want.named,
        )


def wants_of(request: BookingRequest, places: Places) -> tuple[Want, ...]:
    """Find what is asked for, and check the request's shape; raise `Invalid` naming every field."""
    errors: dict[str, list[str]] = {}
    wants = [want for wanted in request.resources if (want := _want(wanted, places, errors))]
    if not request.resources:
        errors.setdefault("resources", []).append("Choose at least one resource.")
    if len(request.resources) > MAX_RESOURCES:
        errors.setdefault("resources", []).append(f"At most {MAX_RESOURCES} resources fit into one booking.")
    if len({want.resource.id for want in wants}) < len(wants):
        errors.setdefault("resources", []).append("Name each resource once, with the number of its units.")
    _check_text(request, errors)
    _check_times(request, errors)
    if not 0 <= request.people <= MAX_PEOPLE:
        errors.setdefault("people", []).append(f"Give a number of people from 0 to {MAX_PEOPLE}.")
    if len(request.participants) > MAX_PARTICIPANTS:
        errors.setdefault("participants", []).append(f"At most {MAX_PARTICIPANTS} people can be named.")
    if errors:
        raise Invalid(errors)
    return tuple(wants)


def _want(wanted: Wanted, places: Places, errors: dict[str, list[str]]) -> Want | None:
    resource = places.by_code.get(wanted.code)
    if resource is None:
        errors.setdefault("resources", []).append(f"There is no resource {wanted.code[:40]!r}.")
        return None
    by_name = {unit.name: unit.id for unit in resource.units}
    fault = _unit_fault(wanted, resource, by_name)
    if fault:
        errors.setdefault("resources", []).append(fault)
        return None
    named = tuple(by_name[name] for name in wanted.unit_names)
    return Want(resource, len(named) or wanted.units, named)


def _unit_fault(wanted: Wanted, resource: ResourcePlace, by_name: Mapping[str, int]) -> str | None:
    unknown = [name for name in wanted.unit_names if name not in by_name]
    if unknown:
        return f"{resource.code} has no {resource.unit_name} called {unknown[0][:40]!r}."
    if len(set(wanted.unit_names)) < len(wanted.unit_names):
        return f"Name each {resource.unit_name} of {resource.code} once."
    if not 1 <= (len(wanted.unit_names) or wanted.units) <= len(resource.units):
        return f"Choose from 1 to {len(resource.units)} ({resource.unit_name}) of {resource.code}."
    return None


def _check_text(request: BookingRequest, errors: dict[str, list[str]]) -> None:
    for name, text, longest in (("title", request.title, MAX_TITLE), ("notes", request.notes, MAX_NOTES)):
        fault = text_fault(text, longest, lines=name == "notes")
        if fault:
            errors.setdefault(name, []).append(fault)
    if request.override is not None:
        reason = request.override.reason
        fault = text_fault(reason, MAX_REASON, lines=True)
        if fault or not reason.strip():
            errors.setdefault("override", []).append(fault or "Say why: it is shown with the booking.")
    if not request.title.strip():
        errors.setdefault("title", []).append("Give the booking a title.")


def _check_times(request: BookingRequest, errors: dict[str, list[str]]) -> None:
    for name, moment in (("start", request.starts_at), ("end", request.ends_at)):
        if moment.tzinfo is None:
            errors.setdefault(name, []).append("Give the time with its offset from UTC.")
        elif not MIN_MOMENT <= moment <= MAX_MOMENT:
            errors.setdefault(name, []).append("This date is out of reach; check the year.")
    if "start" not in errors and "end" not in errors and request.starts_at >= request.ends_at:
        errors.setdefault("end", []).append("The end must be after the start.")
