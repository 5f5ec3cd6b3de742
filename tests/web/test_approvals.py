"""Requests that wait, and the link in a mail; rules of approval, owners and deputies in the browser."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking.base.db import db
from booking.bookings.actions import approve, book
from booking.bookings.answer_links import make_answer_link
from booking.bookings.models import ApprovalStep, Booking
from booking.bookings.waiting import steps_of
from booking.facilities.approval_actions import owners_of
from booking.facilities.models import ApprovalRule
from booking.logs import without_secrets
from booking.people.models import Deputy
from tests.db.approval_world import a_deputy, a_duty, a_rule, an_owner
from tests.db.ledger import whole_state
from tests.factories import MONDAY, SECRET_KEY, World, email_of, next_weekday, request
from tests.web.api_client import Hub
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]
CABINET = "H-BSC1"


@pytest.fixture
def asked(world: World) -> Booking:
    """The student's request for the cabinet: the quality officer (Colin) answers first, then staff."""
    a_duty(world, "colleague")
    a_rule(world, "quality_officer", "staff", resource=CABINET, name="Donor material")
    return ask(world)


def ask(world: World, by: str = "student", **more: Any) -> Booking:
    wanted = request(CABINET, next_weekday(10, days=7), notes="Two flasks", **more)
    return book(wanted, world.viewer(by))


def afresh(booking: Booking) -> Booking:
    """Read a booking anew, as it was stored by requests."""
    db.session.rollback()
    return db.session.get_one(Booking, booking.id, populate_existing=True)


def stored(model: Any) -> Any:
    """Return the one row of a table as requests stored it, or None."""
    db.session.rollback()
    return db.session.scalars(select(model).execution_options(populate_existing=True)).one_or_none()


def link(world: World, booking: Booking, name: str) -> str:
    step = next(row for row in steps_of(booking.id) if row.opened_at and not row.closed_at)
    return f"/approvals/by-mail/{make_answer_link(step.id, world.users[name], SECRET_KEY)}"


# --- the page


def test_the_page_shows_all_that_its_decider_needs(world: World, visit: Visit, asked: Booking) -> None:
    book(request(CABINET, next_weekday(14, days=7), title="After it"), world.viewer("researcher"))
    approve(asked.public_id, world.viewer("colleague"), "The assessment holds")
    text = visit("technician").get("/approvals").get_text(" ", strip=True)
    for words in (
        "Stella Student, student, Metropolitan University",
        "Two flasks",
        "Donor material, set by Safety office",
        "Colin Colleague",
        "The assessment holds",
        "After it",
        "Answer by",
    ):
        assert words in text


def test_two_answers_on_the_page(world: World, visit: Visit, asked: Booking) -> None:
    path = f"/approvals/{asked.public_id}"
    answer = visit("colleague").post(path, {"answer": "approve"}, form_at="/approvals")
    assert (answer.status_code, afresh(asked).status) == (303, "requested")
    visitor = visit("staff")
    answer = visitor.post(path, {"answer": "approve"}, form_at="/approvals")
    assert (answer.status_code, afresh(asked).status) == (303, "confirmed")
    assert "One step approved" in visitor.get(f"/bookings/{asked.public_id}").get_text()


def test_an_answer_to_what_was_answered_meanwhile_is_told_so(
    world: World, visit: Visit, asked: Booking
) -> None:
    visitor = visit("admin")
    page = visitor.get("/approvals")
    approve(asked.public_id, world.viewer("colleague"))
    answer = visitor.send(f"/approvals/{asked.public_id}", page, {}, "answer=approve")
    assert answer.status_code == 409
    assert "a moment ago" in visitor.look(answer).get_text()
    assert afresh(asked).status == "requested"


def test_a_button_that_is_none_decides_nothing(world: World, visit: Visit, asked: Booking) -> None:
    visitor = visit("colleague")
    for answer in ("", "maybe"):
        visitor.post(f"/approvals/{asked.public_id}", {"answer": answer, "reason": "x"}, form_at="/approvals")
        assert afresh(asked).status == "requested"


def test_who_is_asked_has_the_page_and_others_have_not(world: World, visit: Visit) -> None:
    a_rule(world, "supervisor", role="student")
    an_owner(world, "researcher", CABINET)
    a_deputy(world, "staff", "colleague")
    ask(world, supervisor=email_of("leader"))
    for name in ("leader", "researcher", "colleague", "technician"):
        page = visit(name).get("/approvals")
        assert page.select_one("nav a[href='/approvals']") is not None
    for name in ("student", "amber"):
        visitor = visit(name)
        visitor.get("/approvals", 404)
        assert visitor.get("/").select_one("nav a[href='/approvals']") is None


def test_a_supervisor_answers_and_goes_home(world: World, visit: Visit) -> None:
    a_rule(world, "supervisor", role="student")
    booking = ask(world, supervisor=email_of("leader"))
    answer = visit("leader").post(
        f"/approvals/{booking.public_id}", {"answer": "approve"}, form_at="/approvals"
    )
    assert (answer.status_code, answer.location) == (303, "/")
    assert afresh(booking).status == "confirmed"


def test_the_organiser_sees_who_has_to_answer(world: World, visit: Visit, asked: Booking) -> None:
    text = visit("student").get(f"/bookings/{asked.public_id}").get_text(" ", strip=True)
    assert "The quality officer (Donor material) : asked" in text
    assert "The facility's staff (Donor material) : asked after that" in text


# --- the link


def test_opening_the_link_decides_nothing(world: World, visit: Visit, asked: Booking) -> None:
    """As often as a mail scanner likes, signed in or not."""
    visitors = (visit(), visit("student"), visit("admin"))
    before = whole_state()
    for visitor in visitors:
        for method in ("get", "head"):
            answer = getattr(visitor.client, method)(link(world, asked, "colleague"))
            assert answer.status_code == 200
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"
    page = visit().get(link(world, asked, "colleague"))
    assert "Colin Colleague, please approve or decline" in page.get_text()
    assert "Two flasks" in page.get_text()
    db.session.rollback()
    assert whole_state() == before


@pytest.mark.parametrize("answer", ["approve", "decline"])
def test_sending_the_form_decides_once(world: World, visit: Visit, asked: Booking, answer: str) -> None:
    path, visitor = link(world, asked, "colleague"), visit()
    done = visitor.post(path, {"answer": answer, "reason": "Because"})
    assert done.status_code == 200
    assert "Thank you" in visitor.look(done).get_text()
    db.session.rollback()
    row = steps_of(asked.id)[0]
    assert (row.approved, row.answered_by_id) == (answer == "approve", world.users["colleague"])
    visitor.get(path, 404)
    again = visitor.post(path, {"answer": answer, "reason": "Again"}, form_at="/login")
    assert again.status_code == 404


def test_the_link_needs_the_forms_token(world: World, visit: Visit, asked: Booking) -> None:
    answer = visit().client.post(link(world, asked, "colleague"), data={"answer": "approve"})
    assert answer.status_code == 400
    assert afresh(asked).status == "requested"


def test_a_decline_without_a_reason_says_so(world: World, visit: Visit, asked: Booking) -> None:
    visitor = visit()
    answer = visitor.post(link(world, asked, "colleague"), {"answer": "decline"})
    assert answer.status_code == 422
    assert "Say why" in visitor.look(answer).get_text()


@pytest.mark.parametrize("token", ["x", "x" * 43, "W10.abc", "%00", "é" * 30, "a" * 4000])
def test_a_link_that_is_none(visit: Visit, token: str) -> None:
    page = visit().get(f"/approvals/by-mail/{token}", 404)
    assert "This link does not work" in page.get_text()


def test_no_log_holds_the_link(world: World, asked: Booking) -> None:
    path = link(world, asked, "colleague")
    assert without_secrets(path) == "/approvals/by-mail/<token>"


# --- rules, owners and deputies


def test_a_manager_adds_changes_and_removes_a_rule(world: World, visit: Visit) -> None:
    visitor = visit("staff")
    page = visitor.get("/admin/approvals/new?facility=HUB")
    sent = {"name": "Long runs", "longer_than_minutes": "2 d", "first": "owner", "second": "staff"}
    assert visitor.send("/admin/approvals/new?facility=HUB", page, sent).status_code == 303
    rule = stored(ApprovalRule)
    assert (rule.longer_than_minutes, rule.first, rule.second) == (2880, "owner", "staff")
    assert "if longer than 2 days" in visitor.get("/admin/approvals").get_text()
    path = f"/admin/approvals/{rule.id}/edit"
    assert visitor.send(path, visitor.get(path), {"answer_days": "3", "second": ""}).status_code == 303
    rule = stored(ApprovalRule)
    assert (rule.answer_days, rule.second, rule.name) == (3, None, "Long runs")
    assert "by the owner of the resource" in visit("student").get("/resources/H-BSC1").get_text().lower()
    gone = visitor.post(f"/admin/approvals/{rule.id}/remove", form_at="/admin/approvals")
    assert gone.status_code == 303
    assert stored(ApprovalRule) is None


BAD = {
    "name": "",
    "set_by": " ",
    "second": "staff",
    "answer_days": "0",
    "longer_than_minutes": "a while",
    "resource": "S-BSC",
    "first": "nobody",
    "kind": "workstation",
}


@pytest.mark.parametrize("field", BAD)
def test_a_rule_that_cannot_be_is_told_so(world: World, visit: Visit, field: str) -> None:
    visitor = visit("staff")
    page = visitor.get("/admin/approvals/new?facility=HUB")
    sent = {"name": "A rule", "first": "staff", **({"resource": CABINET} if field == "kind" else {})}
    answer = visitor.send("/admin/approvals/new?facility=HUB", page, sent | {field: BAD[field]})
    assert answer.status_code == 422
    assert visitor.look(answer).select_one(".field-error") is not None
    assert stored(ApprovalRule) is None


def test_a_rule_that_changed_meanwhile_is_not_overwritten_blindly(world: World, visit: Visit) -> None:
    rule = a_rule(world)
    path = f"/admin/approvals/{rule.id}/edit"
    visitor = visit("staff")
    page = visitor.get(path)
    other = visit("admin")
    assert other.send(path, other.get(path), {"name": "Theirs"}).status_code == 303
    assert visitor.send(path, page, {"name": "Mine"}).status_code == 412


def test_owners_are_named_by_address(world: World, visit: Visit) -> None:
    visitor, path = visit("staff"), f"/admin/approvals/owners/{CABINET}"
    sent = {"owners": f"{email_of('researcher')}\n{email_of('leader')}"}
    assert visitor.send(path, visitor.get(path), sent).status_code == 303
    db.session.rollback()
    assert owners_of(world.resources[CABINET]) == sorted((email_of("leader"), email_of("researcher")))
    answer = visitor.send(path, visitor.get(path), {"owners": "nobody@hub.example"})
    assert answer.status_code == 422


def test_my_deputies(world: World, visit: Visit) -> None:
    visitor = visit("staff")
    page = visitor.get("/account/deputies")
    day = MONDAY.date().isoformat()
    sent = {"deputy": email_of("researcher"), "first_day": day, "last_day": day}
    assert visitor.send("/account/deputies", page, sent).status_code == 303
    assert "Rhona Researcher" in visitor.get("/account/deputies").get_text()
    theirs = visit("researcher")
    assert "Simon Staff" in theirs.get("/account/deputies").get_text()
    row = stored(Deputy)
    assert theirs.post(f"/account/deputies/{row.id}/end", form_at="/account/deputies").status_code == 303
    assert stored(Deputy) is None
    bad = visitor.send("/account/deputies", visitor.get("/account/deputies"), sent | {"deputy": "x"})
    assert bad.status_code == 422


# --- the API


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def test_the_api_answers_step_by_step(world: World, hub: Hub, asked: Booking) -> None:
    path = f"/bookings/{asked.public_id}"
    assert hub.as_("staff").post(f"{path}/approve").status_code == 403
    first = hub.as_("colleague").post(f"{path}/approve", {"reason": "Fine"})
    assert (first.status_code, first.json["status"]) == (200, "requested")
    assert hub.as_("colleague").post(f"{path}/approve").status_code == 409
    second = hub.as_("technician").post(f"{path}/approve")
    assert (second.status_code, second.json["status"]) == (200, "confirmed")


def test_a_deputy_answers_by_the_api_and_sees_no_more_after(world: World, hub: Hub) -> None:
    a_duty(world, "colleague")
    a_rule(world, "quality_officer", resource=CABINET)
    a_deputy(world, "colleague", "leader")
    booking = ask(world, "amber", title="SECRET-TITLE")
    leader, path = hub.as_("leader"), f"/bookings/{booking.public_id}"
    assert leader.get(path).status_code == 404
    answer = leader.post(f"{path}/approve")
    assert (answer.status_code, answer.json["status"]) == (200, "busy")
    assert "SECRET" not in answer.get_data(as_text=True)
    assert afresh(booking).status == "confirmed"


def test_the_api_says_what_needs_approval_and_why(world: World, hub: Hub) -> None:
    a_rule(world, "quality_officer", "staff", kind="workstation", name="Donor material")
    rules = hub.as_("student").get(f"/resources/{CABINET}").json["rules"]
    (rule,) = [one for one in rules if one["name"] == "approval"]
    assert rule["value"] == "by the quality officer, then the facility's staff"
    assert (rule["set_by"], rule["applies_because"]) == ("Safety office", "H-BSC1 is of kind workstation")


def test_steps_are_closed_when_all_is_over(world: World, asked: Booking, visit: Visit) -> None:
    visit("student").post(f"/bookings/{asked.public_id}/cancel", {"reason": ""})
    db.session.rollback()
    assert db.session.scalar(select(ApprovalStep.id).where(ApprovalStep.closed_at.is_(None))) is None
