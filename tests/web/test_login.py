"""Signing in and out by form: the same answer for known and unknown, throttled, safe ways back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.base import clock
from booking.base.db import db, transaction
from booking.facilities.actions import directory_changed
from booking.people.models import SignIn, SignInFailure, User
from booking.web.login import safe_path
from tests.factories import MONDAY, PASSWORD, World, email_of
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


def try_to_sign_in(visitor: Visitor, email: str, password: str, **more: str) -> Any:
    return visitor.post("/login", {"email": email, "password": password, **more})


def without_what_differs(visitor: Visitor, answer: Any) -> str:
    """Return a page without its token and without what was typed."""
    page = visitor.look(answer)
    for control in page.select("input"):
        del control["value"]
    return page.main.decode()


def test_signing_in_leads_on_and_out_ends_it(visit: Visit, world: World) -> None:
    visitor = visit()
    answer = try_to_sign_in(visitor, "  AMBER@Partner.Example ", PASSWORD, next="/resources?kind=room")
    assert (answer.status_code, answer.location) == (303, "/resources?kind=room")
    visitor.get("/account")
    stolen = visitor.client.get_cookie("hub")
    assert stolen is not None
    assert visitor.post("/logout", form_at="/account").status_code == 303
    assert visitor.client.get("/account").status_code == 302
    visitor.client.set_cookie("hub", stolen.value)
    assert visitor.client.get("/account").status_code == 302, "a copied cookie is dead after signing out"


def test_the_cookie_is_for_this_site_only(visit: Visit, world: World) -> None:
    answer = try_to_sign_in(visit(), email_of("amber"), PASSWORD)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_known_unknown_closed_and_without_password_get_one_answer(
    visit: Visit, world: World, world_app: Flask
) -> None:
    with transaction():
        db.session.get_one(User, world.users["birch"]).active = False
        db.session.get_one(User, world.users["amber2"]).password_hash = ""
        directory_changed()
    pages = set()
    for email in (email_of("amber"), "nobody@partner.example", email_of("birch"), email_of("amber2")):
        for password in ("wrong", PASSWORD) if email != email_of("amber") else ("wrong",):
            visitor = visit()
            answer = try_to_sign_in(visitor, email, password)
            assert answer.status_code == 422
            pages.add(without_what_differs(visitor, answer))
    assert len(pages) == 1


@pytest.mark.parametrize("who", ["amber@partner.example", "nobody@partner.example"])
def test_failures_are_throttled_per_account_known_or_not(visit: Visit, world: World, who: str) -> None:
    visitor = visit()
    answers = [try_to_sign_in(visitor, who, f"guess {n}") for n in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert answers[-1].headers["Retry-After"] == "300"
    assert try_to_sign_in(visitor, who, PASSWORD).status_code == 429, "not even the right password now"
    assert try_to_sign_in(visit(), email_of("birch"), PASSWORD).status_code == 303
    with clock.travel(MONDAY + timedelta(minutes=6)):
        expected = 303 if who == email_of("amber") else 422
        assert try_to_sign_in(visitor, who, PASSWORD).status_code == expected


def test_failures_are_throttled_per_address(visit: Visit, world: World) -> None:
    visitor = visit()
    with transaction():
        for n in range(50):
            db.session.add(SignInFailure(account=f"{n}", address="127.0.0.1", at=clock.now()))
    assert try_to_sign_in(visitor, email_of("amber"), PASSWORD).status_code == 429
    visitor.client.environ_base["REMOTE_ADDR"] = "10.1.1.1"
    assert try_to_sign_in(visitor, email_of("amber"), PASSWORD).status_code == 303


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("", ""),
        ("amber@partner.example", ""),
        ("a\x00b", "x"),
        ("amber@partner.example", "a\x00b"),
        ("x" * 5000, "x"),
        ("amber@partner.example", "x" * 5000),
        (b"\xed\xa0\x80", b"\xff"),
        ("<script>alert(1)</script>", "x"),
        ("' OR 1=1 --", "x"),
    ],
)
def test_strange_input_is_refused(visit: Visit, world: World, email: Any, password: Any) -> None:
    visitor = visit()
    answer = try_to_sign_in(visitor, email, password)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.get_data(as_text=True)
    assert not visitor.look(answer).select_one("#password").get("value")
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(SignIn)) == 0


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/x\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "http:evil.example",
        "",
        "x" * 10,
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(visit: Visit, world: World, target: str) -> None:
    assert safe_path(target) == "/"
    answer = try_to_sign_in(visit(), email_of("amber"), PASSWORD, next=target)
    assert (answer.status_code, answer.location) == (303, "/")


def test_a_page_asked_for_with_line_breaks_is_quoted(visit: Visit) -> None:
    answer = visit().client.get("/admin/people/x%0d%0aSet-Cookie:%20a=b")
    assert answer.status_code in (302, 404)
    assert "a=b" not in str(answer.headers.get("Set-Cookie"))


def test_signing_in_twice_gives_a_new_session_each_time(visit: Visit, world: World) -> None:
    visitor = visit("amber")
    first = visitor.client.get_cookie("hub")
    visitor.post("/logout", form_at="/account")
    visitor.sign_in("amber")
    second = visitor.client.get_cookie("hub")
    assert first is not None
    assert second is not None
    assert first.value != second.value


def test_a_form_of_another_site_signs_nobody_in(visit: Visit, world: World) -> None:
    answer = visit().client.post("/login", data={"email": email_of("amber"), "password": PASSWORD})
    assert answer.status_code == 400
