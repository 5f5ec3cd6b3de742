"""From the outbox to a real mail server: each mail once, later where it must wait, and never lost."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from flask import Flask
from sqlalchemy import select

from booking.base import clock
from booking.base.acts import TimedAct, carry_out_due
from booking.base.db import db, transaction
from booking.base.errors import Invalid
from booking.base.work import DELAYS, LEASE, claim
from booking.bookings.actions import book, cancel
from booking.facilities.actions import directory_changed
from booking.notifications import post
from booking.notifications.actions import retry
from booking.notifications.delivery import deliver_due
from booking.notifications.models import OutboxMessage
from booking.notifications.preferences import preferences_of, set_preferences
from booking.people.models import User
from booking.settings import Settings
from tests.factories import MONDAY, World, email_of, next_weekday, request
from tests.mail_server import MailBox, free_port, hang, mail_server

SENDER = "Hub Booking <booking@hub.example>"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
Deliver = Callable[..., int]


@pytest.fixture
def box() -> Iterator[MailBox]:
    """A mail server that takes everything."""
    with mail_server() as found:
        yield found


@pytest.fixture
def deliver(box: MailBox) -> Deliver:
    """Send what is due at some minutes past the Monday."""

    def send(after: timedelta = timedelta(0), url: str = box.url) -> int:
        with clock.travel(MONDAY + after):
            return deliver_due(settings(url))

    return send


def settings(url: str) -> Settings:
    return Settings(mail_url=url, mail_from=SENDER, base_url="https://book.example")


def outbox() -> list[OutboxMessage]:
    db.session.expire_all()
    return list(db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def news(booking_kind: str = "booking_confirmed") -> OutboxMessage:
    return next(one for one in outbox() if one.kind == booking_kind)


def test_a_mail_is_sent_once_and_says_who_it_is_for(world: World, box: MailBox, deliver: Deliver) -> None:
    book(request(title="Passage 12"), world.viewer("student"))
    assert deliver() == 1
    (mail,) = box.mails
    message = news()
    assert mail["Subject"] == "Confirmed: Passage 12, Tue 12 Jan 2027, 10:00–11:00"
    assert mail["To"] == "Stella Student <student@hub.example>"
    assert mail["From"] == SENDER
    assert mail["Message-ID"] == f"<{message.public_id}@hub.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "hub-booking.hub.example" in mail["List-Id"]
    assert (message.sent_at, message.done_at, message.next_try_at) == (MONDAY, MONDAY, None)
    assert (message.tries, message.last_error) == (1, "")
    assert deliver() == deliver(after=30 * MINUTE) == 0
    assert len(box.mails) == 1


def test_many_mails_go_over_one_connection(world: World, box: MailBox, deliver: Deliver) -> None:
    for n in range(5):
        book(request("H-HALL", next_weekday(9 + n)), world.viewer("student"))
    assert deliver() == 5
    assert (len(set(box.ids())), box.connections) == (5, 1)


def test_without_a_mail_server_mails_stay(world: World) -> None:
    book(request(), world.viewer("student"))
    assert deliver_due(Settings()) == 0
    assert (news().tries, news().next_try_at) == (0, MONDAY)


# --- what the server says


def test_a_refusal_for_now_is_tried_later_with_the_same_id(
    world: World, box: MailBox, deliver: Deliver
) -> None:
    book(request(), world.viewer("student"))
    book(request("H-HALL"), world.viewer("researcher"))
    seen: list[str] = []

    def greylist(_: MailBox, address: str) -> str:
        seen.append(address)
        return "450 4.2.0 Come back later" if address == email_of("student") else "250 OK"

    box.at_recipient = greylist
    assert deliver() == 2
    assert box.recipients == [email_of("researcher")]
    waits = news()
    assert (waits.last_error, waits.next_try_at) == ("450 4.2.0 Come back later", MONDAY + MINUTE)
    assert deliver(after=MINUTE / 2) == 0
    assert deliver(after=MINUTE) == 1
    assert news().next_try_at == MONDAY + 6 * MINUTE
    box.at_recipient = lambda *_: "250 OK"
    deliver(after=6 * MINUTE)
    assert box.recipients == [email_of("researcher"), email_of("student")]
    assert news().sent_at == MONDAY + 6 * MINUTE
    assert seen.count(email_of("student")) == 2


def test_after_a_day_of_refusals_it_is_dead_until_staff_retry(
    world: World, box: MailBox, deliver: Deliver
) -> None:
    book(request(start=next_weekday(10, days=14)), world.viewer("student"))
    box.at_data = lambda *_: "451 4.3.0 Try again"
    after = timedelta(0)
    for delay in (*DELAYS, timedelta(0)):
        with clock.travel(MONDAY + after):
            deliver_due(settings(box.url))
        after += delay
    dead = news()
    assert (dead.dead_at, dead.next_try_at, dead.tries) == (MONDAY + after, None, len(DELAYS) + 1)
    assert timedelta(hours=23) < after < timedelta(hours=25)
    box.at_data = lambda *_: "250 OK"
    deliver(after=after + DAY)
    assert news().sent_at is None
    with clock.travel(MONDAY + after + DAY):
        retry(dead.public_id, world.viewer("technician"))
        deliver_due(settings(box.url))
    assert (news().sent_at, news().dead_at) == (MONDAY + after + DAY, None)
    assert box.ids().count(f"<{dead.public_id}@hub.example>") == 1


@pytest.mark.parametrize("where", ["at_recipient", "at_data"])
def test_a_refusal_for_good_is_dead_at_once(world: World, box: MailBox, deliver: Deliver, where: str) -> None:
    book(request(), world.viewer("student"))
    setattr(box, where, lambda *_: "550 5.1.1 No such person")
    deliver()
    assert (news().dead_at, news().last_error) == (MONDAY, "550 5.1.1 No such person")
    assert deliver(after=30 * MINUTE) == 0


def test_a_server_that_is_away_costs_no_mail_a_try(world: World, deliver: Deliver) -> None:
    book(request(), world.viewer("student"))
    port = free_port()
    for minute in range(10):
        assert deliver(after=minute * MINUTE, url=f"smtp://127.0.0.1:{port}") == 0
    waits = news()
    assert (waits.tries, waits.next_try_at) == (0, MONDAY)
    assert "out of reach: ConnectionRefusedError" in waits.last_error
    with mail_server(port) as back:
        assert deliver(after=10 * MINUTE, url=back.url) == 1
    assert len(back.mails) == 1


def test_a_server_that_hangs_is_left_and_the_mail_tried_again(
    world: World, box: MailBox, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "TIMEOUT", 0.3)
    book(request(), world.viewer("student"))
    box.at_recipient = hang(0.8)
    assert deliver() == 1
    assert news().next_try_at == MONDAY + MINUTE
    assert "timed out" in news().last_error
    box.at_recipient = lambda *_: "250 OK"
    monkeypatch.setattr(post, "TIMEOUT", 20)
    assert deliver(after=MINUTE) == 1
    assert news().sent_at is not None
    assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("url", "sender"),
    [("smtp://", SENDER), ("http://mail.example", SENDER), ("smtp://127.0.0.1:x", SENDER), ("", "")],
)
def test_settings_that_do_not_fit_lose_nothing(world: World, box: MailBox, url: str, sender: str) -> None:
    book(request(), world.viewer("student"))
    assert deliver_due(Settings(mail_url=url or box.url, mail_from=sender)) == 0
    assert (news().tries, news().next_try_at) == (0, MONDAY)
    assert "BOOKING_MAIL_" in news().last_error


def test_it_signs_in_where_the_address_says_so(world: World) -> None:
    def knows(_: Any, __: Any, ___: Any, ____: str, given: Any) -> AuthResult:
        return AuthResult(success=(given.login, given.password) == (b"hub", b"p@ss:w/rd"), handled=False)

    book(request(), world.viewer("student"))
    options = {"authenticator": knows, "auth_require_tls": False}
    with mail_server(**options) as guarded:
        wrong = guarded.url.replace("//", "//hub:wrong@")
        assert deliver_due(settings(wrong)) == 0
        assert "out of reach: 535" in news().last_error
        right = guarded.url.replace("//", "//hub:p%40ss%3Aw%2Frd@")
        assert deliver_due(settings(right)) == 1
        assert len(guarded.mails) == 1


def test_a_server_without_tls_gets_nothing_where_tls_is_asked_for(world: World, box: MailBox) -> None:
    book(request(), world.viewer("student"))
    assert deliver_due(settings(f"{box.url}?starttls=yes")) == 0
    assert deliver_due(settings(box.url.replace("smtp:", "smtps:"))) == 0
    assert (box.mails, news().tries) == ([], 0)


@pytest.mark.parametrize(
    ("url", "port", "tls", "starttls"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp://mail.example:2525", 2525, False, False),
        ("smtp://u:p@mail.example:587", 587, False, True),
        ("smtp://u:p@mail.example:587?starttls=no", 587, False, False),
        ("smtp://u:p@127.0.0.1", 25, False, False),
        ("smtp://mail.example?starttls=yes", 25, False, True),
        ("smtps://u:p@mail.example", 465, True, False),
    ],
)
def test_a_password_goes_to_other_machines_only_guarded(
    url: str, port: int, tls: bool, starttls: bool
) -> None:
    server = post.MailServer.from_url(url)
    assert (server.port, server.tls, server.starttls) == (port, tls, starttls)


def test_an_address_with_other_letters_is_written_to(world: World, box: MailBox, deliver: Deliver) -> None:
    with transaction():
        db.session.get_one(User, world.users["student"]).email = "jörg@hub.example"
        directory_changed()
    book(request(), world.viewer("student"))
    deliver()
    assert (box.recipients, news().last_error) == (["jörg@hub.example"], "")


# --- several workers, and dead ones


def test_several_workers_send_everything_once(world: World, world_app: Flask, box: MailBox) -> None:
    for n in range(12):
        start = next_weekday(9 + n % 8, days=1 + n // 8)
        book(request("H-HALL", start, participants=("researcher@hub.example",)), world.viewer("student"))
    db.session.remove()

    def work() -> None:
        with world_app.app_context():
            while deliver_due(settings(box.url)):
                continue
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work()
    assert len(box.mails) == len(set(box.ids())) == 24


def test_a_mail_that_a_dead_worker_held_is_sent_after_the_lease(
    world: World, box: MailBox, deliver: Deliver
) -> None:
    book(request(), world.viewer("student"))
    assert claim(OutboxMessage) is not None
    assert deliver(after=LEASE / 2) == 0
    assert deliver(after=LEASE) == 1
    assert len(box.mails) == 1


# --- who gets what


def test_preferences_count_when_the_mail_is_due(world: World, box: MailBox, deliver: Deliver) -> None:
    student = world.viewer("student")
    made = book(request(participants=("researcher@hub.example",)), student)
    set_preferences({"own": "none"}, student)
    deliver()
    assert box.recipients == [email_of("researcher")]
    assert "does not want" in news().last_error
    assert news().sent_at is None
    cancel(made.public_id, world.viewer("staff"), "The cabinet is broken")
    deliver(after=MINUTE)
    assert set(box.recipients[1:]) == {email_of("student"), email_of("researcher")}
    assert all("The cabinet is broken" in text_of(mail) for mail in box.mails[1:])


def text_of(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


@pytest.mark.parametrize(("topic", "how"), [("changes", "none"), ("answers", "none"), ("own", "loud")])
def test_what_must_be_told_cannot_be_switched_off(world: World, topic: str, how: str) -> None:
    with pytest.raises(Invalid):
        set_preferences({topic: how}, world.viewer("student"))
    assert set(preferences_of(world.users["student"]).values()) == {"now"}


def test_who_has_left_gets_nothing(world: World, box: MailBox, deliver: Deliver) -> None:
    book(request(), world.viewer("student"))
    with transaction():
        db.session.get_one(User, world.users["student"]).active = False
        directory_changed()
    deliver()
    assert (box.mails, news().last_error) == ([], "The account is closed.")
    assert news().done_at == MONDAY


def test_old_news_are_not_sent(world: World, box: MailBox, deliver: Deliver) -> None:
    book(request(start=next_weekday(10, days=14)), world.viewer("student"))
    deliver(after=timedelta(days=8))
    assert box.mails == []
    assert "more than a week" in news().last_error


def test_a_reminder_comes_the_day_before_if_it_still_fits(
    world: World, box: MailBox, deliver: Deliver
) -> None:
    on, off = (book(request("H-HALL", next_weekday(10, days=3)), world.viewer("student")) for _ in range(2))
    cancel(off.public_id, world.viewer("student"))
    deliver()
    deliver(after=timedelta(days=2))
    assert len(box.mails) == 3
    assert deliver(after=timedelta(days=2, hours=1)) == 2
    assert box.subjects()[3:] == [f"Reminder: {on.title}, Thu 14 Jan 2027, 10:00–11:00"]


def test_no_reminder_for_what_starts_within_a_day(world: World) -> None:
    book(request("H-HALL", MONDAY + timedelta(hours=2)), world.viewer("student"))
    assert [one.kind for one in outbox()] == ["booking_confirmed"]


# --- the digest


@pytest.mark.usefixtures("world")
def test_the_digest_gathers_what_was_asked_for(world: World, box: MailBox, deliver: Deliver) -> None:
    student = world.viewer("student")
    set_preferences({"own": "digest", "reminders": "none"}, student)
    for n in range(3):
        book(request("H-HALL", next_weekday(9 + n, days=3), title=f"Run {n}"), student)
    assert deliver() == 3
    assert box.mails == []
    (act,) = db.session.scalars(select(TimedAct))
    seven = MONDAY.replace(hour=7) + DAY
    assert (act.kind, act.due_at) == ("send_digest", seven)
    with clock.travel(seven):
        assert carry_out_due() == 1
        deliver_due(settings(box.url))
    (mail,) = box.mails
    assert mail["Subject"] == "Your digest: 3 messages"
    assert [f"Run {n}" in text_of(mail) for n in range(3)] == [True] * 3
    assert {one.digest_id for one in outbox() if one.kind == "booking_confirmed"} == {news("digest").id}
    with clock.travel(seven + DAY):
        assert carry_out_due() == 0
        assert deliver_due(settings(box.url)) == 0
