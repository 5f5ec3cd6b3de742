"""Questions about requests: which steps are open, who may answer them, and what waits for whom."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, or_, select, true
from sqlalchemy.orm import aliased

from booking.base import clock
from booking.base.db import db, read_composed
from booking.bookings.deciding import NEXT, Waiting, is_decider, may_answer, may_stand_in
from booking.bookings.facts import relation, relation_columns, takes_part
from booking.bookings.models import ApprovalStep, Booking, Participant
from booking.bookings.queries import Detail, details
from booking.facilities.models import Duty
from booking.facilities.places import FacilityPlace
from booking.facilities.queries import places, viewer_of
from booking.people.models import Deputy, Organisation, Project, User
from booking.people.viewer import STAFF_DUTIES, Viewer

LISTED = 500


@dataclass(frozen=True)
class Asked:
    """A request that waits for somebody's answer; `person` is in whose place they answer it."""

    detail: Detail
    step: ApprovalStep
    earlier: tuple[ApprovalStep, ...]
    person: Viewer
    by: Viewer

    @property
    def as_deputy(self) -> bool:
        return self.person.id != self.by.id


def people_played(by: Viewer) -> list[Viewer]:
    """Return a person and those in whose place they decide today."""
    if not by.stands_in:
        return [by]
    days = {clock.now().astimezone(place.tz).date() for place in places().facilities.values()}
    others = (viewer_of(user) for user in sorted({user for day in days for user in by.stands_in_for(day)}))
    return [by, *(other for other in others if other is not None and may_stand_in(by, other))]


# --- open steps ------------------------------------------------------------------------------------

_before = aliased(ApprovalStep)
_OPEN = (
    select(
        ApprovalStep.id,
        ApprovalStep.booking_id,
        ApprovalStep.decider,
        ApprovalStep.facility_id,
        ApprovalStep.resource_id,
        ApprovalStep.own,
        ApprovalStep.escalated_at,
        Booking.made_by_id,
        Booking.facility_id.label("booked_at"),
        *relation_columns(),
        select(func.count(_before.id))
        .where(_before.booking_id == ApprovalStep.booking_id, _before.round == ApprovalStep.round)
        .where(
            or_(
                _before.answered_by_id.in_(bindparam("answering", expanding=True)),
                _before.deputy_for_id.in_(bindparam("answering", expanding=True)),
            )
        )
        .scalar_subquery()
        .label("answered_before"),
    )
    .join(Booking, Booking.id == ApprovalStep.booking_id)
    .join(Organisation, Organisation.id == Booking.organisation_id)
    .outerjoin(Project, Project.id == Booking.project_id)
    .outerjoin(Participant, takes_part())
    .where(ApprovalStep.opened_at.is_not(None), ApprovalStep.closed_at.is_(None))
    .where(Booking.status == "requested", Booking.ends_at > bindparam("now"))
    .order_by(Booking.answer_due_at, Booking.id)
    .limit(LISTED)
)


def _open_steps(viewer: int, answering: Collection[int], condition: ColumnElement[bool]) -> list[Waiting]:
    values = {"viewer": viewer, "answering": sorted(answering), "now": clock.now()}
    return [_waiting(row) for row in read_composed(_OPEN.where(condition), values)]


def _waiting(row: Any) -> Waiting:
    return Waiting(
        row.id,
        row.booking_id,
        row.decider,
        row.facility_id,
        _owners(row),
        row.own,
        row.escalated_at is not None,
        row.organiser_id,
        row.made_by_id,
        relation(row, frozenset({row.facility_id, row.booked_at})),
        row.answered_before > 0,
    )


def _near(person: Viewer) -> ColumnElement[bool] | None:
    """Return the condition for steps that a person may be asked about; None if there can be none."""
    if person.is_admin:
        return true()
    parts: list[ColumnElement[bool]] = []
    if person.staffs_anything:
        parts.append(ApprovalStep.facility_id.in_(sorted(person.staffed())))
    resources = places().resources.values()
    owned = [one.id for one in resources if person.id in one.owners]
    if owned:
        parts.append(ApprovalStep.resource_id.in_(owned))
    if any("supervisor" in rule.deciders for one in resources for rule in one.approvals):
        parts.append(Booking.supervisor_id == person.id)
    return or_(*parts) if parts else None


def open_for(by: Viewer, booking_id: int | None = None) -> list[tuple[Waiting, Viewer]]:
    """List the open steps that somebody may answer, with in whose place; the most urgent first."""
    found: dict[int, tuple[Waiting, Viewer]] = {}
    for person in people_played(by):
        near = _near(person) if booking_id is None else ApprovalStep.booking_id == booking_id
        if near is not None:
            for step in _open_steps(person.id, {by.id, person.id}, near):
                if may_answer(by, step, person):
                    found.setdefault(step.step_id, (step, person))
    return list(found.values())


def count_waiting(viewer: Viewer) -> int:
    """Count the requests that wait for this person's answer."""
    return len(open_for(viewer))


def decides_anything(viewer: Viewer) -> bool:
    """Tell whether requests wait for this person, or may any day, so that they have a page for it."""
    if viewer.staffs_anything or len(people_played(viewer)) > 1:
        return True
    return any(viewer.id in one.owners for one in places().resources.values()) or bool(open_for(viewer))


def waiting_requests(by: Viewer, limit: int = 200) -> list[Detail]:
    """List the requests that this person may answer, the most urgent first."""
    return [one.detail for one in requests_for(by, limit)]


def requests_for(by: Viewer, limit: int = 200) -> list[Asked]:
    """List the requests that wait for this person with their steps, each as its decider may see it."""
    return asked_of(open_for(by)[:limit], by)


def asked_of(found: Collection[tuple[Waiting, Viewer]], by: Viewer) -> list[Asked]:
    """Return open steps with their bookings, each as the one in whose place it is answered sees it."""
    rows = _steps_of({waiting.booking_id for waiting, _ in found})
    shown: dict[int, Detail] = {}
    for person in {person.id: person for _, person in found}.values():
        ids = [waiting.booking_id for waiting, one in found if one.id == person.id]
        bookings = list(db.session.scalars(select(Booking).where(Booking.id.in_(ids))))
        shown |= {detail.booking.id: detail for detail in details(bookings, person)}
    return [_asked(waiting, person, by, shown[waiting.booking_id], rows) for waiting, person in found]


def _asked(
    waiting: Waiting, person: Viewer, by: Viewer, detail: Detail, rows: Iterable[ApprovalStep]
) -> Asked:
    mine = [row for row in rows if row.booking_id == waiting.booking_id]
    step = next(row for row in mine if row.id == waiting.step_id)
    return Asked(detail, step, tuple(r for r in mine if r.round == step.round and r.approved), person, by)


def steps_of(booking_id: int) -> list[ApprovalStep]:
    """List the steps of a booking's newest round, in order."""
    rows = _steps_of({booking_id})
    newest = max((row.round for row in rows), default=0)
    return [row for row in rows if row.round == newest]


def _steps_of(booking_ids: Collection[int]) -> list[ApprovalStep]:
    query = select(ApprovalStep).where(ApprovalStep.booking_id.in_(sorted(booking_ids)))
    return list(
        db.session.scalars(
            query.order_by(ApprovalStep.round, ApprovalStep.position).execution_options(
                populate_existing=True
            )
        )
    )


def was_asked(by: Viewer, booking: Booking) -> bool:
    """Tell whether somebody was asked for an answer of this round that another has given."""
    answered = [row for row in steps_of(booking.id) if row.approved is not None]
    return any(
        person.is_admin
        or is_decider(person, row.decider, row.facility_id, _owners(row), booking.supervisor_id)
        for row in answered
        for person in people_played(by)
    )


def _owners(row: Any) -> tuple[int, ...]:
    resource = places().resources.get(row.resource_id)
    return resource.owners if resource else ()


def open_step(booking_id: int) -> ApprovalStep | None:
    """Return the step that a booking waits for; None if it waits for nobody."""
    return next((row for row in steps_of(booking_id) if row.opened_at and not row.closed_at), None)


# --- whom to ask -----------------------------------------------------------------------------------


def people_to_ask(step: ApprovalStep) -> set[int]:
    """Return who is to be told of an open step: its deciders and who stands in for them today.

    Once it was passed on, those who come next; administrators where there is nobody else.
    """
    waiting = next(iter(_open_steps(0, {0}, ApprovalStep.id == step.id)), None)
    if waiting is None:
        return set()
    if not step.escalated_at:
        return _able(step.decider, waiting, step)
    return _able(NEXT[step.decider], waiting, step) or _able("admin", waiting, step)


def _able(decider: str, waiting: Waiting, step: ApprovalStep) -> set[int]:
    rows = steps_of(step.booking_id)
    answered = {user for row in rows for user in (row.answered_by_id, row.deputy_for_id) if user}
    people = _with_deputies(_holders(decider, waiting), places().facilities[step.facility_id])
    return {
        by.id
        for by, person in people
        if not answered & {by.id, person.id} and may_answer(by, waiting, person)
    }


def _with_deputies(users: Collection[int], facility: FacilityPlace) -> Iterator[tuple[Viewer, Viewer]]:
    """Yield people for themselves, and each who decides in their place today."""
    today = clock.now().astimezone(facility.tz).date()
    for person in (viewer_of(user) for user in sorted(users)):
        if person is not None:
            yield person, person
    query = select(Deputy).where(Deputy.first_day <= today, Deputy.last_day >= today)
    for row in db.session.scalars(query.where(Deputy.user_id.in_(sorted(users)))):
        deputy, person = viewer_of(row.deputy_id), viewer_of(row.user_id)
        if deputy is not None and person is not None and may_stand_in(deputy, person):
            yield deputy, person


def _holders(decider: str, waiting: Waiting) -> list[int]:
    if decider == "supervisor":
        return [waiting.relation.supervisor_id] if waiting.relation.supervisor_id else []
    if decider == "owner":
        return list(waiting.owners)
    if decider == "admin":
        return list(db.session.scalars(select(User.id).where(User.role == "admin", User.active)))
    duties = STAFF_DUTIES if decider == "staff" else {decider}
    query = select(Duty.user_id).where(Duty.facility_id == waiting.facility_id, Duty.duty.in_(sorted(duties)))
    return sorted(set(db.session.scalars(query)))
