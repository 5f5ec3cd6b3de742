"""Who may answer a step of a request: by what they do there, never for themself, never blindly."""

from collections.abc import Collection
from dataclasses import dataclass

from booking.bookings.visibility import Level, Relation, level
from booking.people.viewer import Viewer

# Who may answer as well once a step has waited too long.
NEXT = {
    "supervisor": "staff",
    "owner": "staff",
    "quality_officer": "facility_manager",
    "staff": "facility_manager",
    "facility_manager": "admin",
}


@dataclass(frozen=True)
class Waiting:
    """An open step of a request, with everything that decides who may answer it."""

    step_id: int
    booking_id: int
    decider: str
    facility_id: int
    owners: tuple[int, ...]
    own: bool
    escalated: bool
    organiser_id: int
    made_by_id: int
    relation: Relation
    answered_before: bool = False


def may_stand_in(deputy: Viewer, person: Viewer) -> bool:
    """Tell whether somebody may see what another sees: both of the host, or both of one partner."""
    if deputy.is_host or person.is_host:
        return deputy.is_host and person.is_host
    return deputy.organisation_id == person.organisation_id


def may_answer(by: Viewer, step: Waiting, person: Viewer | None = None) -> bool:
    """Tell whether somebody may answer a step, for themself or in the place of a person.

    Two steps need two people, and nobody answers what they cannot see.
    """
    person = person or by
    concerned = {step.organiser_id, step.made_by_id}
    if step.answered_before or (not step.own and concerned & {by.id, person.id}):
        return False
    return level(person, step.relation) >= Level.PARTIAL and _decides(person, step)


def _decides(person: Viewer, step: Waiting) -> bool:
    return person.is_admin or any(
        is_decider(person, decider, step.facility_id, step.owners, step.relation.supervisor_id)
        for decider in (step.decider, *([NEXT[step.decider]] if step.escalated else []))
    )


def is_decider(
    person: Viewer, decider: str, facility_id: int, owners: Collection[int], supervisor_id: int | None
) -> bool:
    """Tell whether a person is what a rule names as the one who decides."""
    if decider == "supervisor":
        return person.id == supervisor_id
    if decider == "owner":
        return person.id in owners
    if decider == "staff":
        return person.staffs(facility_id)
    return person.is_admin or (decider, facility_id) in person.duties
