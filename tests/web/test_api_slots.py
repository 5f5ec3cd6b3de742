"""POST /slots/search: choices by code, any of several, and kind; what it answers can be booked."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from booking.base import clock
from tests.db.test_company import lone_working
from tests.factories import World
from tests.web.api_client import Hub, text


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def search(*resources: Any, minutes: int = 120, **more: Any) -> dict[str, Any]:
    now = clock.now()
    window = {"earliest": text(now), "latest": text(now + timedelta(days=14))}
    return {"resources": list(resources), "duration_minutes": minutes, **window, **more}


CHOICES: dict[str, Any] = {
    "code": "H-BSC1",
    "object": {"code": "H-BSC1"},
    "any of": {"any_of": ["H-BSC2", "H-BSC1"]},
    "kind": {"kind": "workstation", "facility": "HUB"},
    "units": {"code": "H-HALL", "units": 3},
}


@pytest.mark.parametrize("how", CHOICES)
def test_a_slot_can_be_booked_as_it_stands(hub: Hub, how: str) -> None:
    student = hub.as_("student")
    found = student.post("/slots/search", search(CHOICES[how], limit=1))
    assert found.status_code == 200
    (slot,) = found.json["slots"]
    made = student.post("/bookings", {**slot, "title": "Found", "people": 1})
    assert made.status_code == 201, made.text


def test_reading_tokens_may_search(hub: Hub) -> None:
    assert hub.as_("student", "read").post("/slots/search", search("H-BSC1")).status_code == 200
    assert hub.nobody().post("/slots/search", search("H-BSC1")).status_code == 401


def test_who_comes_along_counts(hub: Hub) -> None:
    lone_working(hub.world, "no")
    student, company = hub.as_("student"), {"participants": ["leader@hub.example"], "project": "P-OPEN"}
    alone = student.post("/slots/search", search("H-BSC1")).json
    assert (alone["slots"], alone["blocked_by"][0]["code"]) == ([], "supervisor_needed")
    (slot,) = student.post("/slots/search", search("H-BSC1", limit=1, **company)).json["slots"]
    assert student.post("/bookings", {**slot, "title": "Two", **company}).status_code == 201
    wrong = student.post("/slots/search", search("H-BSC1", project="P-AMBER", supervisor="nobody"))
    assert set(wrong.json["errors"]) == {"project", "supervisor"}


def test_nothing_found_says_why(hub: Hub) -> None:
    found = hub.as_("student").post("/slots/search", search("H-BSC1", minutes=60 * 30)).json
    assert found["slots"] == []
    assert {"code", "count"} == set(found["blocked_by"][0])


BAD: dict[str, Any] = {
    "nothing": {},
    "a number": 7,
    "two ways": {"code": "H-BSC1", "kind": "workstation"},
    "a facility alone": {"facility": "HUB"},
    "a facility beside a code": {"code": "H-BSC1", "facility": "HUB"},
    "an unknown kind": {"kind": "spaceship"},
    "an unknown code": "NO-1",
    "an unknown facility": {"kind": "workstation", "facility": "NO"},
    "none of any": {"any_of": []},
    "too many units": {"code": "H-BSC1", "units": 2},
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_meant_is_refused(hub: Hub, what: str) -> None:
    answer = hub.as_("student").post("/slots/search", search(BAD[what]))
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert list(answer.json["errors"]) == ["resources"]
