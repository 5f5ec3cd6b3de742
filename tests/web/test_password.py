"""Links that work once: forgotten passwords and invitations."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking.base import clock
from booking.base.db import db, transaction
from booking.facilities.actions import directory_changed
from booking.logs import without_secrets
from booking.notifications.delivery import deliver_due
from booking.notifications.models import OutboxMessage
from booking.people import sessions
from booking.people.links import make_link
from booking.people.models import OneUseLink, User
from booking.settings import Settings
from tests.factories import MONDAY, PASSWORD, World, email_of
from tests.mail_server import MailBox, mail_server
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]
FINE = "seven quiet incubators"
HOUR = timedelta(hours=1)


@pytest.fixture
def box() -> Iterator[MailBox]:
    """A mail server that takes everything."""
    with mail_server() as found:
        yield found


@pytest.fixture(autouse=True)
def _changed_passwords(world_app: Flask) -> Iterator[None]:
    """Mark the database as changed afterwards: a new password cannot be seen from outside."""
    yield
    db.session.rollback()
    with transaction():
        directory_changed()


def ask(visitor: Visitor, email: str) -> Any:
    return visitor.post("/password/forgot", {"email": email})


def mailed_link(box: MailBox) -> str:
    """Send what is due and return the path of the link in the last mail."""
    db.session.rollback()  # an old reader sees the old outbox
    deliver_due(Settings(mail_url=box.url, mail_from="b@hub.example", base_url="https://book.example"))
    text = box.mails[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    found = re.search(r"https://book\.example(/password/set/\S+)", text)
    assert found is not None
    return found.group(1)


def test_a_forgotten_password_is_set_by_mail(visit: Visit, world: World, box: MailBox) -> None:
    elsewhere, visitor = visit("amber"), visit()
    assert visitor.get("/login").select_one("main a[href='/password/forgot']") is not None
    answer = ask(visitor, " AMBER@partner.example ")
    assert answer.status_code == 200
    assert "This site sends no mails" in answer.get_data(as_text=True), "none is set"
    path = mailed_link(box)
    assert box.recipients == [email_of("amber")]
    answer = visitor.client.get(path)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert visitor.post(path, {"password": FINE}).status_code == 303
    assert elsewhere.client.get("/account").status_code == 302, "every session has ended"
    db.session.rollback()
    assert sessions.sign_in(email_of("amber"), FINE, "10.0.0.1", "", 10)
    with pytest.raises(sessions.SignInRefused):
        sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.1", "", 10)


def test_a_link_works_once_and_ends_the_others(visit: Visit, world: World) -> None:
    first, second = (f"/password/set/{make_link(world.users['amber'], 'password_reset')}" for _ in range(2))
    visitor = visit()
    assert visitor.post(first, {"password": FINE}).status_code == 303
    for path in (first, second, "/password/set/" + "x" * 43, "/password/set/%00", "/password/set/é"):
        page = visitor.get(path, 404)
        assert "This link does not work" in page.main.get_text()
        assert visitor.post(path, {"password": FINE}, form_at="/login").status_code == 404


@pytest.mark.parametrize(("purpose", "hours"), [("password_reset", 2), ("invitation", 7 * 24)])
def test_a_link_ends_after_a_while(visit: Visit, world: World, purpose: str, hours: int) -> None:
    path = f"/password/set/{make_link(world.users['amber'], purpose)}"
    with clock.travel(MONDAY + hours * HOUR - timedelta(seconds=1)):
        visit().get(path)
    with clock.travel(MONDAY + hours * HOUR):
        visit().get(path, 404)


def test_a_link_of_who_has_left_does_not_work(visit: Visit, world: World) -> None:
    path = f"/password/set/{make_link(world.users['amber'], 'password_reset')}"
    with transaction():
        db.session.get_one(User, world.users["amber"]).active = False
        directory_changed()
    visit().get(path, 404)


@pytest.mark.parametrize("password", ["short", "", "x" * 5000, "anna okafor at home"])
def test_a_poor_password_is_refused_and_the_link_stays(visit: Visit, world: World, password: str) -> None:
    path = f"/password/set/{make_link(world.users['amber'], 'password_reset')}"
    visitor = visit()
    answer = visitor.post(path, {"password": password})
    assert answer.status_code == 422
    assert visitor.look(answer).select_one("#password-error") is not None
    visitor.get(path)


def test_only_the_hash_of_a_link_is_stored(world: World) -> None:
    token = make_link(world.users["amber"], "password_reset")
    (row,) = db.session.scalars(select(OneUseLink))
    assert len(token) >= 43
    assert token not in (row.token_hash, row.purpose)


# --- nobody learns who has an account


def test_known_unknown_and_closed_get_one_answer(visit: Visit, world: World) -> None:
    with transaction():
        db.session.get_one(User, world.users["birch"]).active = False
        directory_changed()
    pages = set()
    for email in (email_of("amber"), email_of("birch"), "nobody@partner.example"):
        visitor = visit()
        answer = ask(visitor, email)
        assert answer.status_code == 200
        pages.add(answer.get_data(as_text=True).replace(email, ""))
    assert len({re.sub(r'value="[^"]*"', "", page) for page in pages}) == 1
    mailed = db.session.scalars(select(OutboxMessage.recipient_id)).all()
    assert mailed == [world.users["amber"]]


@pytest.mark.parametrize("email", ["amber@partner.example", "nobody@partner.example"])
def test_asking_is_throttled_for_known_and_unknown(visit: Visit, world: World, email: str) -> None:
    visitor = visit()
    answers = [ask(visitor, email) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "300"
    assert visit("amber"), "signing in is not hindered by it"
    with clock.travel(MONDAY + timedelta(minutes=6)):
        assert ask(visitor, email).status_code == 200


@pytest.mark.parametrize("email", ["", "a\x00b", "x" * 5000, "<script>alert(1)</script>\n"])
def test_strange_addresses_are_refused(visit: Visit, world: World, email: str) -> None:
    answer = ask(visit(), email)
    assert answer.status_code in (200, 422)
    assert "<script>alert" not in answer.get_data(as_text=True)


def test_no_link_is_in_a_log(world: World) -> None:
    token = make_link(world.users["amber"], "password_reset")
    assert without_secrets(f"/password/set/{token}") == "/password/set/<token>"


# --- invitations


def test_a_new_person_is_invited_and_signs_in(visit: Visit, world: World, box: MailBox) -> None:
    staff = visit("staff")
    page = staff.get("/admin/people/new")
    answer = staff.send(
        "/admin/people/new",
        page,
        {"name": "Nia New", "email": "nia@hub.example", "role": "student", "organisation": "UNI"},
    )
    assert answer.status_code == 303
    path = mailed_link(box)
    assert (box.recipients, box.subjects()) == (["nia@hub.example"], ["Your account for Hub Booking"])
    assert visit().post(path, {"password": FINE}).status_code == 303
    db.session.rollback()
    assert sessions.sign_in("nia@hub.example", FINE, "10.0.0.1", "", 10)
    assert "Mail an invitation" not in staff.get(answer.location).main.get_text()


def test_an_invitation_is_sent_again_until_there_is_a_password(
    visit: Visit, world: World, box: MailBox
) -> None:
    with transaction():
        person = db.session.get_one(User, world.users["amber2"])
        person.password_hash = ""
        directory_changed()
    here = f"/admin/people/{person.public_id}"
    staff = visit("staff")
    assert "Mail an invitation" in staff.get(here).main.get_text()
    assert staff.post(f"{here}/invite", form_at=here).status_code == 303
    assert visit().post(mailed_link(box), {"password": FINE}).status_code == 303
    assert "Mail an invitation" not in staff.get(here).main.get_text()
    assert staff.post(f"{here}/invite", form_at="/account").status_code == 409
