"""Lone work, students of supervisors and permits of hours, by form and by the API."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from booking.facilities.models import Facility, Room
from tests.db.test_company import LEADER, lone_working, most_supervised, the_permit
from tests.factories import World, local
from tests.web.api_client import Hub, a_body, text
from tests.web.conftest import Visitor
from tests.web.test_admin import filled, refused, row, stored

Visit = Callable[..., Visitor]
TUE = date(2027, 1, 12)


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def words(page: Any) -> str:
    return " ".join(page.main.get_text(" ", strip=True).split())


def test_staff_say_who_works_alone(visit: Visit, world: World) -> None:
    visitor = visit("staff")
    page = stored(visitor, "/admin/rooms/H-01/edit", {"lone_working": "no", "second_competent": "y"})
    assert "Second person must be competent" in words(page)
    room = row(Room, code="H-01")
    assert (room.lone_working, room.second_competent) == ("no", True)
    refused(visitor, "/admin/rooms/H-01/edit", {"lone_working": "never"}, "lone_working")


def test_staff_say_how_many_students_a_supervisor_has(visit: Visit, world: World) -> None:
    visitor = visit("staff")
    page = stored(visitor, "/admin/facilities/HUB/edit", {"most_supervised": "4"})
    assert "at most 4" in words(page)
    assert row(Facility, code="HUB").most_supervised == 4
    refused(visitor, "/admin/facilities/HUB/edit", {"most_supervised": "-1"}, "most_supervised")
    page = stored(visitor, "/admin/facilities/HUB/edit", {"most_supervised": ""})
    assert "any number" in words(page)


def test_the_page_of_a_resource_says_what_applies_to_me(visit: Visit, world: World) -> None:
    lone_working(world, "no (students)", competent_second=True)
    most_supervised(world, 3)
    shown = words(visit("student").get("/resources/H-BSC1"))
    assert "Lone working Name a second person: nobody works alone." in shown
    assert "Students for each supervisor at most 3 at the same time" in shown
    shown = words(visit("researcher").get("/resources/H-BSC1"))
    assert "Lone working Anybody may work alone." in shown
    assert "Students for each supervisor" not in shown


def test_the_form_tells_to_name_a_second_person(visit: Visit, world: World) -> None:
    lone_working(world, "no")
    path = "/bookings/new?resource=H-BSC1&start=2027-01-12T10:00&end=2027-01-12T11:00"
    visitor = visit("student")
    answer = filled(visitor, path, {"title": "Alone"})
    assert answer.status_code == 422
    assert "Nobody works alone in H-01" in words(visitor.look(answer))
    assert filled(visitor, path, {"title": "Two", "participants": LEADER}).status_code == 303


def test_the_api_shows_and_keeps_the_rules(hub: Hub, world: World) -> None:
    lone_working(world, "yes (staffed hours)")
    most_supervised(world, 2)
    student = hub.as_("student")
    rules = {rule["name"]: rule for rule in student.get("/resources/H-BSC1").json["rules"]}
    assert (rules["lone_working"]["value"], rules["most_supervised"]["value"]) == ("yes (staffed hours)", 2)
    researcher = hub.as_("researcher")
    body = a_body("H-BSC1", local(TUE, 17.5))
    answer = researcher.post("/bookings", body)
    assert (answer.status_code, answer.json["code"]) == (422, "supervisor_needed")
    assert answer.json["refusals"][0]["rule"]["set_by"] == "H-01 Cell culture laboratory"
    made = researcher.book("H-BSC1", local(TUE, 17.5), participants=[LEADER])
    alone = researcher.patch(f"/bookings/{made['id']}", {"participants": []})
    assert (alone.status_code, alone.json["code"]) == (422, "supervisor_needed")


def test_availability_shows_the_hours_that_a_permit_opens(hub: Hub, world: World) -> None:
    student = hub.as_("student")
    window = f"start={text(local(TUE, 0))}&end={text(local(TUE, 23))}"
    path = f"/resources/H-BSC1/availability?{window}"
    assert student.get(path).json["open"] == [[text(local(TUE, 8.5)), text(local(TUE, 17.5))]]
    the_permit(world, valid_through=TUE)
    assert student.get(path).json["open"] == [[text(local(TUE, 7)), text(local(TUE, 19))]]
    two_days = f"start={text(local(TUE, 12))}&end={text(local(TUE + timedelta(days=1), 23))}"
    later = student.get(f"/resources/H-BSC1/availability?{two_days}").json["open"]
    assert later[1] == [text(local(TUE + timedelta(days=1), hour)) for hour in (8.5, 17.5)]
    student.book("H-BSC1", local(TUE, 18))
