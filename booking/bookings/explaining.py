"""Why a booking is accepted or refused: every rule with its verdict, its numbers and where it comes from."""

from collections.abc import Iterator
from dataclasses import dataclass

from booking.base.errors import Forbidden, Refusal
from booking.bookings.actions import check_only
from booking.bookings.measures import Case, Measure, measure, name_of
from booking.bookings.request import BookingRequest
from booking.bookings.rules import judge
from booking.people.viewer import Viewer


@dataclass(frozen=True)
class Explained:
    """One rule, for one resource or (without one) for the whole booking: kept, or why not."""

    name: str
    resource: str | None
    refusal: Refusal | None
    measure: Measure

    @property
    def passed(self) -> bool:
        return self.refusal is None

    @property
    def message(self) -> str:
        return self.refusal.message if self.refusal else self.measure.text

    @property
    def source(self) -> tuple[str, str]:
        """Return the rule's own name, such as a policy's, and who set it."""
        if self.refusal:
            return self.refusal.rule, self.refusal.set_by
        return self.measure.source, self.measure.set_by


def explain(request: BookingRequest, by: Viewer, booking_id: str | None = None) -> list[Explained]:
    """Run every rule as `check_only` does and store nothing; others' bookings are explained to staff only."""
    _, facts = check_only(request, by, booking_id)
    sees_all = all(by.staffs(want.resource.facility.id) for want in facts.wants)
    if facts.standing.organiser_id != by.id and not sees_all:
        raise Forbidden("What somebody else may book, and why, is explained to the facility's staff only.")
    return list(explained(Case(request.period, facts, sees_all)))


def explained(case: Case) -> Iterator[Explained]:
    """Yield each rule that is kept once, and each refusal of the others once."""
    told: set[Refusal] = set()
    for verdict in judge(case.period, case.facts):
        found, name = measure(verdict, case), name_of(verdict)
        resource = verdict.want.resource.code if verdict.want else None
        if not verdict.refusals:
            yield Explained(name, resource, None, found)
        for refusal in verdict.refusals:
            if refusal not in told:
                told.add(refusal)
                yield Explained(name, refusal.resource, refusal, found)
