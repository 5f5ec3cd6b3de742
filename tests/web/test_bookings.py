"""Making, changing and cancelling bookings by form, without JavaScript."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from booking.base import clock
from booking.base.db import db
from booking.bookings import actions
from booking.bookings.models import Booking
from tests.factories import LONDON, World, next_weekday, request, utc
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


def address(start: datetime, end: datetime, resource: str = "H-BSC1") -> str:
    local = [f"{moment.astimezone(LONDON):%Y-%m-%dT%H:%M}" for moment in (start, end)]
    return f"/bookings/new?resource={resource}&start={local[0]}&end={local[1]}"


def stored() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Booking)) or 0


def a_booking(world: World, by: str = "researcher", **more: Any) -> Booking:
    return actions.book(request(**more), world.viewer(by))


def test_a_gap_becomes_a_booking(visit: Visit) -> None:
    visitor, start = visit("researcher"), next_weekday(10)
    path = address(start, start + timedelta(hours=2))
    answer = visitor.send(path, visitor.get(path), {"title": "Passage 12"})
    assert answer.status_code == 303, visitor.look(answer).get_text()
    page = visitor.get(answer.location)
    assert page.h1.get_text() == "Passage 12"
    assert "10:00–12:00" in page.get_text()
    assert "Rhona Researcher" in page.select_one("#history").get_text()


def test_sending_a_form_twice_books_once(visit: Visit) -> None:
    visitor, start = visit("researcher"), next_weekday(10)
    path = address(start, start + timedelta(hours=1))
    page = visitor.get(path)
    first = visitor.send(path, page, {"title": "Once"})
    second = visitor.send(path, page, {"title": "Once"})
    assert first.location == second.location
    assert stored() == 1


def test_a_refusal_says_why_keeps_what_was_typed_and_offers_what_works(world: World, visit: Visit) -> None:
    start = next_weekday(10)
    a_booking(world, start=start, hours=2)
    visitor = visit("student")
    path = address(start, start + timedelta(hours=1))
    answer = visitor.send(path, visitor.get(path), {"title": "Late comer", "notes": "keep me"})
    page = visitor.look(answer)
    assert answer.status_code == 409
    assert "is taken at this time" in page.get_text()
    assert page.select_one("#title")["value"] == "Late comer"
    assert "keep me" in page.select_one("#notes").get_text()
    offers = page.select("button[name=take]")
    assert 1 <= len(offers) <= 3
    for offer in offers:
        taken = visitor.send(path, page, {}, button=f"take={offer['value']}")
        assert taken.status_code == 303, "an alternative was not accepted"


def test_all_rules_speak_at_once(visit: Visit) -> None:
    visitor, start = visit("student"), next_weekday(18.25)
    path = address(start, start + timedelta(hours=5))
    answer = visitor.send(path, visitor.get(path), {"title": "Too much"})
    text = visitor.look(answer).get_text()
    assert answer.status_code == 422
    assert "at most" in text
    assert "opening hours" in text
    assert "in steps of" in text


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"title": ""}, "title", "Give the booking a title"),
        ({"title": "x" * 201}, "title", "200"),
        ({"title": "a\x00b"}, "title", "cannot be shown"),
        ({"start_date": "32 May"}, "start_date", "valid date"),
        ({"start_date": "0001-01-01"}, "start_time", "out of reach"),
        ({"end_date": "9999-12-31"}, "end_time", "out of reach"),
        ({"end_date": "2020-01-01"}, "end_time", "after the start"),
        ({"start_time": "25:00"}, "start_time", "valid time"),
        ({"people": "many"}, "people", "whole number"),
        ({"people": "-1"}, "people", "number"),
        ({"people": "٣"}, "people", "whole number"),
        ({"resource": "H-NONE"}, "resource", "no resource"),
        ({"resource": ""}, "resource", "Choose at least one"),
        ({"units": "two"}, "resource", "whole number of units"),
        ({"units": "9"}, "resource", "from 1 to"),
        ({"project": "NOT-MINE"}, "project", "has no project"),
        ({"participants": "nobody@nowhere.example"}, "participants", "Nobody here is known"),
        ({"supervisor": "nobody"}, "supervisor", "Nobody here is known"),
    ],
)
def test_bad_input_is_named_at_its_field_and_nothing_is_stored(
    visit: Visit, changes: dict[str, str], field: str, words: str
) -> None:
    visitor, start = visit("researcher"), next_weekday(10)
    path = address(start, start + timedelta(hours=1))
    answer = visitor.send(path, visitor.get(path), {"title": "Bad", **changes})
    page = visitor.look(answer)
    assert answer.status_code == 422
    at_field = page.select_one(f"#{field}-error")
    assert at_field is not None, page.select_one(".summary")
    assert words in at_field.get_text()
    assert stored() == 0


def test_a_local_time_that_does_not_exist_is_refused(visit: Visit) -> None:
    with clock.travel(utc(2027, 3, 20, 9)):
        visitor = visit("researcher")
        path = "/bookings/new?resource=H-LC&start=2027-03-28T01:30&end=2027-03-28T05:00"
        answer = visitor.send(path, visitor.get(path), {"title": "Spring"})
    page = visitor.look(answer)
    assert answer.status_code == 422
    assert "does not exist" in page.select_one("#start_time-error").get_text()


def test_a_local_time_that_exists_twice_is_asked_about(visit: Visit) -> None:
    with clock.travel(utc(2027, 10, 20, 9)):
        visitor = visit("researcher")
        path = "/bookings/new?resource=H-LC&start=2027-10-31T01:00&end=2027-10-31T05:00"
        asked = visitor.look(visitor.send(path, visitor.get(path), {"title": "Autumn"}))
        assert "happens twice" in asked.select_one("#start_time-error").get_text()
        answer = visitor.send(path, asked, {"start_fold": "second"})
        assert answer.status_code == 303, visitor.look(answer).get_text()
    db.session.rollback()
    booking = db.session.scalars(select(Booking)).one()
    assert booking.starts_at == utc(2027, 10, 31, 1)


def test_a_huge_title_is_refused_before_it_is_read(visit: Visit) -> None:
    visitor, start = visit("researcher"), next_weekday(10)
    path = address(start, start + timedelta(hours=1))
    answer = visitor.send(path, visitor.get(path), {"title": "x" * 2_000_000})
    assert answer.status_code == 413
    assert "large" in visitor.look(answer).get_text()


def test_several_resources_and_units(visit: Visit) -> None:
    visitor, start = visit("researcher"), next_weekday(10)
    path = address(start, start + timedelta(days=1), "H-INC1")
    page = visitor.look(visitor.send(path, visitor.get(path), {"title": "Shelves"}, button="add=1"))
    assert len(page.select("select[name=resource]")) == 2
    answer = visitor.send(path, page, {"resource": ["H-INC1", ""], "units": ["3", "1"]})
    assert answer.status_code == 303, visitor.look(answer).get_text()
    assert "3 of 8" in visitor.get(answer.location).get_text()


def test_changing_a_title_keeps_the_rest(world: World, visit: Visit) -> None:
    booking = a_booking(world, notes="stays")
    visitor = visit("researcher")
    path = f"/bookings/{booking.public_id}/edit"
    answer = visitor.send(path, visitor.get(path), {"title": "New words"})
    assert answer.status_code == 303, visitor.look(answer).get_text()
    page = visitor.get(answer.location)
    assert page.h1.get_text() == "New words"
    assert "stays" in page.get_text()
    history = page.select_one("#history").get_text()
    assert "Passage 12" in history


def test_a_form_that_is_out_of_date_is_not_stored(world: World, visit: Visit) -> None:
    booking = a_booking(world)
    visitor = visit("researcher")
    path = f"/bookings/{booking.public_id}/edit"
    page = visitor.get(path)
    actions.change(booking.public_id, request(title="Meanwhile"), world.viewer("researcher"))
    answer = visitor.send(path, page, {"title": "Old view"})
    assert answer.status_code == 412
    assert "Somebody changed this" in visitor.look(answer).get_text()


def test_cancelling_asks_first_and_then_frees_the_time(world: World, visit: Visit) -> None:
    booking = a_booking(world)
    visitor = visit("researcher")
    path = f"/bookings/{booking.public_id}/cancel"
    answer = visitor.post(path, {"reason": "Cells died"})
    assert answer.status_code == 303
    assert answer.status_code == 303
    page = visitor.get(answer.location)
    assert "Cancelled" in page.get_text()
    assert "Cells died" in page.get_text()
    a_booking(world, by="student")


def test_staff_must_say_why(world: World, visit: Visit) -> None:
    booking = a_booking(world)
    visitor = visit("staff")
    path = f"/bookings/{booking.public_id}/cancel"
    refused = visitor.post(path, {"reason": " "})
    assert refused.status_code == 422
    assert "Say why" in visitor.look(refused).get_text()
    assert visitor.post(path, {"reason": "The cabinet leaks"}).status_code == 303


@pytest.mark.parametrize("path", ["", "/edit", "/cancel", "/history"])
def test_a_rival_finds_nothing(world: World, visit: Visit, path: str) -> None:
    booking = a_booking(world, by="amber")
    visitor = visit("birch")
    real = visitor.get(f"/bookings/{booking.public_id}{path}", 404)
    missing = visitor.get(f"/bookings/{'0' * 16}{path}", 404)
    assert real.select_one("main") == missing.select_one("main")


def test_a_colleague_reads_but_does_not_change(world: World, visit: Visit) -> None:
    booking = a_booking(world, notes="only for us")
    visitor = visit("student")
    page = visitor.get(f"/bookings/{booking.public_id}")
    assert "only for us" not in page.get_text()
    assert not page.select("#history")
    visitor.get(f"/bookings/{booking.public_id}/edit", 404)


def test_my_bookings_next_and_past(world: World, visit: Visit) -> None:
    booking = a_booking(world, title="Still to come")
    gone = a_booking(world, start=next_weekday(14), title="Given up")
    actions.cancel(gone.public_id, world.viewer("researcher"))
    visitor = visit("researcher")
    coming = visitor.get("/bookings").get_text()
    past = visitor.get("/bookings?show=past").get_text()
    assert "Still to come" in coming
    assert "Given up" not in coming
    assert "Given up" in past
    assert booking.title not in past


def test_pages_of_my_bookings_follow_each_other(
    world: World, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("booking.web.bookings.PAGE", 2)
    for hour in (9, 11, 13, 15, 17):
        a_booking(world, start=next_weekday(hour), title=f"At {hour}")
    visitor = visit("researcher")
    seen, path = [], "/bookings"
    while path:
        page = visitor.get(path)
        seen += [link.get_text() for link in page.select(".row-link")]
        further = page.select_one("a[rel=next]")
        path = further["href"] if further else ""
    assert seen == ["At 9", "At 11", "At 13", "At 15", "At 17"]


@pytest.mark.parametrize("after", ["x", "2027-01-01", "9999~1", "2027-01-01T00:00:00+00:00~zz", "%00"])
def test_a_bad_key_of_a_page_starts_from_the_beginning(visit: Visit, after: str) -> None:
    visit("researcher").get(f"/bookings?after={after}")


def test_a_request_is_answered_on_the_approvals_page(world: World, visit: Visit) -> None:
    booking = a_booking(world, what="H-BR1", start=next_weekday(10, days=5), hours=24)
    assert booking.status == "requested"
    visitor = visit("staff")
    assert "Passage 12" in visitor.get("/").get_text()
    assert "Passage 12" in visitor.get("/approvals").get_text()
    no_reason = visitor.post(f"/approvals/{booking.public_id}", {"answer": "decline"}, form_at="/approvals")
    assert no_reason.status_code == 422
    answer = visitor.post(f"/approvals/{booking.public_id}", {"answer": "approve"}, form_at="/approvals")
    assert answer.status_code == 303
    assert answer.status_code == 303
    assert "Confirmed" in visitor.get(f"/bookings/{booking.public_id}").get_text()
    visit("researcher").get("/approvals", 404)


def test_the_resource_page_says_what_applies_and_where_it_comes_from(visit: Visit) -> None:
    page = visit("student").get("/resources/H-BSC1").get_text()
    assert "H-BSC1 rules, set by Simon Staff" in page
    assert "Next free for you" in page
    visit("student").get("/resources/H-NONE", 404)


def test_resources_are_filtered(visit: Visit) -> None:
    visitor = visit("student")
    assert "H-INC1" not in visitor.get("/resources?q=cabinet").select_one("main").get_text()
    assert "Nothing fits" in visitor.get("/resources?q=zzzz").get_text()
    visitor.get("/resources?facility=NONE&kind=none&room=none&q=%00")


def test_signing_in_leads_back_to_where_one_was_going(visit: Visit) -> None:
    visitor = visit()
    answer = visitor.client.get("/bookings?show=past")
    assert answer.status_code == 302
    assert "next=%2Fbookings%3Fshow%3Dpast" in answer.location


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nX: y", ""]
)
def test_nobody_is_led_elsewhere(visit: Visit, target: str) -> None:
    from tests.factories import PASSWORD, email_of

    answer = visit().post("/login", {"email": email_of("student"), "password": PASSWORD, "next": target})
    assert answer.location == "/"


def test_every_answer_carries_the_headers(visit: Visit) -> None:
    answer = visit().client.get("/login")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_form_without_its_token_is_refused(visit: Visit) -> None:
    visitor = visit("researcher")
    answer = visitor.client.post("/bookings/new", data={"title": "forged"})
    assert answer.status_code == 400
    assert stored() == 0


def test_health(visit: Visit) -> None:
    client = visit().client
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready"}
    assert "Allow: /feeds/" in client.get("/robots.txt").get_data(as_text=True)
