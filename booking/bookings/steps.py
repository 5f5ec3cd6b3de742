"""Writes the steps of a request: asked, opened one after the other, answered, passed on, closed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update

from booking.base import clock
from booking.base.acts import plan, unplan
from booking.base.db import db
from booking.bookings.approving import StepAsked, due
from booking.bookings.models import ApprovalStep, Booking
from booking.bookings.waiting import open_step, people_to_ask, steps_of
from booking.facilities.queries import places
from booking.people.viewer import Viewer

ESCALATION = "approval_escalates"


def ask(booking: Booking, asked: Sequence[StepAsked]) -> None:
    """Let a stored booking wait for answers, the first of them from now on; what it waited for is closed."""
    close(booking.id)
    last = db.session.scalar(
        select(func.max(ApprovalStep.round)).where(ApprovalStep.booking_id == booking.id)
    )
    rows = [
        ApprovalStep(
            booking_id=booking.id,
            round=(last or 0) + 1,
            position=position,
            decider=one.decider,
            facility_id=one.facility_id,
            resource_id=one.resource_id,
            rule=one.rule,
            set_by=one.set_by,
            own=one.own,
            answer_days=one.answer_days,
            note="",
        )
        for position, one in enumerate(asked, start=1)
    ]
    db.session.add_all(rows)
    if rows:
        _open(booking, rows[0])


def expiry(booking: Booking, first: StepAsked) -> datetime:
    """Return when a request that is asked now expires if nobody answers."""
    return due(places().facilities[first.facility_id], clock.now(), first.answer_days, booking.starts_at)[1]


def _open(booking: Booking, step: ApprovalStep) -> None:
    """Ask for an answer from now on; where nobody can give it, those who come next are asked at once."""
    facility = places().facilities[step.facility_id]
    step.opened_at = clock.now()
    step.due_at, booking.answer_due_at = due(facility, step.opened_at, step.answer_days, booking.starts_at)
    db.session.flush()
    if people_to_ask(step):
        plan(ESCALATION, step.id, step.due_at)
    else:
        step.escalated_at = step.opened_at
        db.session.flush()


def say_yes(
    booking: Booking, step: ApprovalStep, by: Viewer, person: Viewer, note: str
) -> ApprovalStep | None:
    """Write that a step was approved; open the next one and return it, or None if that was the last."""
    _answer(step, True, by, person, note)
    following = next((row for row in steps_of(booking.id) if row.position == step.position + 1), None)
    if following is not None:
        _open(booking, following)
    return following


def say_no(step: ApprovalStep, by: Viewer, person: Viewer, note: str) -> None:
    """Write that a step was declined: nobody else is asked."""
    _answer(step, False, by, person, note)


def _answer(step: ApprovalStep, approved: bool, by: Viewer, person: Viewer, note: str) -> None:
    step.approved, step.note, step.closed_at = approved, note, clock.now()
    step.answered_by_id, step.deputy_for_id = by.id, person.id if person.id != by.id else None
    unplan(ESCALATION, step.id)
    db.session.flush()


def close(booking_id: int) -> None:
    """Wait for nobody any more."""
    step = open_step(booking_id)
    if step is not None:
        unplan(ESCALATION, step.id)
    mine = (ApprovalStep.booking_id == booking_id, ApprovalStep.closed_at.is_(None))
    db.session.execute(update(ApprovalStep).where(*mine).values(closed_at=clock.now()))
