"""What the API says of things, as plain JSON values: exactly what a viewer's level of sight allows."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from booking.base.errors import Alternative, Refusal
from booking.base.period import Period
from booking.bookings.approving import in_words
from booking.bookings.approving import rules_of as approval_rules_of
from booking.bookings.explaining import Explained
from booking.bookings.queries import Block, Detail
from booking.bookings.quotas import limit_in_words, plain_amount
from booking.bookings.quotas_now import QuotaNow
from booking.bookings.series import Judged
from booking.bookings.visibility import Level
from booking.facilities.places import (
    ClosedDays,
    FacilityPlace,
    Hours,
    Places,
    ResourcePlace,
    RoomPlace,
    Ruled,
    Step,
    opens_to,
)
from booking.people.models import Project
from booking.people.names import OrganisationName, PersonName, ProjectName
from booking.training.standing import Requirements
from booking.training.words import TIMES_WORDS

Json = dict[str, Any]


def moment(value: datetime) -> str:
    """Write a moment in UTC with Z."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- bookings --------------------------------------------------------------------------------------


def booking(seen: Detail) -> Json:
    """Show a booking by its level of sight."""
    if seen.level is Level.FULL:
        return _full(seen)
    if seen.level is Level.PARTIAL:
        return _partial(seen)
    start, end = _held_times(seen)
    resources = [{"code": resource.code, "units": units} for resource, units, _ in seen.resources]
    label = seen.organisation.alias if seen.level is Level.ALIAS else ""
    return _busy(Period(start, end), resources, label)


def _full(seen: Detail) -> Json:
    row = seen.booking
    made_for = seen.organiser if row.made_by_id != row.organiser_id else None
    return {
        "id": row.public_id,
        "status": seen.status,
        "title": row.title,
        "start": moment(row.starts_at),
        "end": moment(row.ends_at),
        "timezone": seen.timezone,
        "resources": [_taken(*one) for one in seen.resources],
        "people": row.people,
        "organiser": person(seen.organiser),
        "organisation": named(seen.organisation),
        "project": named(seen.project),
        "participants": [person(user) for user in seen.participants],
        "supervisor": person(seen.supervisor),
        "on_behalf_of": person(made_for),
        "notes": row.notes,
        "series": row.series_id,
        "campaign": None,
        "held": held(seen),
        "version": row.version,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }


def _partial(seen: Detail) -> Json:
    return {
        "id": seen.booking.public_id,
        "status": seen.status,
        "title": seen.booking.title,
        "organiser": {"name": seen.organiser.name},
        "start": moment(seen.booking.starts_at),
        "end": moment(seen.booking.ends_at),
        "resources": [
            {"code": resource.code, "name": resource.name, "units": units}
            for resource, units, _ in seen.resources
        ],
    }


def _taken(resource: ResourcePlace, units: int, names: tuple[str, ...]) -> Json:
    shown: Json = {"code": resource.code, "name": resource.name, "units": units}
    if len(resource.units) > 1:
        shown["unit_names"] = list(names)
    return shown


def held(seen: Detail) -> list[Json]:
    """Show from when to when each resource is held, set-up and changeover included."""
    rows = {
        resource.id: [h for h in seen.held if h.resource_id == resource.id]
        for resource, _, _ in seen.resources
    }
    return [
        {
            "resource": resource.code,
            "start": moment(min(row.starts_at for row in rows[resource.id])),
            "end": moment(max(row.held_until for row in rows[resource.id])),
        }
        for resource, _, _ in seen.resources
        if rows[resource.id]
    ]


def _held_times(seen: Detail) -> tuple[datetime, datetime]:
    starts = [row.starts_at for row in seen.held] or [seen.booking.starts_at]
    ends = [row.held_until for row in seen.held] or [seen.booking.ends_at]
    return min(starts), max(ends)


def busy_block(block: Block, catalogue: Places) -> Json:
    """Show a stretch of which the viewer may know only that something is taken."""
    code = catalogue.resources[block.resource_id].code
    return _busy(Period(block.starts_at, block.ends_at), [{"code": code, "units": block.units}], block.label)


def _busy(period: Period, resources: Sequence[Json], label: str) -> Json:
    shown: Json = {
        "status": "busy",
        "start": moment(period.start),
        "end": moment(period.end),
        "resources": list(resources),
    }
    return {**shown, "label": label} if label else shown


def stretch(block: Block) -> Json:
    """Show what is taken of one resource: held times, and of the booking what the viewer may see."""
    starts = [row.starts_at for row in block.held] or [block.starts_at]
    ends = [row.held_until for row in block.held] or [block.ends_at]
    shown: Json = {"start": moment(min(starts)), "end": moment(max(ends)), "units": block.units}
    label = block.title if block.level >= Level.PARTIAL else block.label
    if label:
        shown["label"] = label
    if block.booking_id:
        shown["booking"] = block.booking_id
    return shown


def person(user: PersonName | None) -> Json | None:
    return {"id": user.public_id, "name": user.name} if user else None


def named(row: OrganisationName | ProjectName | Project | FacilityPlace | None) -> Json | None:
    return {"code": row.code, "name": row.name} if row else None


# --- refusals --------------------------------------------------------------------------------------


def refusal(refused: Refusal) -> Json:
    return {
        "code": refused.code,
        "message": refused.message,
        "resource": refused.resource,
        "rule": {"name": refused.rule, "set_by": refused.set_by},
        "fix": refused.fix,
        "ok_from": moment(refused.ok_from) if refused.ok_from else None,
    }


def explained(one: Explained) -> Json:
    """Show one rule, kept or not, with what it measured."""
    refused, (name, set_by) = one.refusal, one.source
    return {
        "name": one.name,
        "resource": one.resource,
        "passed": one.passed,
        "code": refused.code if refused else None,
        "message": one.message,
        "source": {"name": name, "set_by": set_by},
        "numbers": dict(one.measure.numbers),
        "fix": refused.fix if refused else "",
        "ok_from": moment(refused.ok_from) if refused and refused.ok_from else None,
    }


def alternative(offered: Alternative) -> Json:
    return {
        "start": moment(offered.starts_at),
        "end": moment(offered.ends_at),
        "resources": [{"code": code, "units": units} for code, units in offered.resources],
        "differs": list(offered.differs),
    }


def occurrence(judged: Judged) -> Json:
    """Show one occurrence of a series, and what is against it."""
    start, end = judged.occurrence.moments
    return {
        "start": moment(start),
        "end": moment(end),
        "note": judged.occurrence.note,
        "refusals": [refusal(one) for one in judged.refusals],
    }


# --- the catalogue ---------------------------------------------------------------------------------


def facility(place: FacilityPlace, today: date) -> Json:
    return {
        "code": place.code,
        "name": place.name,
        "timezone": place.timezone,
        "description": place.description,
        "state": _state(place.steps, today),
    }


def facility_in_full(place: FacilityPlace, catalogue: Places, today: date, as_staff: bool) -> Json:
    """Show a facility with its rooms, hours, closures and lifecycle."""
    return {
        **facility(place, today),
        "rooms": [room.code for room in catalogue.rooms.values() if room.facility_id == place.id],
        "hours": [hours(one) for one in place.hours],
        "holidays": place.holidays,
        "closures": closures(place.closures, catalogue, today, as_staff),
        "lifecycle": [step(one) for one in place.steps],
    }


def _state(steps: Sequence[Step], today: date) -> str:
    begun = [one.state for one in steps if one.starts_on <= today]
    return begun[-1] if begun else "planned" if steps else "live"


def hours(span: Hours) -> Json:
    return {
        "hours": span.hours,
        "weekday": span.weekday,
        "opens": span.opens.strftime("%H:%M"),
        "closes": span.closes.strftime("%H:%M"),
    }


def step(one: Step) -> Json:
    return {"state": one.state, "starts_on": one.starts_on.isoformat()}


def closures(days: Iterable[ClosedDays], catalogue: Places, today: date, as_staff: bool) -> list[Json]:
    """Show the closures still to come; their reasons are for staff."""
    shown = []
    for one in sorted(days, key=lambda closed: (closed.first_day, closed.name)):
        if one.last_day < today:
            continue
        room = catalogue.rooms.get(one.room_id) if one.room_id else None
        resource = catalogue.resources.get(one.resource_id) if one.resource_id else None
        closed: Json = {
            "first_day": one.first_day.isoformat(),
            "last_day": one.last_day.isoformat(),
            "name": one.name,
            "room": room.code if room else None,
            "resource": resource.code if resource else None,
        }
        shown.append({**closed, "reason": one.reason} if as_staff else closed)
    return shown


def room(place: RoomPlace, catalogue: Places) -> Json:
    return {
        "code": place.code,
        "name": place.name,
        "facility": catalogue.facilities[place.facility_id].code,
        "class": place.room_class,
        "max_persons": place.max_persons,
        "lone_working": place.lone_working,
        "accessible": place.accessible,
        "note": place.note,
    }


def resource(place: ResourcePlace, today: date) -> Json:
    return {
        "code": place.code,
        "name": place.name,
        "kind": place.kind,
        "facility": place.facility.code,
        "room": place.room.code if place.room else None,
        "timezone": place.facility.timezone,
        "units": len(place.units),
        "unit_name": place.unit_name,
        "unit_names": [unit.name for unit in place.units],
        "running": place.running,
        "approval": place.approval,
        "model_class": place.model_class,
        "needs": place.needs,
        "description": place.description,
        "state": place.state_on(today),
    }


def resource_in_full(
    place: ResourcePlace,
    catalogue: Places,
    asked: Requirements,
    role: str,
    today: date,
    as_staff: bool,
) -> Json:
    """Show a resource with the rules that hold for a role and where each comes from."""
    opens = opens_to(place, role, today)
    twins = [catalogue.resources[twin].code for twin in place.twins if twin in catalogue.resources]
    return {
        **resource(place, today),
        "rules": [
            *(rule(name, one) for name, one in place.effective(role).items()),
            *rules_of_people(place, asked),
            *rules_of_approval(place, role),
            *rules_of_company(place, role),
        ],
        "opens_to_me": opens.isoformat() if opens else None,
        "substitutes": twins,
        "hours": [hours(one) for one in place.facility.hours],
        "closures": closures(place.closures(), catalogue, today, as_staff),
        "lifecycle": [step(one) for one in place.steps or place.facility.steps],
    }


def rules_of_people(place: ResourcePlace, asked: Requirements) -> Iterator[Json]:
    """Yield what a resource asks of people: modules, permits of some projects too, and its certificate."""
    because = f"{place.code} asks for it"
    for module in asked.modules_of(place.id):
        owner = module.set_by or f"{place.facility.code} trainers"
        yield rule("training", Ruled(module.code, "", owner, because))
    for need in asked.permits:
        if need.concerns(place, frozenset([need.work] if need.work else [])):
            times = (
                because if need.at_times == "always" else f"{because}: {TIMES_WORDS[need.at_times].lower()}"
            )
            yield rule("permit", Ruled(need.kind, "", need.set_by, times))
    if place.serviceable_until is not None:
        certificate = place.serviceable_until
        ends = f"its {certificate.kind.lower()} runs out"
        yield rule("serviceable_until", Ruled(certificate.valid_through, "", certificate.issued_by, ends))


def rules_of_approval(place: ResourcePlace, role: str) -> Iterator[Json]:
    """Yield when bookings need approval, and by whom."""
    for one in approval_rules_of(place, role):
        yield rule("approval", Ruled(in_words(one), one.name, one.set_by, one.because(place)))


def rules_of_company(place: ResourcePlace, role: str) -> Iterator[Json]:
    """Yield who may work alone in the room, and how many students a supervisor may have at a time."""
    room, facility = place.room, place.facility
    if room is not None and room.lone_working:
        because = f"{place.code} is in {room.code}"
        yield rule("lone_working", Ruled(room.lone_working, "", f"{room.code} {room.name}", because))
    if facility.most_supervised is not None and role == "student":
        because = f"{place.code} is at {facility.code}, and you are {role}"
        owner = f"{facility.code} {facility.name}"
        yield rule("most_supervised", Ruled(facility.most_supervised, "", owner, because))


def rules_of_quotas(place: ResourcePlace, quotas: Iterable[QuotaNow]) -> Iterator[Json]:
    """Yield the quotas that count for the caller, with what they have of them now."""
    for one in quotas:
        quota = one.use.quota
        said = f"{one.rule}: {limit_in_words(quota)}; {plain_amount(quota, one.left)} left now"
        yield rule("quota", Ruled(said, quota.name, quota.set_by, place.because(quota)))


def quota(one: QuotaNow) -> Json:
    """Show how somebody stands with a quota: hours, or a number of bookings."""
    size = 1 if one.use.quota.minutes is None else 3600
    return {
        "rule": one.rule,
        "used": round(one.used / size, 2),
        "left": round(one.left / size, 2),
        "resets_at": moment(one.resets_at) if one.resets_at else None,
    }


def rule(name: str, ruled: Ruled) -> Json:
    return {
        "name": name,
        "value": plain(ruled.value),
        "set_by": ruled.set_by,
        "applies_because": ruled.because,
    }


def plain(value: object) -> Any:
    """Return a rule's value as JSON has it."""
    if isinstance(value, date | time):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
