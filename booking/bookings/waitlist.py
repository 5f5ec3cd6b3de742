"""The waiting list: join and leave it; freed time is offered in order, held for a while, then passed on.

Time is offered in the transaction that gives it back, under its locks, so that nobody slips in before
those who wait.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from booking.base import audit, clock
from booking.base.acts import carries_out, plan, unplan
from booking.base.db import db, lock, transaction
from booking.base.errors import TAKEN_CODES, Forbidden, Invalid, NotChangeable, NotFound, Refused
from booking.base.period import Period
from booking.bookings.actions import accept_offer, cancel, offer
from booking.bookings.facts import find_cast, lock_everything
from booking.bookings.finding import Slot, SlotSearch, find_slots
from booking.bookings.models import Booking
from booking.bookings.request import BookingRequest, Wanted
from booking.bookings.waitlist_models import Wait, WaitResource
from booking.bookings.waitlist_queries import (
    find_wait,
    moment_too_late,
    open_waits,
    request_of,
    search_of,
    waiting_for,
)
from booking.bookings.words import REFUSALS
from booking.facilities.queries import places, viewer_of
from booking.people.models import public_id
from booking.people.sessions import must_be_able_to_write
from booking.people.viewer import Viewer

MOST_EACH = 20
SHORTEST, LONGEST, SHARE = timedelta(minutes=30), timedelta(hours=24), 4
TOO_LATE = "wait_is_over"


def join(search: SlotSearch, wanted: BookingRequest, by: Viewer) -> Wait:
    """Wait for time that others hold: a slot, or some time of a length on any of several resources.

    Raises `Invalid` if it is free as it stands, or would be refused whatever others give up.
    """
    must_be_able_to_write(by)
    with transaction():
        cast = find_cast(wanted, by)
        chosen = {option.code: option for options in search.options for option in options}
        known = [places().by_code[code].id for code in chosen if code in places().by_code]
        lock_everything(cast, known)
        if open_waits(by.id) >= MOST_EACH:
            raise Invalid({"resources": [f"You wait for {MOST_EACH} things already: give one up first."]})
        _must_be_worth_waiting(search, by)
        wait = _new(search, wanted, by)
        db.session.add(wait)
        db.session.flush()
        db.session.add_all(WaitResource(wait_id=wait.id, resource_id=one) for one in sorted(set(known)))
        plan(TOO_LATE, wait.id, moment_too_late(wait))
        audit.record("joined", "wait", wait.id, by.id)
    return wait


def _must_be_worth_waiting(search: SlotSearch, by: Viewer) -> None:
    found = find_slots(search, by)
    if found.slots:
        start = found.slots[0].period.start
        raise Invalid({"resources": [f"This is free from {start:%Y-%m-%dT%H:%MZ} on: book it."]})
    if not found.waiting_helps:
        reasons = [REFUSALS.get(code, code) for code, _ in found.blocked_by if code not in TAKEN_CODES]
        said = "; ".join(reasons) or "no time of this length fits"
        raise Invalid({"resources": [f"Waiting would not help, whatever others give up: {said}."]})


def _new(search: SlotSearch, wanted: BookingRequest, by: Viewer) -> Wait:
    return Wait(
        public_id=public_id(),
        user_id=by.id,
        status="waiting",
        wish={
            "options": [[[option.code, option.units] for option in options] for options in search.options],
            "title": wanted.title.strip(),
            "notes": wanted.notes,
            "project": wanted.project,
            "people": wanted.people,
            "participants": list(wanted.participants),
            "supervisor": wanted.supervisor,
        },
        minutes=int(search.length.total_seconds()) // 60,
        earliest=search.earliest,
        latest=search.latest,
        created_at=clock.now(),
    )


def leave(wait_id: str, by: Viewer) -> Wait:
    """Give up a place on the list, and the offer if there is one; may be repeated."""
    must_be_able_to_write(by)
    with transaction():
        wait = find_wait(wait_id, by).wait
        if wait.status == "offered":
            booking = db.session.get_one(Booking, wait.booking_id)
            cancel(booking.public_id, by)  # which ends the wait, and passes the time on
        elif wait.status == "waiting":
            _close(lock(Wait, [wait.id])[wait.id], "left")
            audit.record("left", "wait", wait.id, by.id)
    return wait


def accept(wait_id: str, by: Viewer) -> Booking:
    """Take what is offered: it becomes a booking, or a request where a resource needs approval."""
    must_be_able_to_write(by)
    with transaction():
        wait = find_wait(wait_id, by).wait
        if wait.status != "offered" or wait.booking_id is None:
            raise NotChangeable("Nothing is offered to you here now.")
        booking = accept_offer(wait.booking_id, by)
        _close(wait, "booked")
    return booking


# --- offers ----------------------------------------------------------------------------------------


def offer_freed(resources: frozenset[int], freed: Period) -> None:
    """Offer time that was given back to those who wait for it, each in turn, while any of it fits."""
    for wait in waiting_for(resources, freed):
        _try(wait)


def _try(wait: Wait) -> None:
    viewer = viewer_of(wait.user_id)
    if viewer is None:
        return _close(wait, "left")
    try:
        found = find_slots(search_of(wait), viewer).slots
        if found:
            booking = offer(_booking_of(wait, found[0]), viewer, _until(found[0].period.start))
            wait.status, wait.booking_id = "offered", booking.id
            audit.record("offered", "wait", wait.id, None)
    except (Refused, Invalid, Forbidden, NotFound):  # a person or project of the wish is gone, for example
        return


def _until(start: datetime) -> datetime:
    """Hold an offer for a quarter of the time that is left, from half an hour to a day."""
    left = start - clock.now()
    return min(clock.now() + min(max(left / SHARE, SHORTEST), LONGEST), start)


def _booking_of(wait: Wait, slot: Slot) -> BookingRequest:
    resources = tuple(Wanted(code, units) for code, units in slot.resources)
    start, end = slot.period.start, slot.period.end
    return replace(request_of(wait), starts_at=start, ends_at=end, resources=resources)


def end_offer(booking: Booking, expired: bool) -> None:
    """Close the wait whose offer was given up, or not taken in time."""
    wait = db.session.scalar(select(Wait).where(Wait.booking_id == booking.id, Wait.status == "offered"))
    if wait is not None:
        _close(wait, "over" if expired else "left")


@carries_out(TOO_LATE)
def give_up(wait_id: int) -> None:
    """End a wait for a time that has passed."""
    with transaction():
        wait = lock(Wait, [wait_id])[wait_id]
        if wait.status == "waiting":
            _close(wait, "over")


def _close(wait: Wait, status: str) -> None:
    wait.status = status
    unplan(TOO_LATE, wait.id)
    db.session.execute(delete(WaitResource).where(WaitResource.wait_id == wait.id))
    db.session.flush()
