"""What must hold, each a function that fails when the safeguard behind it is missing.

They speak only to what the doors use and to the tables; what they say is what the seeded defects must break.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from booking.base import audit, clock, events
from booking.base.acts import carry_out_due
from booking.base.db import db, transaction
from booking.base.errors import Forbidden, Invalid, NotFound, Refused, SlotTaken, Stale
from booking.base.period import Period
from booking.bookings.actions import (
    approve,
    book,
    cancel,
    change,
    check_only,
    decline,
    find,
)
from booking.bookings.events import BookingMade
from booking.bookings.models import Booking
from booking.bookings.queries import Search as Asked
from booking.bookings.queries import blocks, details, request_of, search
from booking.bookings.request import BookingRequest, Override, Wanted
from booking.bookings.series import Repeat, book_series
from booking.notifications.models import OutboxMessage
from booking.schedule.guard import missing_guards
from booking.schedule.models import Hold, Occupancy
from tests.db.ledger import risen, versions
from tests.db.quota_world import a_quota
from tests.factories import MONDAY, World, next_weekday, request
from tests.faults.books import must_add_up

WEEK = timedelta(days=7)
Safeguard = Callable[[World], None]
SAFEGUARDS: dict[str, Safeguard] = {}


def safeguard(holds: Safeguard) -> Safeguard:
    """Keep a safeguard under its name."""
    SAFEGUARDS[holds.__name__] = holds
    return holds


def refused_with(wanted: BookingRequest, viewer: Any, *codes: str) -> None:
    """The dry run and the booking itself must refuse with exactly these codes."""
    refusals, _ = check_only(wanted, viewer)
    assert tuple(sorted(refusal.code for refusal in refusals)) == codes
    with pytest.raises(Refused):
        book(wanted, viewer)


# --- the guard


def _direct(world: World, **more: Any) -> None:
    """Write occupancy past the application: an hour of the cabinet at noon, unless told otherwise."""
    noon = next_weekday(12)
    values = {
        "unit_id": world.units["H-BSC1"][0],
        "resource_id": world.resources["H-BSC1"],
        "client": "host",
        "starts_at": noon,
        "held_until": noon + timedelta(hours=1),
        "cleared_until": noon + timedelta(hours=1),
        "kind": "booking",
        "long_stay": False,
        "active": True,
        **more,
    }
    with transaction():
        hold = db.session.execute(insert(Hold).values(kind="booking")).inserted_primary_key[0]
        db.session.execute(insert(Occupancy).values(hold_id=hold, **values))


def _alter(which: Any, **values: Any) -> None:
    with transaction():
        db.session.execute(update(Occupancy).where(which).values(**values))


@safeguard
def no_overlap_by_insert(world: World) -> None:
    _direct(world)
    with pytest.raises(IntegrityError):
        _direct(world)


@safeguard
def no_overlap_by_update(world: World) -> None:
    _direct(world)
    _direct(world, active=False)
    with pytest.raises(IntegrityError):
        _alter(Occupancy.active.is_(False), active=True)


@safeguard
def no_missing_clearance_by_insert(world: World) -> None:
    after = next_weekday(13)
    _direct(world, cleared_until=after + timedelta(hours=1))
    with pytest.raises(IntegrityError):
        _direct(
            world,
            client="organisation:2",
            starts_at=after,
            held_until=after + timedelta(hours=1),
            cleared_until=after + timedelta(hours=1),
        )


@safeguard
def no_missing_clearance_by_update(world: World) -> None:
    after, end = next_weekday(13), next_weekday(14)
    _direct(world, cleared_until=end)
    _direct(world, starts_at=after, held_until=end, cleared_until=end)
    with pytest.raises(IntegrityError):
        _alter(Occupancy.starts_at == after, client="organisation:2")


@safeguard
def no_hold_longer_than_is_looked_back(world: World) -> None:
    with pytest.raises(IntegrityError):
        _direct(world, held_until=next_weekday(12) + 6 * WEEK, cleared_until=next_weekday(12) + 6 * WEEK)


@safeguard
def the_guards_word_is_a_refusal(world: World) -> None:
    """Where the rules see a free slot and the database knows better, it is a refusal and no failure."""
    _direct(world, starts_at=next_weekday(10), kind="outage", client=None)
    with pytest.MonkeyPatch.context() as blind:
        blind.setattr("booking.bookings.facts.taken", lambda *_: {})
        with pytest.raises(SlotTaken):
            book(request(), world.viewer("student"))


@safeguard
def every_guard_stands(world: World) -> None:
    assert missing_guards() == []


# --- the rules


@safeguard
def who_is_not_allowed_is_refused(world: World) -> None:
    refused_with(request("H-VEC"), world.viewer("amber"), "not_allowed")


@safeguard
def what_is_planned_is_refused(world: World) -> None:
    refused_with(request("S-BSC"), world.viewer("researcher"), "not_open_yet")


@safeguard
def the_past_is_refused(world: World) -> None:
    wanted = request("H-LC", MONDAY - timedelta(days=3), hours=3)
    refused_with(wanted, world.viewer("student"), "in_past")


@safeguard
def short_notice_is_refused(world: World) -> None:
    refused_with(request("H-BR1", next_weekday(9.5), hours=24), world.viewer("student"), "notice")


@safeguard
def the_far_future_is_refused(world: World) -> None:
    refused_with(request(start=next_weekday(10, days=90)), world.viewer("student"), "horizon")


@safeguard
def what_is_too_long_is_refused(world: World) -> None:
    refused_with(request(hours=5), world.viewer("student"), "too_long")


@safeguard
def what_is_off_the_grid_is_refused(world: World) -> None:
    refused_with(request(start=next_weekday(10.25)), world.viewer("student"), "off_grid")


@safeguard
def what_is_outside_hours_is_refused(world: World) -> None:
    refused_with(request(start=next_weekday(17.5)), world.viewer("student"), "outside_hours")


@safeguard
def a_closed_day_is_refused(world: World) -> None:
    good_friday = MONDAY.replace(month=3, day=26, hour=10)
    with clock.travel(MONDAY.replace(month=3, day=1)):
        refused_with(request(start=good_friday), world.viewer("student"), "closed")


@safeguard
def a_series_is_judged(world: World) -> None:
    with pytest.raises(Refused) as caught:
        book_series(request(), Repeat("FREQ=DAILY;COUNT=7"), world.viewer("student"))
    assert {reason.code for one in caught.value.occurrences for reason in one.refusals} == {"outside_hours"}


@safeguard
def more_than_the_quota_is_refused(world: World) -> None:
    a_quota(world, minutes=60)
    book(request(), world.viewer("student"))
    refused_with(request("H-BSC2"), world.viewer("student"), "quota")


@safeguard
def what_is_taken_is_refused(world: World) -> None:
    book(request(), world.viewer("student"))
    refused_with(request(), world.viewer("researcher"), "slot_taken")


@safeguard
def what_was_taken_long_ago_is_refused(world: World) -> None:
    book(request(Wanted("H-INC1", 8), hours=27 * 24), world.viewer("student"))
    later = request("H-INC1", next_weekday(10) + timedelta(days=20), hours=24)
    refused_with(later, world.viewer("researcher"), "slot_taken")


@safeguard
def other_clients_wait_for_clearance(world: World) -> None:
    book(request(), world.viewer("student"))
    wanted = request(start=next_weekday(11.5))
    refused_with(wanted, world.viewer("amber"), "slot_taken")


@safeguard
def a_confidential_project_is_a_client(world: World) -> None:
    book(request(project="P-SECRET"), world.viewer("leader"))
    refused_with(request(start=next_weekday(11.5)), world.viewer("student"), "slot_taken")


@safeguard
def a_full_room_is_refused(world: World) -> None:
    book(request("H-VEC", people=2), world.viewer("student"))
    refused_with(request("H-LC", hours=2, people=2), world.viewer("researcher"), "room_full")


@safeguard
def free_units_are_found(world: World) -> None:
    for _ in range(8):
        book(request("H-INC1", hours=24, people=0), world.viewer("student"))
    refused_with(request("H-INC1", hours=24, people=0), world.viewer("student"), "slot_taken")


# --- who sees and does what


def everything_shown_to(world: World, name: str) -> str:
    """Return all that a person can get to see of this week as one text."""
    viewer = world.viewer(name)
    week = Period(next_weekday(0) - WEEK, next_weekday(0) + WEEK)
    shown: list[Any] = [blocks(viewer, list(world.resources.values()), week)]
    shown += [(d.booking.title, d.organiser.name, d.booking.notes) for d in search(viewer, Asked(week))]
    for hours in (0, 1, 1.5):
        refusals, _ = check_only(request(start=next_weekday(10) + timedelta(hours=hours)), viewer)
        shown.append(refusals)
    return str(shown)


@safeguard
def companies_see_nothing_of_each_other(world: World) -> None:
    book(request(title="Tell nobody", notes="Not for you"), world.viewer("amber"))
    shown = everything_shown_to(world, "birch")
    assert not [
        text for text in ("Tell nobody", "Not for you", "Anna", "Amber", "Northwind") if text in shown
    ]


@safeguard
def confidential_work_is_hidden_from_the_own_house(world: World) -> None:
    book(request(title="Tell nobody", project="P-SECRET"), world.viewer("leader"))
    for name in ("student", "colleague", "amber"):
        shown = everything_shown_to(world, name)
        assert not [text for text in ("Tell nobody", "Lena", "P-SECRET") if text in shown]


@safeguard
def strangers_are_told_of_no_changeover(world: World) -> None:
    book(request(title="Tell nobody"), world.viewer("amber"))
    assert "changeover" not in everything_shown_to(world, "birch")


@safeguard
def runs_of_others_are_not_counted(world: World) -> None:
    """Two neighbouring bookings of a company are one block to another."""
    book(request("H-HALL"), world.viewer("amber"))
    book(request("H-HALL", start=next_weekday(11)), world.viewer("amber"))
    week = Period(next_weekday(0), next_weekday(23))
    seen = blocks(world.viewer("birch"), [world.resources["H-HALL"]], week)
    shown = [(block.starts_at, block.ends_at, block.units) for block in seen]
    assert shown == [(next_weekday(10), next_weekday(12), 1)]


@safeguard
def others_bookings_are_not_found(world: World) -> None:
    booking = book(request(), world.viewer("amber"))
    for name in ("birch", "student"):
        with pytest.raises(NotFound):
            find(booking.public_id, world.viewer(name))


@safeguard
def others_bookings_are_not_changed(world: World) -> None:
    booking = book(request(), world.viewer("student"))
    with pytest.raises(Forbidden):
        cancel(booking.public_id, world.viewer("colleague"), "mine")
    with pytest.raises(Forbidden):
        change(booking.public_id, request_of(booking), world.viewer("colleague"), "mine")


@safeguard
def staff_say_why(world: World) -> None:
    booking = book(request(), world.viewer("student"))
    with pytest.raises(Invalid):
        cancel(booking.public_id, world.viewer("staff"))


@safeguard
def only_staff_answer_requests(world: World) -> None:
    booking = book(request("H-BR1", next_weekday(9.5, days=7), hours=24), world.viewer("student"))
    for answer in (approve, decline):
        with pytest.raises(Forbidden):
            answer(booking.public_id, world.viewer("student"), "please")


@safeguard
def nobody_overrules_the_past(world: World) -> None:
    override = Override(("in_past", "notice", "outside_hours", "closed"), "please")
    wanted = request(start=next_weekday(10) - timedelta(days=7), override=override)
    with pytest.raises(Refused):
        book(wanted, world.viewer("admin"))


@safeguard
def what_needs_approval_is_requested(world: World) -> None:
    wanted = request("H-BR1", next_weekday(9.5, days=7), hours=24)
    assert book(wanted, world.viewer("student")).status == "requested"


@safeguard
def a_token_to_read_does_not_write(world: World) -> None:
    with pytest.raises(Forbidden):
        book(request(), world.viewer("student", scope="read"))


@safeguard
def nobody_books_for_others(world: World) -> None:
    with pytest.raises(Invalid):
        book(request(on_behalf_of="researcher@hub.example"), world.viewer("student"))


@safeguard
def nobody_books_for_others_projects(world: World) -> None:
    with pytest.raises(Invalid):
        book(request(project="P-SECRET"), world.viewer("student"))


# --- what is stored


@safeguard
def history_is_written(world: World) -> None:
    booking = book(request(), world.viewer("student"))
    cancel(booking.public_id, world.viewer("student"))
    assert [entry.action for entry in audit.history("booking", booking.id)] == ["cancelled", "booked"]


@safeguard
def people_are_told(world: World) -> None:
    book(request(), world.viewer("student"))
    told = db.session.execute(select(OutboxMessage.kind, OutboxMessage.recipient_id)).all()
    assert ("booking_confirmed", world.users["student"]) in [tuple(row) for row in told]


@safeguard
def calendars_learn_of_it(world: World) -> None:
    before = versions()
    book(request(), world.viewer("student"))
    assert {("resources", world.resources["H-BSC1"]), ("users", world.users["student"])} <= risen(before)


@safeguard
def a_cancelled_slot_is_free(world: World) -> None:
    cancel(book(request(), world.viewer("student")).public_id, world.viewer("student"))
    book(request(), world.viewer("researcher"))
    must_add_up()


@safeguard
def a_moved_booking_moves(world: World) -> None:
    booking = book(request(), world.viewer("student"))
    later = replace(request_of(booking), starts_at=next_weekday(14), ends_at=next_weekday(15))
    change(booking.public_id, later, world.viewer("student"))
    book(request(), world.viewer("researcher"))
    with pytest.raises(SlotTaken):
        book(request(start=next_weekday(14)), world.viewer("researcher"))


@safeguard
def a_failure_leaves_nothing(world: World) -> None:
    def fail(_news: BookingMade) -> None:
        raise RuntimeError("no")

    listeners = events._listeners[BookingMade]
    listeners.append(fail)
    try:
        with pytest.raises(RuntimeError):
            book(request(), world.viewer("student"))
    finally:
        listeners.remove(fail)
    db.session.remove()
    assert list(db.session.scalars(select(Hold.id))) == []
    assert list(db.session.scalars(select(audit.AuditEntry.id))) == []


@safeguard
def who_is_late_is_told(world: World) -> None:
    booking = book(request(), world.viewer("student"))
    change(booking.public_id, replace(request_of(booking), title="a"), world.viewer("student"), if_version=1)
    with pytest.raises(Stale):
        change(booking.public_id, request_of(booking), world.viewer("student"), if_version=1)


@safeguard
def unanswered_requests_expire(world: World) -> None:
    booking = book(request("H-BR1", next_weekday(9.5, days=7), hours=24), world.viewer("student"))
    assert carry_out_due() == 0
    with clock.travel(MONDAY + timedelta(days=4)):
        assert carry_out_due() == 2  # it is passed on before
    book(request("H-BR1", next_weekday(9.5, days=7), hours=24), world.viewer("researcher"))
    db.session.expire_all()
    assert db.session.get_one(Booking, booking.id).status == "declined"


@safeguard
def details_are_complete(world: World) -> None:
    booking = book(request(participants=("researcher@hub.example",)), world.viewer("student"))
    (detail,) = details([booking], world.viewer("student"))
    assert [user.name for user in detail.participants] == ["Rhona Researcher"]
    assert detail.held[0].held_until == booking.ends_at + timedelta(minutes=15)
