"""Quotas by form and by the API: staff write them, people are told what is left."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking.base.db import db
from booking.bookings import actions
from booking.facilities.models import Quota
from booking.facilities.queries import places
from tests.db.quota_world import a_quota, prime_time
from tests.factories import MONDAY, World, local, request
from tests.web.api_client import Hub, a_body
from tests.web.conftest import Visitor
from tests.web.test_admin import filled, fresh, refused, stored

Visit = Callable[..., Visitor]
TUE = date(2027, 1, 12)


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def quotas() -> list[Quota]:
    fresh()
    return list(db.session.scalars(select(Quota)))


def words(page: Any) -> str:
    return " ".join(page.main.get_text(" ", strip=True).split())


# --- staff


def test_a_quota_is_written_in_lengths_and_counts_at_once(visit: Visit, world: World) -> None:
    visitor = visit("staff")
    data = {"name": "Cabinets a day", "kind": "workstation", "minutes": "5 h", "span": "day"}
    wrong = {**data, "minutes": "five", "bookings": "many", "project": "P-NONE"}
    page = refused(visitor, "/admin/quotas/new", wrong, "minutes", "bookings")
    assert page.select_one("#minutes")["value"] == "five"
    refused(visitor, "/admin/quotas/new", {**data, "project": "P-NONE"}, "project")
    refused(visitor, "/admin/quotas/new", {**data, "bookings": "3"}, "minutes")
    assert quotas() == []
    page = stored(visitor, "/admin/quotas/new", {**data, "prime": "y", "each_resource": "y"})
    assert "5 h a day in prime time on each resource" in words(page)
    assert "has no prime time yet" in words(page)
    (quota,) = quotas()
    assert (quota.minutes, quota.bookings, quota.set_by, quota.kind) == (
        300,
        None,
        "Simon Staff",
        "workstation",
    )
    edit = f"/admin/quotas/{quota.id}/edit"
    assert visitor.get(edit).select_one("#minutes")["value"] == "5 h"
    page = stored(visitor, edit, {"minutes": "", "bookings": "2", "span": "open", "prime": None})
    assert "2 bookings open at a time on each resource" in words(page)
    assert "Cabinets a day" in words(visitor.get("/admin/quotas?facility=HUB"))
    assert "Nothing fits" in words(visitor.get("/admin/quotas?facility=SUS"))
    assert "Cabinets a day" in words(visitor.get("/admin/resources/H-BSC1"))
    answer = visitor.post(f"/admin/quotas/{quota.id}/remove", form_at=f"/admin/quotas/{quota.id}")
    assert answer.status_code == 303
    assert quotas() == []


def test_who_is_late_is_told(visit: Visit, world: World) -> None:
    quota = a_quota(world)
    visitor = visit("staff")
    path = f"/admin/quotas/{quota.id}/edit"
    page = visitor.get(path)
    stored(visitor, path, {"minutes": "4 h"})
    answer = visitor.send(path, page, {"minutes": "3 h"})
    assert answer.status_code == 412
    assert "Somebody changed this" in words(visitor.look(answer))


def test_prime_time_is_part_of_the_hours(visit: Visit, world: World) -> None:
    visitor = visit("staff")
    path = "/admin/facilities/HUB/hours"
    page = stored(visitor, path, {"prime_0": "10:00-18:00"})
    assert "10:00-18:00" in words(page)
    assert visitor.get(path).select_one("#prime_0")["value"] == "10:00-18:00"
    fresh()
    (monday,) = places().facilities[world.facilities["HUB"]].prime
    assert (monday.weekday, f"{monday.opens:%H}", f"{monday.closes:%H}") == (0, "10", "18")
    refused(visitor, path, {"prime_0": "18:00-10:00"}, "prime_0")
    assert filled(visitor, path, {"prime_0": ""}).status_code == 303


# --- people


def test_the_page_of_a_resource_says_what_is_left(visit: Visit, world: World) -> None:
    a_quota(world, "week", 720)
    actions.book(request("H-BSC1", local(TUE, 9), hours=3), world.viewer("student"))
    page = visit("student").get("/resources/H-BSC1")
    assert "Five hours 12 h a week; this week 3 h used, 9 h left Set by Simon Staff" in words(page)
    assert "(H-BSC1 is of kind workstation)" in words(page)
    assert "Five hours" not in words(visit("student").get("/resources/H-HALL"))


def test_the_form_says_how_much_is_left(visit: Visit, world: World) -> None:
    a_quota(world, minutes=60)
    visitor = visit("student")
    answer = filled(
        visitor,
        "/bookings/new?resource=H-BSC1&start=2027-01-12T10:00&end=2027-01-12T12:00",
        {"title": "Passage"},
    )
    assert answer.status_code == 422
    assert "Five hours: you have 1 h a day. On Tue 12 Jan 2027, 0 h used, 1 h left" in words(
        visitor.look(answer)
    )


def test_the_search_page_says_why_there_is_nothing(hub: Hub, world: World) -> None:
    a_quota(world, "open", None, bookings=0)
    asked = {
        "resources": ["H-BSC1"],
        "duration_minutes": 60,
        "earliest": "2027-01-11T10:00:00Z",
        "latest": "2027-01-15T10:00:00Z",
    }
    found = hub.as_("student").post("/slots/search", asked).json
    assert found["slots"] == []
    assert "quota" in {one["code"] for one in found["blocked_by"]}


# --- the API


def test_me_says_what_is_used_and_left(hub: Hub, world: World) -> None:
    a_quota(world)
    a_quota(world, "open", None, bookings=4, name="Open")
    student = hub.as_("student")
    student.book("H-BSC1", local(MONDAY.date(), 10), hours=1.5)
    assert student.get("/me").json["quotas"] == [
        {"rule": "Five hours", "used": 1.5, "left": 3.5, "resets_at": "2027-01-12T00:00:00Z"},
        {"rule": "Open", "used": 1.0, "left": 3.0, "resets_at": None},
    ]


def test_a_resource_shows_its_quotas_among_the_rules(hub: Hub, world: World) -> None:
    a_quota(world)
    shown = hub.as_("student").get("/resources/H-BSC1").json
    assert {
        "name": "quota",
        "value": "Five hours: 5 h a day; 5 h left now",
        "set_by": "Simon Staff",
        "applies_because": "H-BSC1 is of kind workstation",
    } in shown["rules"]


def test_a_refusal_has_numbers_a_fix_and_a_day(hub: Hub, world: World) -> None:
    prime_time(world)
    a_quota(world, minutes=60, prime=True)
    student = hub.as_("student")
    first = student.book("H-BSC1", local(TUE, 10))
    body = a_body("H-BSC2", local(TUE, 11))
    answer = student.post("/bookings", body)
    assert (answer.status_code, answer.json["code"]) == (422, "quota")
    (refusal,) = answer.json["refusals"]
    assert refusal["rule"] == {"name": "Five hours", "set_by": "Simon Staff"}
    assert refusal["resource"] == "H-BSC2"
    assert "On Tue 12 Jan 2027, 1 h used, 0 h left; this takes 1 h." in refusal["message"]
    assert refusal["ok_from"] == "2027-01-13T00:00:00Z"
    assert answer.json["alternatives"]
    for one in answer.json["alternatives"]:
        wanted = {**body, "start": one["start"], "end": one["end"], "resources": one["resources"]}
        assert student.post("/bookings/check", wanted).json["ok"]
    assert student.post("/bookings/check", body).json["refusals"] == [refusal]
    student.delete(f"/bookings/{first['id']}")
    assert student.post("/bookings", body).status_code == 201
