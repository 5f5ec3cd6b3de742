"""When a booking needs approval, by whom and until when: plain values in, plain values out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from booking.base.period import Period
from booking.bookings import words
from booking.bookings.rules_people import works_out_of_hours
from booking.facilities.places import ApprovalPlace, FacilityPlace, ResourcePlace
from booking.facilities.workdays import working_days_later

DECIDERS = {
    "supervisor": "the booking's supervisor",
    "owner": "the owner of the resource",
    "quality_officer": "the quality officer",
    "staff": "the facility's staff",
    "facility_manager": "a facility manager",
}


def in_words(rule: ApprovalPlace) -> str:
    """Say when a rule asks for approval, and whom: `by the quality officer, then …; if longer than 8 h`."""
    parts = ["by " + ", then ".join(DECIDERS[decider] for decider in rule.deciders)]
    if rule.longer_than_minutes is not None:
        parts.append(f"if longer than {words.length(rule.longer_than_minutes)}")
    if rule.outside_hours:
        parts.append("if people are there outside staffed hours")
    return "; ".join(parts)


@dataclass(frozen=True)
class StepAsked:
    """An answer that is needed, from whom, where, and by which rule."""

    decider: str
    facility_id: int
    resource_id: int | None
    rule: str
    set_by: str
    own: bool
    answer_days: int

    @property
    def who(self) -> tuple[str, int, int | None]:
        return self.decider, self.facility_id, self.resource_id


def steps_needed(
    period: Period, role: str, people: int, resources: Iterable[ResourcePlace]
) -> tuple[StepAsked, ...]:
    """Return the answers that a booking needs, in order; nobody is asked twice.

    Rules with two steps come first: what they say of the order holds.
    """
    asked = [
        (rule, resource) for resource in resources for rule in _rules_for(resource, period, role, people)
    ]
    asked.sort(key=lambda pair: -len(pair[0].deciders))
    found: dict[tuple[str, int, int | None], StepAsked] = {}
    for rule, resource in asked:
        for decider in rule.deciders:
            step = _step(rule, decider, resource)
            before = found.setdefault(step.who, step)
            if before.own and not step.own:  # the stricter rule counts
                found[step.who] = step
    return tuple(found.values())


def _rules_for(resource: ResourcePlace, period: Period, role: str, people: int) -> Iterator[ApprovalPlace]:
    return (rule for rule in rules_of(resource, role) if applies(rule, period, people, resource))


def rules_of(resource: ResourcePlace, role: str) -> list[ApprovalPlace]:
    """List the rules of approval that speak of a resource, for a role."""
    found = [rule for rule in resource.approvals if rule.role in (None, role)]
    if resource.approval:
        owner = f"{resource.facility.code} staff"
        found.append(ApprovalPlace(f"{resource.code}: approval", owner, resource_id=resource.id, own=True))
    return found


def applies(rule: ApprovalPlace, period: Period, people: int, resource: ResourcePlace) -> bool:
    """Tell whether a booking is of the length and at the hours of which a rule speaks."""
    minutes = period.length.total_seconds() / 60
    long_enough = rule.longer_than_minutes is None or minutes > rule.longer_than_minutes
    return long_enough and (not rule.outside_hours or works_out_of_hours(period, people, resource))


def _step(rule: ApprovalPlace, decider: str, resource: ResourcePlace) -> StepAsked:
    owned = resource.id if decider == "owner" else None
    return StepAsked(decider, resource.facility.id, owned, rule.name, rule.set_by, rule.own, rule.answer_days)


def due(
    place: FacilityPlace, opened_at: datetime, answer_days: int, start: datetime
) -> tuple[datetime, datetime]:
    """Return when a step goes on to the next who may answer, and when the request expires.

    It expires one working day after it went on, or when its time comes; then it goes on half way.
    """
    expires = min(working_days_later(place, opened_at, answer_days + 1), max(start, opened_at))
    goes_on = working_days_later(place, opened_at, answer_days)
    return (goes_on if goes_on < expires else opened_at + (expires - opened_at) / 2), expires
