"""What people do with bookings: one function = one thing = permission, lock, rules, write, audit, news."""

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
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
from booking.bookings.alternatives import alternatives
from booking.bookings.events import (
    BookingApproved,
    BookingChanged,
    BookingEnded,
    BookingMade,
    BookingRestored,
)
from booking.bookings.facts import Cast, before_of, find_cast, gather, lock_everything
from booking.bookings.models import HOLDING, Booking, BookingResource, Participant
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
from booking.bookings.request import BookingRequest, Facts
from booking.bookings.rules import check, choose
from booking.bookings.visibility import Level, acts_as_staff, level, may_change, must_give_a_reason
from booking.facilities.models import Resource
from booking.people.models import Project, User, public_id
from booking.people.sessions import must_be_able_to_write
from booking.people.viewer import Viewer
from booking.schedule.actions import UnitTaken, occupy, open_hold, release, shorten
from booking.schedule.free import Claim, PeopleThere, presence_of

ANSWER_WITHIN = timedelta(days=3)
MAX_REASON = 1000
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


def _book(request: BookingRequest, by: Viewer) -> Contents:
    must_be_able_to_write(by)
    with transaction():
        cast = find_cast(request, by)
        lock_everything(cast)
        facts = gather(cast, request.people, request.period, by)
        _must_pass(request.period, facts)
        booking = _new(request, cast, by)
        claims = _take(booking, facts)
        _write_links(booking, cast, facts)
        audit.record("booked", "booking", booking.id, by.id, after=_picture(booking, cast))
        emit(BookingMade(booking, by.id, frozenset(cast.user_ids)))
        _touch(booking, cast.user_ids, [want.resource.id for want in cast.wants])
    return _contents(booking, cast, claims)


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
    return check(request.period, facts), facts


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
        booking = _find_to_change(booking_id, by, if_version)
        _must_have_reason(booking, by, reason)
        held = frozenset(row.resource_id for row in resources_of(booking.id))
        cast = find_cast(request, by, before_of(booking))
        people_before = _people_in(booking)
        people, projects = cast.user_ids | people_before, {booking.project_id}
        lock_everything(cast, held, people)
        booking = _again(booking, if_version)
        rows = resources_of(booking.id)
        if {row.resource_id for row in rows} != held:
            raise Busy("Somebody else moved this booking a moment ago; please try again.")
        before = picture_of(booking)
        moved = _takes_other_time(booking, request, rows, cast)
        if moved or _names_others(booking, cast):
            facts = gather(cast, request.people, request.period, by, booking, held)
            _must_pass(request.period, facts)
        if moved:
            release(booking.id)
            _write(booking, request, cast)
            _ask_again(booking, cast, by)
            _take(booking, facts)
        else:
            _write(booking, request, cast)
        _rewrite_links(booking, cast)
        after = _picture(booking, cast)
        differences = sorted(name for name in after if after[name] != before.get(name))
        then, now = ({name: state.get(name) for name in differences} for state in (before, after))
        seen = differences not in ([], ["notes"])  # no calendar shows the notes
        _revise(booking, seen)
        audit.record("changed", "booking", booking.id, by.id, then, now, reason)
        told = frozenset(cast.user_ids), frozenset(people_before)
        emit(BookingChanged(booking, by.id, reason, *told, then, now))
        _touch(booking, people, held | {want.resource.id for want in cast.wants}, projects, seen)
    return booking


def cancel(booking_id: str, by: Viewer, reason: str = "", if_version: int | None = None) -> Booking:
    """Cancel a booking, or end it now if it is running; a cancelled one stays as it is."""
    must_be_able_to_write(by)
    with transaction():
        booking = find(booking_id, by)
        if booking.status in ENDED:
            _may_change_or_raise(booking, by)
            return booking
        booking = _find_to_change(booking_id, by, if_version)
        _must_have_reason(booking, by, reason)
        held = [row.resource_id for row in resources_of(booking.id)]
        hold_back(Resource, held)
        hold_back(User, _people_in(booking))
        if lock(Booking, [booking.id])[booking.id].status in ENDED:  # by somebody else at the same moment
            return booking
        booking = _again(booking, if_version)
        if booking.status != "requested" and booking.starts_at < clock.now():
            return _end_now(booking, by, reason, held)
        return _end(booking, "cancelled", "cancelled", by.id, reason, held)


def restore(booking_id: str, by: Viewer, reason: str = "") -> Booking:
    """Take a cancellation back while the time is free and no rule says no; a restored one stays as it is."""
    must_be_able_to_write(by)
    with transaction():
        booking = find(booking_id, by)
        _may_change_or_raise(booking, by)
        _must_have_reason(booking, by, reason)
        cast = find_cast(request_of(booking), by, before_of(booking))
        people = _people_in(booking)
        lock_everything(cast, people=people)
        booking = lock(Booking, [booking.id])[booking.id]
        if booking.status in HOLDING:
            return booking
        _must_be_restorable(booking)
        period = Period(booking.starts_at, booking.ends_at)
        facts = gather(cast, booking.people, period, by)
        _must_pass(period, facts, but=GIVEN)
        booking.status, booking.reason, booking.ended_at = "confirmed", "", None
        _ask_if_needed(booking, cast, by)
        _take(booking, facts)
        _revise(booking)
        then, now = {"status": "cancelled"}, {"status": booking.status}
        audit.record("restored", "booking", booking.id, by.id, then, now, reason)
        emit(BookingRestored(booking, by.id, reason, frozenset(people)))
        _touch(booking, people, [want.resource.id for want in cast.wants])
    return booking


def approve(booking_id: str, by: Viewer, reason: str = "") -> Booking:
    """Say yes to a request: it becomes a confirmed booking."""
    with transaction():
        booking, held = _request_to_answer(booking_id, by)
        booking.status = "confirmed"
        booking.answer_due_at = None
        _revise(booking)
        audit.record(
            "approved", "booking", booking.id, by.id, {"status": "requested"}, {"status": "confirmed"}, reason
        )
        people = _people_in(booking)
        emit(BookingApproved(booking, by.id, reason, frozenset(people)))
        _touch(booking, people, held)
    return booking


def decline(booking_id: str, by: Viewer, reason: str) -> Booking:
    """Say no to a request, with the reason that its organiser is told."""
    with transaction():
        if not reason.strip():
            raise Invalid({"reason": ["Say why, so that the organiser can do something about it."]})
        booking, held = _request_to_answer(booking_id, by)
        return _end(booking, "declined", "declined", by.id, reason, held)


@carries_out("request_expires")
def expire_request(booking_id: int) -> None:
    """Decline a request that nobody answered in time."""
    with transaction():
        held = [row.resource_id for row in resources_of(booking_id)]
        hold_back(Resource, held)
        hold_back(User, _people_in(db.session.get_one(Booking, booking_id)))
        booking = lock(Booking, [booking_id])[booking_id]
        due = booking.answer_due_at
        if booking.status == "requested" and due and due <= clock.now():
            _end(booking, "declined", "expired", None, "Nobody answered the request in time.", held)


def find(booking_id: str, by: Viewer) -> Booking:
    """Return a booking that the viewer may know of; raise `NotFound` for all others alike."""
    booking = db.session.scalar(select(Booking).where(Booking.public_id == booking_id))
    if booking is None or level(by, relation_of(booking, by)) < Level.PARTIAL:
        raise NotFound
    return booking


# --- steps -----------------------------------------------------------------------------------------


def _must_pass(period: Period, facts: Facts, but: Collection[str] = ()) -> None:
    refusals = [refusal for refusal in check(period, facts) if refusal.code not in but]
    if refusals:
        raise refuse(refusals)


def _new(request: BookingRequest, cast: Cast, by: Viewer) -> Booking:
    now = clock.now()
    booking = Booking(
        id=open_hold(),
        public_id=public_id(),
        uid=str(uuid.uuid4()),
        made_by_id=by.id,
        status="confirmed",
        created_at=now,
        updated_at=now,
        revised_at=now,
        answer_due_at=None,
        ended_at=None,
        reason="",
        sequence=0,
        version=1,
    )
    _write(booking, request, cast)
    _ask_if_needed(booking, cast, by)
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


def _ask_if_needed(booking: Booking, cast: Cast, by: Viewer) -> None:
    """Make it a request if a resource needs approval and the person is not the one who would give it."""
    if any(want.resource.approval and not by.staffs(want.resource.facility.id) for want in cast.wants):
        booking.status = "requested"
        booking.answer_due_at = min(clock.now() + ANSWER_WITHIN, max(booking.starts_at, clock.now()))


def _ask_again(booking: Booking, cast: Cast, by: Viewer) -> None:
    """A booking that moves needs approval anew; one that is running, or moved by staff, keeps what it has."""
    if not any(want.resource.approval for want in cast.wants):
        booking.status, booking.answer_due_at = "confirmed", None
    elif booking.starts_at > clock.now():
        _ask_if_needed(booking, cast, by)


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


def _touch(
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


def _find_to_change(booking_id: str, by: Viewer, if_version: int | None) -> Booking:
    booking = find(booking_id, by)
    _may_change_or_raise(booking, by)
    if if_version is not None and booking.version != if_version:
        raise Stale
    if booking.status not in HOLDING or booking.ends_at <= clock.now():
        raise NotChangeable("This booking is over or cancelled; it can no longer be changed.")
    return booking


def _may_change_or_raise(booking: Booking, by: Viewer) -> None:
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
    if booking.starts_at <= clock.now():
        raise NotChangeable("The time of this booking has come; book what is left of it anew.")


def _must_have_reason(booking: Booking, by: Viewer, reason: str) -> None:
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


def _names_others(booking: Booking, cast: Cast) -> bool:
    """Tell whether others answer for the work: then it is their training and permits that count."""
    now = (booking.organiser_id, booking.supervisor_id, booking.project_id)
    supervisor, project = cast.supervisor, cast.project
    return now != (cast.organiser.id, supervisor.id if supervisor else None, project.id if project else None)


def _end(
    booking: Booking, status: str, action: str, by_id: int | None, reason: str, held: Collection[int]
) -> Booking:
    before = booking.status
    release(booking.id)
    booking.status, booking.reason, booking.ended_at = status, reason, clock.now()
    booking.answer_due_at = None
    _revise(booking)
    audit.record(action, "booking", booking.id, by_id, {"status": before}, {"status": status}, reason)
    people = _people_in(booking)
    emit(BookingEnded(booking, by_id, reason, frozenset(people), before))
    _touch(booking, people, held)
    return booking


def _end_now(booking: Booking, by: Viewer, reason: str, held: Collection[int]) -> Booking:
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
    people = _people_in(booking)
    emit(BookingEnded(booking, by.id, reason, frozenset(people), before))
    _touch(booking, people, held)
    return booking


def _people_in(booking: Booking) -> set[int]:
    query = select(Participant.user_id).where(Participant.booking_id == booking.id)
    supervisor = {booking.supervisor_id} if booking.supervisor_id else set()
    return {booking.organiser_id, *supervisor, *db.session.scalars(query)}


def _request_to_answer(booking_id: str, by: Viewer) -> tuple[Booking, list[int]]:
    must_be_able_to_write(by)
    booking = find(booking_id, by)
    if not acts_as_staff(by, relation_of(booking, by)):
        raise Forbidden("Requests are answered by the facility's staff.")
    held = [row.resource_id for row in resources_of(booking.id)]
    hold_back(Resource, held)
    hold_back(User, _people_in(booking))
    booking = lock(Booking, [booking.id])[booking.id]
    if booking.status != "requested":
        raise NotChangeable("This request has been answered already.")
    if booking.ends_at <= clock.now():
        raise NotChangeable("The time of this request is over.")
    return booking, held


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
