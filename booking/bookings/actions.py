"""What people do with bookings: one function = one thing = permission, lock, rules, write, audit, news."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from booking.base import audit, clock
from booking.base.acts import carries_out
from booking.base.db import bump, db, hold_back, lock, store, transaction, write
from booking.base.errors import (
    Busy,
    Forbidden,
    Invalid,
    NotChangeable,
    NotFound,
    Refusal,
    Refused,
    SlotTaken,
    Stale,
    refuse,
)
from booking.base.events import emit
from booking.base.period import Period
from booking.base.texts import text_fault
from booking.bookings import steps
from booking.bookings.alternatives import alternatives
from booking.bookings.approving import DECIDERS, StepAsked, steps_needed
from booking.bookings.deciding import is_decider
from booking.bookings.events import (
    BookingApproved,
    BookingChanged,
    BookingEnded,
    BookingMade,
    BookingOffered,
    BookingRestored,
    OfferAccepted,
    RequestPassedOn,
)
from booking.bookings.facts import Cast, before_of, find_cast, gather, lock_everything
from booking.bookings.models import HOLDING, ApprovalStep, Booking, BookingResource, Participant
from booking.bookings.overruling import (
    judge,
    keep_overruled,
    must_be_able_to_overrule,
    stays_as_it_was,
    void_overruled,
)
from booking.bookings.queries import (
    Contents,
    Detail,
    Held,
    picture,
    picture_of,
    relation_of,
    request_of,
    resources_of,
    text_of,
    with_names,
)
from booking.bookings.request import MAX_REASON, BookingRequest, Facts
from booking.bookings.rules import choose
from booking.bookings.visibility import Level, acts_as_staff, level, may_change, must_give_a_reason
from booking.bookings.waiting import open_for, open_step, was_asked
from booking.bookings.waitlist_queries import hold_back_to_free, needed_to_free
from booking.facilities.models import Resource
from booking.people.models import Project, User, public_id
from booking.people.sessions import must_be_able_to_write
from booking.people.viewer import Viewer
from booking.schedule.actions import UnitTaken, occupy, open_hold, release, shorten
from booking.schedule.free import Claim, PeopleThere, presence_of

GIVEN = frozenset({"notice"})  # what a booking that is restored gave when it was made
_LINK, _PARTICIPANT = insert(BookingResource), insert(Participant)
ENDED = ("cancelled", "declined", "completed")  # stored as completed: ended early


def book(request: BookingRequest, by: Viewer) -> Booking:
    """Make a booking, or a request where a resource needs approval; raise `Refused` with all reasons."""
    return _book(request, by).booking


def book_and_show(request: BookingRequest, by: Viewer) -> Detail:
    """Make a booking as `book` does, and return it as it may be seen: nothing of it is read back."""
    with transaction():
        return with_names([_book(request, by)], by)[0]


def offer(request: BookingRequest, by: Viewer, until: datetime) -> Booking:
    """Hold a booking for somebody until they accept it; raise `Refused` as `book` would."""
    return _book(request, by, until).booking


def accept_offer(booking_id: int, by: Viewer) -> Booking:
    """Make an offer a booking, or a request where a resource needs approval."""
    with transaction():
        held = [row.resource_id for row in resources_of(booking_id)]
        hold_back(Resource, held)
        hold_back(User, people_in(db.session.get_one(Booking, booking_id)))
        booking = lock(Booking, [booking_id])[booking_id]
        if booking.status != "requested" or (booking.offered_until or clock.now()) <= clock.now():
            raise NotChangeable("This offer was given up, or ran out.")
        cast = find_cast(request_of(booking), by, before_of(booking))
        asked = _answers_needed(Period(booking.starts_at, booking.ends_at), booking.people, cast, by)
        booking.status, booking.offered_until, booking.answer_due_at = "confirmed", None, None
        if asked:
            booking.status, booking.answer_due_at = "requested", steps.expiry(booking, asked[0])
            steps.ask(booking, asked)
        _revise(booking)
        audit.record("accepted", "booking", booking.id, by.id, after={"status": booking.status})
        emit(OfferAccepted(booking))
        emit(BookingMade(booking, by.id, frozenset(cast.user_ids)))
        touch(booking, cast.user_ids, held)
    return booking


def _book(request: BookingRequest, by: Viewer, until: datetime | None = None) -> Contents:
    must_be_able_to_write(by)
    with transaction():
        cast = find_cast(request, by)
        lock_everything(cast)
        facts = gather(cast, request.people, request.period, by)
        overruled = _must_pass(request, facts, cast, by)
        contents = write_new(request, cast, facts, by, until=until)
        keep_overruled(contents.booking, overruled, request, cast, by)
        touch(contents.booking, cast.user_ids, [want.resource.id for want in cast.wants])
    return contents


def check_only(
    request: BookingRequest, by: Viewer, booking_id: str | None = None
) -> tuple[list[Refusal], Facts]:
    """Run every rule and store nothing; with a booking's id, as a change of that booking."""
    before, before_resources = None, frozenset[int]()
    if booking_id is not None:
        before = find(booking_id, by)
        before_resources = frozenset(row.resource_id for row in resources_of(before.id))
    cast = find_cast(request, by, before_of(before) if before else None)
    facts = gather(cast, request.people, request.period, by, before, before_resources)
    return judge(request, facts, cast, by, before).refusals, facts


@contextmanager
def advised(request: BookingRequest, by: Viewer, booking_id: str | None = None) -> Iterator[None]:
    """Add alternatives to whatever refusal leaves the block: looked for outside of every lock."""
    try:
        yield
    except Refused as refused:
        before = find(booking_id, by) if booking_id else None
        held = frozenset(row.resource_id for row in resources_of(before.id)) if before else frozenset()
        refused.alternatives = alternatives(request, by, refused.refusals, before, held)
        raise


def change(
    booking_id: str,
    request: BookingRequest,
    by: Viewer,
    reason: str = "",
    if_version: int | None = None,
) -> Booking:
    """Move a booking, or change its resources, texts and people; the booking, its id and history stay."""
    must_be_able_to_write(by)
    with transaction():
        booking = find_to_change(booking_id, by, if_version)
        _must_not_be_an_offer(booking)
        must_have_reason(booking, by, reason)
        held = frozenset(row.resource_id for row in resources_of(booking.id))
        kept = before_of(booking)
        cast = find_cast(request, by, kept)
        more = needed_to_free(held)
        people = kept.people | {booking.organiser_id} | more.users
        lock_everything(cast, held | more.resources, people, more.rooms)
        booking = _again(booking, if_version)
        must_be_able_to_overrule(request, by, cast)
        edit = plan_edit(booking, request, cast, held, by)
        if edit.refusals:
            raise refuse(edit.refusals)
        write_edit(edit, by, reason)
    return booking


def cancel(booking_id: str, by: Viewer, reason: str = "", if_version: int | None = None) -> Booking:
    """Cancel a booking, or end it now if it is running; a cancelled one stays as it is."""
    must_be_able_to_write(by)
    with transaction():
        booking = find(booking_id, by)
        if booking.status in ENDED:
            may_change_or_raise(booking, by)
            return booking
        booking = find_to_change(booking_id, by, if_version)
        must_have_reason(booking, by, reason)
        held = [row.resource_id for row in resources_of(booking.id)]
        hold_back_to_free(held, people_in(booking))
        if lock(Booking, [booking.id])[booking.id].status in ENDED:  # by somebody else at the same moment
            return booking
        booking = _again(booking, if_version)
        return end_or_cancel(booking, by, reason, held)


def restore(booking_id: str, by: Viewer, reason: str = "") -> Booking:
    """Take a cancellation back while the time is free and no rule says no; a restored one stays as it is."""
    must_be_able_to_write(by)
    with transaction():
        booking = find(booking_id, by)
        may_change_or_raise(booking, by)
        must_have_reason(booking, by, reason)
        request = request_of(booking)
        cast = find_cast(request, by, before_of(booking))
        people = people_in(booking)
        lock_everything(cast, people=people)
        booking = lock(Booking, [booking.id])[booking.id]
        if booking.status in HOLDING:
            return booking
        _must_be_restorable(booking)
        facts = gather(cast, booking.people, request.period, by)
        left = judge(request, facts, cast, by, booking).refusals
        if any(refusal.code not in GIVEN for refusal in left):
            raise refuse([refusal for refusal in left if refusal.code not in GIVEN])
        booking.status, booking.reason, booking.ended_at = "confirmed", "", None
        asked = _answers_needed(request.period, booking.people, cast, by)
        if asked:
            booking.status, booking.answer_due_at = "requested", steps.expiry(booking, asked[0])
            steps.ask(booking, asked)
        _take(booking, facts)
        _revise(booking)
        then, now = {"status": "cancelled"}, {"status": booking.status}
        audit.record("restored", "booking", booking.id, by.id, then, now, reason)
        emit(BookingRestored(booking, by.id, reason, frozenset(people)))
        touch(booking, people, [want.resource.id for want in cast.wants])
    return booking


def approve(booking_id: str, by: Viewer, reason: str = "", step_id: int | None = None) -> Booking:
    """Say yes to a request: it becomes a confirmed booking, or waits for the next who has to answer."""
    with transaction():
        booking, held, step, person = _request_to_answer(booking_id, by, reason, step_id)
        following = steps.say_yes(booking, step, by, person, reason)
        if following is not None:
            return _pass_on(booking, following, by, reason, held)
        booking.status = "confirmed"
        booking.answer_due_at = None
        _revise(booking)
        audit.record(
            "approved", "booking", booking.id, by.id, {"status": "requested"}, {"status": "confirmed"}, reason
        )
        people = people_in(booking)
        emit(BookingApproved(booking, by.id, reason, frozenset(people)))
        touch(booking, people, held)
    return booking


def decline(booking_id: str, by: Viewer, reason: str, step_id: int | None = None) -> Booking:
    """Say no to a request, with the reason that its organiser is told."""
    with transaction():
        if not reason.strip():
            raise Invalid({"reason": ["Say why, so that the organiser can do something about it."]})
        booking, held, step, person = _request_to_answer(booking_id, by, reason, step_id)
        steps.say_no(step, by, person, reason)
        return _end(booking, "declined", "declined", by.id, reason, held)


@carries_out(steps.ESCALATION)
def escalate(step_id: int) -> None:
    """Let those who come next answer as well, where nobody did in time."""
    with transaction():
        booking_id = db.session.get_one(ApprovalStep, step_id).booking_id
        held = [row.resource_id for row in resources_of(booking_id)]
        hold_back(Resource, held)
        booking, step = lock(Booking, [booking_id])[booking_id], open_step(booking_id)
        if step is None or step.id != step_id or step.escalated_at or booking.status != "requested":
            return
        step.escalated_at = clock.now()
        _revise(booking, seen=False)
        audit.record("escalated", "booking", booking.id, None)
        touch(booking, (), held, seen=False)
        emit(RequestPassedOn(booking, None, ""))


@carries_out("request_expires")
def expire_request(booking_id: int) -> None:
    """Decline a request that nobody answered in time."""
    with transaction():
        held = [row.resource_id for row in resources_of(booking_id)]
        hold_back_to_free(held, people_in(db.session.get_one(Booking, booking_id)))
        booking = lock(Booking, [booking_id])[booking_id]
        due = booking.answer_due_at
        if booking.status == "requested" and due and due <= clock.now():
            what = "offer" if booking.offered_until else "request"
            _end(booking, "declined", "expired", None, f"Nobody answered the {what} in time.", held)


def find(booking_id: str, by: Viewer) -> Booking:
    """Return a booking that the viewer may know of; raise `NotFound` for all others alike."""
    booking = db.session.scalar(select(Booking).where(Booking.public_id == booking_id))
    if booking is None or level(by, relation_of(booking, by)) < Level.PARTIAL:
        raise NotFound
    return booking


def find_to_answer(booking_id: str, by: Viewer) -> Booking:
    """Return a booking to who may know of it, or answers it in the place of somebody who may."""
    try:
        return find(booking_id, by)
    except NotFound:
        booking = db.session.scalar(select(Booking).where(Booking.public_id == booking_id))
        if booking is None or not (open_for(by, booking.id) or was_asked(by, booking)):
            raise
        return booking


# --- steps -----------------------------------------------------------------------------------------


def _must_pass(
    request: BookingRequest, facts: Facts, cast: Cast, by: Viewer, before: Booking | None = None
) -> list[Refusal]:
    """Raise what is in the way; return what is overruled."""
    verdict = judge(request, facts, cast, by, before)
    if verdict.refusals:
        raise refuse(verdict.refusals)
    return verdict.overruled


def write_new(
    request: BookingRequest,
    cast: Cast,
    facts: Facts,
    by: Viewer,
    series_id: str | None = None,
    until: datetime | None = None,
) -> Contents:
    """Write a booking that every rule accepts: a step of `book` and, one after another, of a series.

    With `until` it is an offer, held until then.
    """
    asked = () if until else _answers_needed(request.period, request.people, cast, by)
    booking = _new(request, cast, by, series_id, asked, until)
    claims = _take(booking, facts)
    _write_links(booking, cast, facts)
    if asked:
        steps.ask(booking, asked)
    picture = _picture(booking, cast)
    audit.record("offered" if until else "booked", "booking", booking.id, by.id, after=picture)
    made = BookingMade(booking, by.id, frozenset(cast.user_ids), series_id is not None)
    emit(BookingOffered(booking) if until else made)
    return _contents(booking, cast, claims)


def _new(
    request: BookingRequest,
    cast: Cast,
    by: Viewer,
    series_id: str | None,
    asked: Sequence[StepAsked],
    until: datetime | None,
) -> Booking:
    now = clock.now()
    booking = Booking(
        id=open_hold(),
        public_id=public_id(),
        uid=str(uuid.uuid4()),
        made_by_id=by.id,
        series_id=series_id,
        status="requested" if until else "confirmed",
        created_at=now,
        updated_at=now,
        revised_at=now,
        answer_due_at=until,
        offered_until=until,
        ended_at=None,
        reason="",
        sequence=0,
        version=1,
    )
    _write(booking, request, cast)
    if asked:
        booking.status, booking.answer_due_at = "requested", steps.expiry(booking, asked[0])
    store(booking)
    return booking


def _write(booking: Booking, request: BookingRequest, cast: Cast) -> None:
    booking.title = request.title.strip()
    booking.notes = request.notes
    booking.starts_at, booking.ends_at = request.starts_at.astimezone(UTC), request.ends_at.astimezone(UTC)
    booking.people = request.people
    booking.client = cast.client
    booking.organiser_id = cast.organiser.id
    booking.organisation_id = cast.organiser.organisation_id
    booking.facility_id = cast.wants[0].resource.facility.id
    booking.long_stay = any(want.resource.long_stay for want in cast.wants)
    booking.project_id = cast.project.id if cast.project else None
    booking.supervisor_id = cast.supervisor.id if cast.supervisor else None


def _answers_needed(
    period: Period, people: int, cast: Cast, by: Viewer | None = None
) -> tuple[StepAsked, ...]:
    """Return the answers that a booking needs; not those that its maker may give to themself."""
    resources = [want.resource for want in cast.wants]
    needed = steps_needed(period, cast.organiser.role, people, resources)
    return tuple(step for step in needed if not (by and step.own and _gives(by, step, cast)))


def _gives(by: Viewer, step: StepAsked, cast: Cast) -> bool:
    resource = cast.places.resources.get(step.resource_id or 0)
    supervisor = cast.supervisor.id if cast.supervisor else None
    owners = resource.owners if resource else ()
    return by.is_admin or is_decider(by, step.decider, step.facility_id, owners, supervisor)


def _ask_again(booking: Booking, cast: Cast, by: Viewer) -> bool:
    """Ask for approval anew, and tell so; one that is running, or changed by who approves, keeps what it has.

    Who changes a request has not thereby approved it.
    """
    waits = booking.status == "requested"
    period = Period(booking.starts_at, booking.ends_at)
    needed = _answers_needed(period, booking.people, cast, None if waits else by)
    if needed and booking.starts_at > clock.now():
        booking.status = "requested"
        steps.ask(booking, needed)
        return True
    if waits and not needed:
        booking.status, booking.answer_due_at = "confirmed", None
        steps.close(booking.id)
    return False


def _pass_on(
    booking: Booking, following: ApprovalStep, by: Viewer, reason: str, held: Collection[int]
) -> Booking:
    """Let a request wait for the next answer."""
    _revise(booking, seen=False)
    audit.record("step_approved", "booking", booking.id, by.id, reason=reason)
    touch(booking, (), held, seen=False)
    emit(RequestPassedOn(booking, by.id, reason))
    return booking


def _take(booking: Booking, facts: Facts) -> list[tuple[Claim, list[int]]]:
    """Write what a booking holds, and return it as claims with the units taken."""
    period = Period(booking.starts_at, booking.ends_at)
    chosen = choose(period, facts)
    long_stays = {want.resource.id: want.resource.long_stay for want in facts.wants}
    claims = [(facts.claim(want, period), units) for want, units in chosen]
    try:
        occupy(booking.id, claims, long_stays, _people_brought(period, facts))
    except UnitTaken as taken:
        codes = ", ".join(want.resource.code for want in facts.wants)
        text = f"{codes}: somebody else took this time a moment ago."
        raise SlotTaken(
            [Refusal("slot_taken", text, None, "no double booking", "the product", "Choose another time.")]
        ) from taken
    return claims


def _contents(booking: Booking, cast: Cast, claims: list[tuple[Claim, list[int]]]) -> Contents:
    held = [
        Held(claim.resource_id, unit_id, claim.starts_at, claim.held_until, claim.cleared_until)
        for claim, units in claims
        for unit_id in units
    ]
    return Contents(
        booking,
        tuple((want.resource.id, want.units) for want in cast.wants),
        tuple(sorted(held, key=lambda one: one.unit_id)),
        frozenset(person.id for person in cast.participants),
    )


def _people_brought(period: Period, facts: Facts) -> list[PeopleThere]:
    attended: dict[int, bool] = {}
    for want in facts.wants:
        if want.resource.room:
            room = want.resource.room.id
            attended[room] = attended.get(room, False) or want.resource.running == "attended"
    return [
        stay for room, always in attended.items() for stay in presence_of(room, period, facts.people, always)
    ]


def _write_links(booking: Booking, cast: Cast, facts: Facts) -> None:
    rows = [
        {
            "booking_id": booking.id,
            "resource_id": want.resource.id,
            "units": want.units,
            "position": n,
            "starts_at": booking.starts_at,
            "left_at": None,
        }
        for n, want in enumerate(facts.wants)
    ]
    write(_LINK, rows)
    _write_participants(booking, cast)


def _write_participants(booking: Booking, cast: Cast) -> None:
    if cast.participants:
        rows = [{"booking_id": booking.id, "user_id": person.id} for person in cast.participants]
        write(_PARTICIPANT, rows)


@dataclass(frozen=True)
class Edit:
    """A change of a locked booking, judged but not yet written; it has facts where rules had to look."""

    booking: Booking
    request: BookingRequest
    cast: Cast
    held: frozenset[int]
    people: frozenset[int]
    moved: bool
    facts: Facts | None
    refusals: list[Refusal]
    overruled: list[Refusal] = field(default_factory=list)


def plan_edit(
    booking: Booking, request: BookingRequest, cast: Cast, held: frozenset[int], by: Viewer
) -> Edit:
    """Judge a change of a booking that is locked with all that it held and is going to hold."""
    rows = resources_of(booking.id)
    if {row.resource_id for row in rows} != held:
        raise Busy("Somebody else moved this booking a moment ago; please try again.")
    moved = _takes_other_time(booking, request, rows, cast)
    people = frozenset(people_in(booking))
    if not moved and not _names_others(booking, cast, people):
        return Edit(booking, request, cast, held, people, False, None, [])
    facts = gather(cast, request.people, request.period, by, booking, held)
    verdict = judge(request, facts, cast, by, booking)
    return Edit(booking, request, cast, held, people, moved, facts, verdict.refusals, verdict.overruled)


def write_edit(edit: Edit, by: Viewer, reason: str, in_series: bool = False) -> BookingChanged:
    """Write a change that every rule accepts, and return the news of it."""
    booking, cast = edit.booking, edit.cast
    before, people_before, projects = picture_of(booking), edit.people, {booking.project_id}
    others = people_before - {booking.organiser_id, booking.supervisor_id}
    if edit.facts and not stays_as_it_was(booking, edit.request.period, cast):
        void_overruled(booking.id)
    if edit.moved:
        release(booking.id)
    _write(booking, edit.request, cast)
    if edit.moved and edit.facts:
        _take(booking, edit.facts)
    _rewrite_links(booking, cast)
    matters = edit.facts is not None or others != {p.id for p in cast.participants} - {booking.supervisor_id}
    asks = matters and _ask_again(booking, cast, by)
    after = _picture(booking, cast)
    differences = sorted(name for name in after if after[name] != before.get(name))
    then, now = ({name: state.get(name) for name in differences} for state in (before, after))
    seen = differences not in ([], ["notes"])  # no calendar shows the notes
    _revise(booking, seen)
    audit.record("changed", "booking", booking.id, by.id, then, now, reason)
    keep_overruled(booking, edit.overruled, edit.request, cast, by)
    told = frozenset(cast.user_ids), people_before
    news = BookingChanged(booking, by.id, reason, *told, then, now, asks, in_series)
    emit(news)
    resources = edit.held | {want.resource.id for want in cast.wants}
    touch(booking, cast.user_ids | people_before, resources, projects, seen)
    return news


def _rewrite_links(booking: Booking, cast: Cast) -> None:
    """Keep a row for each resource that the booking left: there, calendars show it as cancelled."""
    known = {row.resource_id: row for row in resources_of(booking.id, also_left=True)}
    wanted = {want.resource.id: (n, want) for n, want in enumerate(cast.wants)}
    for resource_id, row in known.items():
        if resource_id not in wanted:
            row.left_at = row.left_at or clock.now()
    for resource_id, (n, want) in wanted.items():
        row = known.get(resource_id) or BookingResource(booking_id=booking.id, resource_id=resource_id)
        row.units, row.position, row.starts_at, row.left_at = want.units, n, booking.starts_at, None
        db.session.add(row)
    db.session.execute(delete(Participant).where(Participant.booking_id == booking.id))
    _write_participants(booking, cast)


def _revise(booking: Booking, seen: bool = True) -> None:
    booking.version += 1
    booking.updated_at = clock.now()
    if seen:
        booking.sequence += 1
        booking.revised_at = max(clock.now(), booking.revised_at + timedelta(seconds=1))


def touch(
    booking: Booking,
    users: Collection[int],
    resources: Collection[int],
    left: Collection[int | None] = (),
    seen: bool = True,
) -> None:
    """Raise what tells that pages and lists are old, and with a change that is seen also calendars.

    `left` are projects that it was taken out of.
    """
    db.session.flush()
    if not seen:
        return bump(Resource, resources)
    bump(Resource, resources, "version", "revision")
    bump(User, users)
    bump(Project, {project for project in (booking.project_id, *left) if project is not None})


def find_to_change(booking_id: str, by: Viewer, if_version: int | None) -> Booking:
    booking = find(booking_id, by)
    may_change_or_raise(booking, by)
    if if_version is not None and booking.version != if_version:
        raise Stale
    if booking.status not in HOLDING or booking.ends_at <= clock.now():
        raise NotChangeable("This booking is over or cancelled; it can no longer be changed.")
    return booking


def _must_not_be_an_offer(booking: Booking) -> None:
    if booking.offered_until is not None:
        raise NotChangeable("This is an offer from the waiting list: accept it first, then change it.")


def may_change_or_raise(booking: Booking, by: Viewer) -> None:
    if not may_change(by, relation_of(booking, by)):
        raise Forbidden(
            "Only its organiser, the group's lead, the organisation's coordinator and staff may do this."
        )


def _again(booking: Booking, if_version: int | None) -> Booking:
    """Read the booking anew under its lock: it may have changed while we waited."""
    fresh = lock(Booking, [booking.id])[booking.id]
    if if_version is not None and fresh.version != if_version:
        raise Stale
    if fresh.status not in HOLDING:
        raise NotChangeable("This booking was cancelled a moment ago.")
    return fresh


def _must_be_restorable(booking: Booking) -> None:
    if booking.status != "cancelled":
        raise NotChangeable("Only a cancelled booking can be restored.")
    if booking.offered_until is not None:
        raise NotChangeable("This was an offer from the waiting list; join it again.")
    if booking.starts_at <= clock.now():
        raise NotChangeable("The time of this booking has come; book what is left of it anew.")


def must_have_reason(booking: Booking, by: Viewer, reason: str) -> None:
    fault = text_fault(reason, MAX_REASON, lines=True)
    if fault is None and not reason.strip() and must_give_a_reason(by, relation_of(booking, by)):
        fault = "Say why: the organiser is told."
    if fault:
        raise Invalid({"reason": [fault]})


def _takes_other_time(
    booking: Booking, request: BookingRequest, rows: list[BookingResource], cast: Cast
) -> bool:
    now_held = {row.resource_id: row.units for row in rows}
    wanted = {want.resource.id: want.units for want in cast.wants}
    return (
        (booking.starts_at, booking.ends_at) != (request.starts_at, request.ends_at)
        or now_held != wanted
        or any(want.named for want in cast.wants)
        or booking.people != request.people
        or booking.client != cast.client
    )


def _names_others(booking: Booking, cast: Cast, people_before: frozenset[int]) -> bool:
    """Tell whether others answer for the work (their training and permits count then), or somebody leaves."""
    now = (booking.organiser_id, booking.supervisor_id, booking.project_id)
    supervisor, project = cast.supervisor, cast.project
    named = (cast.organiser.id, supervisor.id if supervisor else None, project.id if project else None)
    return now != named or not people_before <= cast.user_ids


def end_or_cancel(
    booking: Booking, by: Viewer, reason: str, held: Collection[int], in_series: bool = False
) -> Booking:
    """Cancel a locked booking, or end it now if it is running."""
    if booking.status != "requested" and booking.starts_at < clock.now():
        return _end_now(booking, by, reason, held, in_series)
    return _end(booking, "cancelled", "cancelled", by.id, reason, held, in_series)


def _end(
    booking: Booking,
    status: str,
    action: str,
    by_id: int | None,
    reason: str,
    held: Collection[int],
    in_series: bool = False,
) -> Booking:
    before = booking.status
    release(booking.id)
    booking.status, booking.reason, booking.ended_at = status, reason, clock.now()
    booking.answer_due_at = None
    _revise(booking)
    audit.record(action, "booking", booking.id, by_id, {"status": before}, {"status": status}, reason)
    people = people_in(booking)
    emit(BookingEnded(booking, by_id, reason, frozenset(people), before, in_series))
    touch(booking, people, held)
    return booking


def _end_now(booking: Booking, by: Viewer, reason: str, held: Collection[int], in_series: bool) -> Booking:
    """End a running booking: what it holds shrinks to what was used, with its changeover after."""
    planned, before = booking.ends_at, booking.status
    end = max(clock.now().replace(microsecond=0), booking.starts_at + timedelta(seconds=1))
    booking.ends_at, booking.status, booking.ended_at, booking.reason = end, "completed", end, reason
    booking.answer_due_at = None
    shorten(booking.id, planned, end)
    _revise(booking)
    audit.record(
        "ended", "booking", booking.id, by.id, {"end": text_of(planned)}, {"end": text_of(end)}, reason
    )
    people = people_in(booking)
    emit(BookingEnded(booking, by.id, reason, frozenset(people), before, in_series))
    touch(booking, people, held)
    return booking


def people_in(booking: Booking) -> set[int]:
    query = select(Participant.user_id).where(Participant.booking_id == booking.id)
    supervisor = {booking.supervisor_id} if booking.supervisor_id else set()
    return {booking.organiser_id, *supervisor, *db.session.scalars(query)}


def _request_to_answer(
    booking_id: str, by: Viewer, reason: str, step_id: int | None
) -> tuple[Booking, list[int], ApprovalStep, Viewer]:
    """Lock a request; return it with the step to answer and in whose place it is answered."""
    must_be_able_to_write(by)
    fault = text_fault(reason, MAX_REASON, lines=True)
    if fault:
        raise Invalid({"reason": [fault]})
    booking = find_to_answer(booking_id, by)
    held = [row.resource_id for row in resources_of(booking.id)]
    hold_back_to_free(held, people_in(booking))
    booking = lock(Booking, [booking.id])[booking.id]
    if acts_as_staff(by, relation_of(booking, by)) or was_asked(by, booking):
        _must_wait(booking)
    step = open_step(booking.id)
    if step is not None and step_id not in (None, step.id):
        raise NotChangeable("Somebody answered this a moment ago.")
    mine = {waiting.step_id: person for waiting, person in open_for(by, booking.id)}
    if step is None or step.id not in mine:
        if was_asked(by, booking):
            raise NotChangeable("Your part of this request has been answered already.")
        raise Forbidden(f"This request is answered by {DECIDERS[step.decider] if step else 'others'}.")
    return booking, held, step, mine[step.id]


def _must_wait(booking: Booking) -> None:
    if booking.status != "requested":
        raise NotChangeable("This request has been answered already.")
    if booking.ends_at <= clock.now():
        raise NotChangeable("The time of this request is over.")


def _picture(booking: Booking, cast: Cast) -> dict[str, Any]:
    """Return what a booking's history keeps of it: plain values with the names people use."""
    return picture(
        booking,
        [(want.resource.code, want.units) for want in cast.wants],
        [person.name for person in cast.participants],
        cast.project.code if cast.project else None,
        cast.supervisor.name if cast.supervisor else None,
        cast.organiser.name,
    )
