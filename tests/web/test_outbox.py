"""The outbox pages: who reads which mail, what is done about those that did not go; what I am mailed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from booking.base import audit, clock
from booking.base.acts import TimedAct, plan
from booking.base.db import db, transaction
from booking.bookings import actions as bookings
from booking.notifications.models import OutboxMessage
from booking.notifications.preferences import preferences_of
from booking.people.events import PasswordForgotten
from booking.people.models import User
from tests.factories import MONDAY, World, next_weekday, request
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


def the(kind: str) -> OutboxMessage:
    db.session.rollback()
    query = select(OutboxMessage).where(OutboxMessage.kind == kind)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def rows(visitor: Visitor, state: str = "") -> list[str]:
    page = visitor.get(f"/admin/outbox?state={state}")
    return [row.get_text(" ", strip=True) for row in page.select("main tbody tr")]


def set_all(**values: Any) -> None:
    with transaction():
        db.session.execute(update(OutboxMessage).values(**values))


@pytest.fixture
def mail(world: World) -> OutboxMessage:
    """The mail that tells Anna of her confidential booking."""
    bookings.book(request(title="Hidden run", project="P-HUSH"), world.viewer("amber"))
    return the("booking_confirmed")


STATES: dict[str, dict[str, Any]] = {
    "": {"tries": 0},
    "failed": {"tries": 2, "last_error": "450 later"},
    "dead": {"dead_at": MONDAY, "next_try_at": None},
    "planned": {"next_try_at": MONDAY + timedelta(days=1)},
    "digest": {"next_try_at": None},
    "sent": {"sent_at": MONDAY, "done_at": MONDAY, "next_try_at": None},
    "unsent": {"done_at": MONDAY, "next_try_at": None},
}


@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_list(visit: Visit, mail: OutboxMessage, state: str) -> None:
    with transaction():
        db.session.execute(OutboxMessage.__table__.delete().where(OutboxMessage.id != mail.id))
    set_all(**STATES[state])
    visitor = visit("technician")
    assert [one for one in STATES if rows(visitor, one)] == [state]
    (row,) = rows(visitor, state)
    assert "Booking confirmed" in row
    assert "Anna Okafor" in row


def test_a_mail_is_read_as_its_recipient_would_read_it(visit: Visit, mail: OutboxMessage) -> None:
    page = visit("technician").get(f"/admin/outbox/{mail.public_id}")
    assert page.h1.get_text(strip=True).startswith("Confirmed: Hidden run, Tue 12 Jan 2027")
    texts = [one.get_text() for one in page.select("pre.mail")]
    assert "You made this booking; it is confirmed." in texts[0]
    assert texts[1].startswith("<!doctype html>"), "as source, not as a page"
    assert page.select("main table, main iframe") == []


def test_other_facilities_mails_are_not_there(visit: Visit, world: World, mail: OutboxMessage) -> None:
    elsewhere = visit("sus_staff")
    assert rows(elsewhere) == []
    assert "0" in elsewhere.get("/admin").select_one("main .option a[href='/admin/outbox']").parent.get_text()
    path = f"/admin/outbox/{mail.public_id}"
    for tail in ("", "/retry", "/give-up"):
        answer = elsewhere.client.get(path) if not tail else elsewhere.post(path + tail, form_at="/account")
        assert answer.status_code == 404
        assert "Hidden" not in answer.get_data(as_text=True)


def test_a_digest_is_read_by_who_staffs_all_that_is_in_it(
    visit: Visit, world: World, mail: OutboxMessage
) -> None:
    with transaction():
        digest = OutboxMessage(
            kind="digest", recipient_id=world.users["amber"], facts={}, created_at=MONDAY, due_at=MONDAY
        )
        db.session.add(digest)
        db.session.flush()
        query = update(OutboxMessage).where(OutboxMessage.id == mail.id)
        db.session.execute(query.values(digest_id=digest.id, done_at=MONDAY, next_try_at=None))
    path = f"/admin/outbox/{digest.public_id}"
    assert "Hidden run" in visit("technician").get(path).main.get_text()
    visit("sus_staff").get(path, 404)


def test_no_working_link_is_shown_to_staff(visit: Visit, world: World) -> None:
    from booking.notifications.listeners import send_a_link

    with transaction():
        send_a_link(PasswordForgotten(world.users["admin"]))
    page = visit("technician").get(f"/admin/outbox/{the('password_reset').public_id}")
    assert "/password/set/made-when-the-mail-is-sent" in page.main.get_text()
    visit().get("/password/set/made-when-the-mail-is-sent", 404)


def test_a_mail_without_a_reader_says_so(visit: Visit, world: World, mail: OutboxMessage) -> None:
    with transaction():
        db.session.get_one(User, world.users["amber"]).active = False
    page = visit("technician").get(f"/admin/outbox/{mail.public_id}")
    assert "nothing to say any more" in page.main.get_text()
    with transaction():
        db.session.get_one(User, world.users["amber"]).active = True


def test_a_dead_mail_is_tried_again(visit: Visit, world: World, mail: OutboxMessage) -> None:
    set_all(dead_at=MONDAY, next_try_at=None, tries=9, last_error="451 no")
    visitor = visit("technician")
    path = f"/admin/outbox/{mail.public_id}"
    with clock.travel(MONDAY + timedelta(days=2)):
        assert visitor.post(f"{path}/retry", form_at=path).status_code == 303
    again = the("booking_confirmed")
    assert (again.dead_at, again.tries, again.next_try_at) == (None, 0, MONDAY + timedelta(days=2))
    assert [entry.action for entry in audit.history("outbox", mail.id)] == ["retried"]
    assert "Retried" in visitor.get(path).main.get_text()


@pytest.mark.parametrize(("minutes", "status"), [(1, 409), (60, 303)])
def test_a_mail_that_failed_is_tried_at_once_unless_a_worker_may_have_it(
    visit: Visit, mail: OutboxMessage, minutes: int, status: int
) -> None:
    set_all(tries=3, next_try_at=MONDAY + timedelta(minutes=minutes))
    visitor = visit("technician")
    path = f"/admin/outbox/{mail.public_id}"
    assert ("Try again now" in visitor.get(path).main.get_text()) == (status == 303)
    assert visitor.post(f"{path}/retry", form_at="/account").status_code == status


def test_a_waiting_mail_is_given_up_once(visit: Visit, world: World, mail: OutboxMessage) -> None:
    visitor = visit("technician")
    path = f"/admin/outbox/{mail.public_id}"
    assert visitor.post(f"{path}/give-up", form_at=path).status_code == 303
    given_up = the("booking_confirmed")
    assert (given_up.dead_at, given_up.next_try_at) == (MONDAY, None)
    assert given_up.last_error == "Given up by Tessa Technician."
    assert visitor.post(f"{path}/give-up", form_at=path).status_code == 409
    set_all(dead_at=None, done_at=MONDAY, sent_at=MONDAY)
    assert visitor.post(f"{path}/retry", form_at="/account").status_code == 409


def test_timed_acts_are_listed_and_tried_again(visit: Visit, world: World) -> None:
    bookings.book(request("H-BR1", next_weekday(9.5, days=7), hours=24), world.viewer("student"))
    with transaction():
        plan("send_digest", 1, MONDAY)
        query = update(TimedAct).where(TimedAct.kind == "send_digest")
        db.session.execute(query.values(dead_at=MONDAY, next_try_at=None, last_error="KeyError: 1"))
    visitor = visit("technician")
    page = visitor.get("/admin/outbox/acts")
    listed = [row.get_text(" ", strip=True) for row in page.select("main .row")]
    assert "Send digest Given up: KeyError: 1" in listed[0]
    assert "Request expires Planned for later" in listed[1]
    (form,) = page.select("main .row form")
    assert visitor.post(form["action"], form_at="/admin/outbox/acts").status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(TimedAct.dead_at).where(TimedAct.kind == "send_digest")).all() == [None]
    assert visitor.post("/admin/outbox/acts/999/retry", form_at="/account").status_code == 404


# --- what I am mailed


def test_i_choose_what_i_am_mailed(visit: Visit, world: World) -> None:
    visitor = visit("student")
    assert visitor.get("/account").select_one("main a[href='/account/mail']") is not None
    page = visitor.get("/account/mail")
    assert page.select("input[name=requests]") == [], "only staff are asked"
    assert len(page.select("input[name=changes]")) == 2, "what must be told can only be put off"
    answer = visitor.send("/account/mail", page, {"own": "none", "changes": "digest"})
    assert answer.status_code == 303
    db.session.rollback()
    chosen = preferences_of(world.users["student"])
    assert (chosen["own"], chosen["changes"], chosen["reminders"]) == ("none", "digest", "now")
    checked = {one["name"]: one["value"] for one in visitor.get("/account/mail").select("input[checked]")}
    assert (checked["own"], checked["changes"]) == ("none", "digest")
    assert audit.history("user", world.users["student"])[0].action == "mail_chosen"


@pytest.mark.parametrize("how", ["none", "loud", "\x00", ""])
def test_what_cannot_be_chosen_is_refused(visit: Visit, world: World, how: str) -> None:
    visitor = visit("staff")
    page = visitor.get("/account/mail")
    assert page.select("input[name=requests]")
    answer = visitor.send("/account/mail", page, {"changes": how})
    assert answer.status_code == 422
    db.session.rollback()
    assert set(preferences_of(world.users["staff"]).values()) == {"now"}
