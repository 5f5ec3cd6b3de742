"""What each kind of mail says, compared with files in golden/, and what it must not say to whom.

HUB_GOLDEN=write in the environment writes the files anew.
"""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from booking.base import clock
from booking.base.acts import carry_out_due
from booking.base.db import db, transaction
from booking.bookings.actions import approve, book, cancel, change, decline, restore
from booking.bookings.models import Booking
from booking.bookings.queries import request_of
from booking.bookings.series import Repeat, book_series
from booking.bookings.series_changes import cancel_series, change_series
from booking.bookings.waitlist import join
from booking.bookings.waitlist_queries import exactly
from booking.facilities.actions import directory_changed
from booking.facilities.queries import viewer_of
from booking.notifications.delivery import next_digest
from booking.notifications.digests import gather_digest
from booking.notifications.kinds import KINDS
from booking.notifications.mails import Mail, envelope, mail_of
from booking.notifications.models import OutboxMessage
from booking.notifications.notices import NotWanted
from booking.notifications.training import plan_reminders
from booking.people.events import PasswordForgotten, PersonInvited
from booking.people.models import User
from booking.training.sessions import cancel_session, take_place
from tests.db.training_world import a_module, a_permit, a_session, competent
from tests.factories import LONDON, MONDAY, World, next_weekday, request, utc

GOLDEN = Path(__file__).parent / "golden"
BASE = "https://book.example"
PUBLIC = "0123456789abcdef"


@pytest.fixture
def engine_kind() -> str:
    """Words are the same on both databases."""
    return "sqlite"


def written(kind: str, to: int | None = None) -> OutboxMessage:
    query = select(OutboxMessage).where(OutboxMessage.kind == kind)
    if to is not None:
        query = query.where(OutboxMessage.recipient_id == to)
    return db.session.scalars(query.order_by(OutboxMessage.id.desc())).first()  # type: ignore[return-value]


def mail(kind: str, to: int | None = None) -> Mail:
    message = written(kind, to)
    viewer = viewer_of(message.recipient_id)
    assert viewer is not None
    return mail_of(message, viewer, BASE, "the-token")


def with_fixed_id(booking: Booking, name: str = PUBLIC) -> Booking:
    """Give a booking the id that the golden files name."""
    with transaction():
        db.session.execute(update(Booking).where(Booking.id == booking.id).values(public_id=name))
    db.session.expire_all()
    return booking


def a_booking(world: World) -> Booking:
    wanted = request(
        ("H-BSC1", "H-BSC2"),
        title="Passage 12 <b>of</b> 20",
        notes="Bring the blue rack.\nAsk Colin.",
        project="P-OPEN",
        people=2,
        participants=("researcher@hub.example",),
        supervisor="leader@hub.example",
    )
    return with_fixed_id(book(wanted, world.viewer("student")))


def a_request(world: World) -> Booking:
    return with_fixed_id(book(request("H-BR1", next_weekday(9.5, days=7), hours=48), world.viewer("student")))


def later(booking: Booking, **more: Any) -> Any:
    hour = timedelta(hours=1)
    wanted = request_of(booking)
    return replace(wanted, starts_at=wanted.starts_at + hour, ends_at=wanted.ends_at + hour, **more)


def _confirmed(world: World) -> None:
    a_booking(world)


def _requested(world: World) -> None:
    a_request(world)


def _escalated(world: World) -> None:
    a_request(world)
    with clock.travel(MONDAY + timedelta(days=2)):
        carry_out_due()


def _approved(world: World) -> None:
    approve(a_request(world).public_id, world.viewer("staff"), "Fine. Mind the new seals.")


def _declined(world: World) -> None:
    decline(a_request(world).public_id, world.viewer("staff"), "No operator that week.")


def _expired(world: World) -> None:
    a_request(world)
    with clock.travel(MONDAY + timedelta(days=3)):
        carry_out_due()


def _changed(world: World) -> None:
    booking = a_booking(world)
    without = later(booking, title="Passage 13", participants=())
    change(booking.public_id, without, world.viewer("staff"), "The cabinet is serviced at ten.")


def _cancelled(world: World) -> None:
    cancel(a_booking(world).public_id, world.viewer("staff"), "The cabinet is broken.\nSorry.")


def _restored(world: World) -> None:
    _cancelled(world)
    restore(PUBLIC, world.viewer("staff"), "It works again.")


def _ended(world: World) -> None:
    booking = a_booking(world)
    with clock.travel(booking.starts_at + timedelta(minutes=30)):
        cancel(booking.public_id, world.viewer("student"))


def _offered(world: World) -> None:
    taken = book(request(), world.viewer("researcher"))
    wanted = request(title="Passage 12")
    join(exactly(wanted), wanted, world.viewer("student"))
    cancel(taken.public_id, world.viewer("researcher"))


def _offer_expired(world: World) -> None:
    _offered(world)
    with clock.travel(MONDAY + timedelta(days=1)):
        carry_out_due()


def _digest(world: World) -> None:
    _changed(world)
    talk = book(request("H-HALL", next_weekday(14), title="Talk"), world.viewer("student"))
    with_fixed_id(talk, PUBLIC[::-1])
    with transaction():
        due = OutboxMessage.next_try_at <= clock.now()
        db.session.execute(update(OutboxMessage).where(due).values(next_try_at=None))
        gather_digest(world.users["student"])


def _a_series(world: World, what: str = "H-BSC1", hours: float = 1, days: int = 1) -> Booking:
    """Book four weeks, of which somebody has the second."""
    start = next_weekday(9.5, days)
    book(request(what, start + timedelta(days=7), hours=hours), world.viewer("colleague"))
    wanted = request(what, start, hours, title="Feed", participants=("researcher@hub.example",))
    made = book_series(wanted, Repeat("FREQ=WEEKLY;COUNT=4", "skip"), world.viewer("student"))
    return with_fixed_id(made.bookings[0])


def _series_made(world: World) -> None:
    _a_series(world)


def _series_requested(world: World) -> None:
    _a_series(world, "H-BR1", 48, 7)


def _series_changed(world: World) -> None:
    booking = _a_series(world)
    wanted = later(booking, participants=())
    change_series(booking.public_id, wanted, world.viewer("staff"), "all", "The cabinet is cleaned at ten.")


def _series_cancelled(world: World) -> None:
    cancel_series(_a_series(world).public_id, world.viewer("staff"), "all", "The cabinet is broken.")


def _ends(world: World) -> None:
    module = a_module("T-CL2", world, title="CL2 practice")
    competent(world, "student", module, MONDAY.date() + timedelta(days=30))
    a_permit(
        reference="RA-7", user_id=world.users["student"], valid_through=MONDAY.date() + timedelta(days=7)
    )
    a_session(world, module, next_weekday(10))
    plan_reminders()
    carry_out_due()


def _called_off(world: World) -> None:
    session = a_session(world, a_module("T-CL2", world, title="CL2 practice"), next_weekday(10))
    take_place(session.id, world.viewer("student"))
    cancel_session(session.id, world.viewer("staff"), "The trainer is ill.")


def _security(world: World) -> None:
    from booking.notifications.listeners import invite, send_a_link

    with transaction():
        send_a_link(PasswordForgotten(world.users["student"]))
        invite(PersonInvited(world.users["student"]))


MAKE = {
    "booking_confirmed": (_confirmed, "student"),
    "booking_requested": (_requested, "student"),
    "request_waiting": (_requested, "technician"),
    "request_escalated": (_escalated, "staff"),
    "booking_approved": (_approved, "student"),
    "booking_declined": (_declined, "student"),
    "booking_expired": (_expired, "student"),
    "booking_changed": (_changed, "student"),
    "booking_left": (_changed, "researcher"),
    "booking_cancelled": (_cancelled, "researcher"),
    "booking_restored": (_restored, "student"),
    "booking_ended": (_ended, "student"),
    "offer_made": (_offered, "student"),
    "offer_expired": (_offer_expired, "student"),
    "booking_reminder": (_confirmed, "leader"),
    "series_confirmed": (_series_made, "researcher"),
    "series_requested": (_series_requested, "student"),
    "series_waiting": (_series_requested, "technician"),
    "series_changed": (_series_changed, "student"),
    "series_left": (_series_changed, "researcher"),
    "series_cancelled": (_series_cancelled, "student"),
    "competence_ends": (_ends, "student"),
    "permit_ends": (_ends, "student"),
    "session_called_off": (_called_off, "student"),
    "digest": (_digest, "student"),
    "password_reset": (_security, "student"),
    "invitation": (_security, "student"),
}


def test_every_kind_has_its_golden_file() -> None:
    assert set(MAKE) == set(KINDS)
    assert {path.stem for path in GOLDEN.iterdir()} == set(KINDS)


@pytest.mark.parametrize("kind", MAKE)
def test_what_a_mail_says(world: World, kind: str) -> None:
    make, name = MAKE[kind]
    make(world)
    found = mail(kind, world.users[name])
    for ending, text in (("txt", f"Subject: {found.subject}\n\n{found.text}"), ("html", found.html)):
        file = GOLDEN / f"{kind}.{ending}"
        if os.environ.get("HUB_GOLDEN") == "write":
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")


# --- who may read what


@pytest.mark.parametrize("kind", ["booking_confirmed", "booking_cancelled"])
def test_who_may_no_longer_see_a_booking_reads_no_more_than_when(world: World, kind: str) -> None:
    """What counts is the moment of sending: the organiser has gone to another company meanwhile."""
    made = book(
        request(title="SECRET-TITLE", notes="SECRET-NOTES", project="P-AMBER"), world.viewer("amber2")
    )
    if kind == "booking_cancelled":
        cancel(made.public_id, world.viewer("staff"), "SECRET-REASON")
    with transaction():
        leaver = db.session.get_one(User, world.users["amber2"])
        query = update(Booking).where(Booking.id == made.id)
        db.session.execute(query.values(organiser_id=world.users["amber"]))
        leaver.organisation_id = world.organisations["birch"]
        db.session.execute(OutboxMessage.__table__.metadata.tables["memberships"].delete())
        directory_changed()
    found = mail(kind, world.users["amber2"])
    everything = found.subject + found.text + found.html
    assert "SECRET" not in everything
    assert "Northwind" not in everything
    assert "Okafor" not in everything
    assert found.subject.endswith(": A booking, Tue 12 Jan 2027, 10:00–11:00")
    assert made.public_id not in everything


def test_who_was_taken_out_learns_of_it_and_no_more(world: World) -> None:
    made = book(request(participants=("amber@partner.example",), notes="NOTES"), world.viewer("student"))
    change(made.public_id, replace(request_of(made), participants=()), world.viewer("student"))
    found = mail("booking_left", world.users["amber"])
    assert "Somebody took you out of this booking." in found.text
    assert made.title not in found.text
    assert "NOTES" not in found.text


def test_staff_are_asked_who_may_answer_and_nobody_else(world: World) -> None:
    book(request("H-BR1", next_weekday(9.5, days=7), hours=24), world.viewer("student"))
    told = select(OutboxMessage.recipient_id).where(OutboxMessage.kind == "request_waiting")
    assert set(db.session.scalars(told)) == {world.users["staff"], world.users["technician"]}


def test_everybody_in_a_booking_is_told(world: World) -> None:
    a_booking(world)
    told = select(OutboxMessage.recipient_id).where(OutboxMessage.kind == "booking_confirmed")
    people = {world.users[name] for name in ("student", "researcher", "leader")}
    assert set(db.session.scalars(told)) == people


def test_a_booking_that_moves_away_and_back_has_one_reminder(world: World) -> None:
    made = book(request(start=next_weekday(10, days=4)), world.viewer("student"))
    there = request_of(made)
    change(made.public_id, later(made), world.viewer("student"))
    change(made.public_id, there, world.viewer("student"))
    due = select(OutboxMessage.due_at).where(OutboxMessage.kind == "booking_reminder")
    assert db.session.scalars(due).all() == [made.starts_at - timedelta(days=1)]


def test_a_reminder_for_who_has_left_is_not_wanted(world: World) -> None:
    made = a_booking(world)
    change(PUBLIC, replace(request_of(made), participants=()), world.viewer("student"))
    assert "Reminder" in mail("booking_reminder", world.users["student"]).subject
    with pytest.raises(NotWanted):
        mail("booking_reminder", world.users["researcher"])


# --- headers and times


def test_no_text_of_a_person_becomes_a_header(world: World) -> None:
    evil = Mail("Hello\r\nBcc: everybody@example.org", "text", "<p>html</p>")
    with pytest.raises(ValueError, match="Header values"):
        envelope(evil, PUBLIC, ("A", "a@example.org"), "b@example.org", MONDAY)
    book(request(title="a: b; c=<d>, \u2028e"), world.viewer("student"))
    packed = envelope(
        mail("booking_confirmed"), PUBLIC, ('A "B"\r\n, c@d.e', "a@example.org"), "b@example.org", MONDAY
    )
    wire = bytes(packed)
    head, _, _ = wire.partition(b"\r\n\r\n")
    assert {line.split(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"} == {
        b"From", b"To", b"Subject", b"Date", b"Message-ID", b"List-Id", b"Auto-Submitted",
        b"X-Auto-Response-Suppress", b"MIME-Version", b"Content-Type",
    }  # fmt: skip
    assert max(map(len, wire.split(b"\r\n"))) < 998


def test_times_are_the_facilitys(world: World) -> None:
    summer = utc(2027, 4, 1, 9)
    with clock.travel(summer - timedelta(days=3)):
        book(request("H-HALL", start=summer), world.viewer("student"))
        assert "Thu 1 Apr 2027, 10:00–11:00 (London time)" in mail("booking_confirmed").text


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (utc(2027, 1, 11, 6, 59), utc(2027, 1, 11, 7)),
        (utc(2027, 1, 11, 7), utc(2027, 1, 12, 7)),
        (utc(2027, 3, 27, 12), utc(2027, 3, 28, 6)),  # the clocks go forward that night
        (utc(2027, 3, 28, 0, 30), utc(2027, 3, 28, 6)),
        (utc(2027, 10, 30, 12), utc(2027, 10, 31, 7)),  # and back
        (utc(2027, 10, 31, 0, 30), utc(2027, 10, 31, 7)),
    ],
)
def test_the_digest_comes_at_seven_whatever_the_clocks_do(now: Any, due: Any) -> None:
    assert next_digest(now, LONDON) == due
    assert f"{due.astimezone(LONDON):%H:%M}" == "07:00"
