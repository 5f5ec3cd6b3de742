"""My account: what it shows, my password, where I am signed in, my API tokens, my organisation's people."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from booking.base import clock
from booking.base.db import db, transaction
from booking.facilities.actions import directory_changed
from booking.people import sessions
from booking.people.models import User
from booking.training.models import Competence, Module, Permit
from tests.factories import MONDAY, PASSWORD, World, email_of
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]
FINE = "seven quiet incubators"
PAGES = ("/account", "/account/password", "/account/tokens/new", "/account/people")


@pytest.fixture
def changed_passwords(world_app: Flask) -> Iterator[None]:
    """Mark the database as changed afterwards: a new password cannot be seen from outside."""
    yield
    db.session.rollback()
    with transaction():
        directory_changed()


def sections(page: Any) -> dict[str, str]:
    return {
        h2.get_text(): h2.find_parent("section").get_text(" ", strip=True) for h2 in page.select("main h2")
    }


@pytest.mark.parametrize("path", PAGES)
def test_nobody_in_particular_has_no_account(visit: Visit, path: str) -> None:
    answer = visit().client.get(path)
    assert (answer.status_code, answer.location) == (302, f"/login?next={path.replace('/', '%2F')}")


def test_it_shows_who_i_am_here(visit: Visit, world: World) -> None:
    shown = sections(visit("staff").get("/account"))
    assert "Metropolitan University" in shown["Profile"]
    assert "HUB: facility manager" in shown["Duties"]
    shown = sections(visit("leader").get("/account"))
    assert "Open media study P-OPEN, you lead it" in shown["Projects"]
    assert "Duties" not in shown


def test_it_shows_what_i_have_shown_and_may(visit: Visit, world: World) -> None:
    today = MONDAY.date()
    with transaction():
        module = Module(code="T-CL2", title="Cabinet practice")
        db.session.add(module)
        db.session.flush()
        for name, days in (("student", 10), ("researcher", -1)):
            db.session.add(
                Competence(
                    user_id=world.users[name],
                    module_id=module.id,
                    awarded_on=today,
                    valid_through=today + timedelta(days=days),
                )
            )
        db.session.add(
            Permit(
                reference="GM-7",
                kind="GM project",
                project_id=world.projects["P-OPEN"],
                valid_from=today,
                valid_through=today,
            )
        )
        directory_changed()
    shown = sections(visit("student").get("/account"))
    assert "Cabinet practice" in shown["What I have shown"]
    assert "Valid" in shown["What I have shown"]
    assert "GM-7" in shown["Permits"], "a project's permit is its members'"
    assert "Expired" in sections(visit("researcher").get("/account"))["What I have shown"]
    assert "GM-7" not in sections(visit("amber").get("/account"))["Permits"]


# --- password --------------------------------------------------------------------------------------


def change(visitor: Visitor, current: str, new: str) -> Any:
    return visitor.post("/account/password", {"current": current, "password": new})


@pytest.mark.usefixtures("changed_passwords")
def test_my_new_password_signs_me_out_everywhere_else(visit: Visit, world: World) -> None:
    here, elsewhere = visit("amber"), visit("amber")
    answer = change(here, PASSWORD, FINE)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert "other sessions were ended" in here.get("/account").get_text()
    assert elsewhere.client.get("/account").status_code == 302
    db.session.rollback()
    assert sessions.sign_in(email_of("amber"), FINE, "10.0.0.1", "", 10)
    assert len(sessions.open_sessions(world.users["amber"])) == 2


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", FINE, "current"),
        ("", FINE, "current"),
        ("a\x00", FINE, "current"),
        (PASSWORD, "short", "password"),
        (PASSWORD, "", "password"),
        (PASSWORD, "x" * 100_000, "password"),
        (PASSWORD, "anna okafor at home", "password"),
    ],
)
def test_a_password_that_cannot_be_is_refused(
    visit: Visit, world: World, current: str, new: str, field: str
) -> None:
    visitor = visit("amber")
    answer = change(visitor, current, new)
    assert answer.status_code == 422
    page = visitor.look(answer)
    assert page.select_one(f"#{field}-error") is not None
    assert not any(box.get("value") for box in page.select("input[type=password]"))
    db.session.rollback()
    assert sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.1", "", 10)


def test_guessing_the_current_password_is_throttled(visit: Visit, world: World) -> None:
    visitor = visit("amber")
    answers = [change(visitor, f"guess {n}", FINE) for n in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert answers[-1].headers["Retry-After"] == "300"
    assert change(visitor, PASSWORD, FINE).status_code == 429
    with clock.travel(MONDAY + timedelta(minutes=6)):
        visitor.get("/account")


# --- sessions --------------------------------------------------------------------------------------


def test_i_see_where_i_am_signed_in_and_can_end_it(visit: Visit, world: World) -> None:
    here, elsewhere = visit("amber"), visit("amber")
    rows = here.get("/account").select("#sessions .row")
    assert [("This browser" in row.get_text()) for row in rows] == [False, True]
    answer = here.post(rows[0].form["action"], form_at="/account")
    assert answer.status_code == 303
    assert elsewhere.client.get("/account").status_code == 302
    here.get("/account")


def test_nobody_ends_anothers_session(visit: Visit, world: World) -> None:
    mine, theirs = visit("birch"), visit("amber")
    action = theirs.get("/account").select_one("#sessions form")["action"]
    for path in (action, "/account/sessions/%00/end", "/account/sessions/none/end"):
        assert mine.post(path, form_at="/account").status_code == 404
    theirs.get("/account")


# --- tokens ----------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_works_until_it_is_ended(visit: Visit, world: World) -> None:
    visitor = visit("amber")
    data = {"name": "Plate reader", "scope": "read", "days": "30"}
    answer = visitor.post("/account/tokens/new", data)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    token = visitor.look(answer).select_one("#token")["value"]
    db.session.rollback()
    assert sessions.token_user(token) == (world.users["amber"], "read")
    page = visitor.get("/account")
    row = page.select_one("#tokens .row")
    assert "Plate reader" in row.get_text()
    assert "Wed 10 Feb 2027" in row.get_text()
    assert token not in page.decode()
    called = visitor.client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert called.status_code == 200
    assert visit("birch").post(row.form["action"], form_at="/account").status_code == 404
    assert visitor.post(row.form["action"], form_at="/account").status_code == 303
    db.session.rollback()
    assert sessions.token_user(token) is None
    assert visitor.get("/account").select("#tokens .row") == []


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "\x00"}, "name"),
        ({"name": "x" * 5000}, "name"),
        ({"scope": "everything"}, "scope"),
        ({"days": "0"}, "days"),
        ({"days": "99999999999999999999"}, "days"),
        ({"days": "soon"}, "days"),
        ({"days": ""}, "days"),
    ],
)
def test_what_is_wrong_with_a_token(visit: Visit, world: World, data: dict[str, str], field: str) -> None:
    visitor = visit("amber")
    answer = visitor.post("/account/tokens/new", {"name": "x", "scope": "read", "days": "1", **data})
    assert answer.status_code == 422
    assert visitor.look(answer).select_one(f"#{field}-error") is not None
    db.session.rollback()
    assert sessions.tokens_of(world.users["amber"]) == []


# --- people of my organisation ---------------------------------------------------------------------


def test_a_coordinator_sees_the_people_of_their_organisation_only(visit: Visit, world: World) -> None:
    visitor = visit("coordinator")
    assert visitor.get("/account").select_one("main a[href='/account/people']") is not None
    text = visitor.get("/account/people").main.get_text()
    assert "Anna Okafor" in text
    assert "Amir Dhillon" in text
    assert "Boris" not in text
    assert "Rhona" not in text
    assert "Nobody fits" in visitor.get("/account/people?q=boris").main.get_text()
    visitor.get("/account/people?q=%00&after=%00")


@pytest.mark.parametrize("name", ["amber", "student", "leader", "staff"])
def test_others_do_not(visit: Visit, name: str) -> None:
    visit(name).get("/account/people", 404)


def test_the_browser_is_named_in_words() -> None:
    from booking.web.account import device_words

    chrome = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
    iphone = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1"
    )
    assert device_words(chrome) == "Chrome on Windows"
    assert device_words(iphone) == "Safari on an iPhone"
    assert device_words("curl/8") == "A program"
    assert device_words("") == "A program"


def test_my_name_is_the_one_stored(visit: Visit, world: World) -> None:
    visitor = visit("amber")
    with transaction():
        db.session.get_one(User, world.users["amber"]).name = "Anna Berg"
        directory_changed()
    assert "Anna Berg" in visitor.get("/account").get_text()
