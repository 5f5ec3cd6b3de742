"""POST /bookings/explain: the check's refusals among all rules, for oneself or, by staff, for others."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.base import clock
from booking.base.db import db
from booking.bookings.models import Booking
from booking.people.models import IdempotencyKey
from tests.db.training_world import a_module, a_need, competent, today
from tests.factories import World, next_weekday
from tests.web.api_client import Caller, Hub, a_body, text

EXPLAIN = "/bookings/explain"


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def rules(caller: Caller, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = caller.post(EXPLAIN, body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["rules"]
    return found


def refusals(caller: Caller, body: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """Return what is told to fail, after holding it against the check's refusals."""
    told = [one for one in rules(caller, body) if not one["passed"]]
    checked = caller.post("/bookings/check", body).json["refusals"]
    assert [
        {
            "code": one["code"],
            "message": one["message"],
            "resource": one["resource"],
            "rule": one["source"],
            "fix": one["fix"],
            "ok_from": one["ok_from"],
        }
        for one in told
    ] == checked
    return [(one["code"], one["message"], one["resource"]) for one in told]


def named(told: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [one for one in told if one["name"] == name]
    return found


BODIES: dict[str, Any] = {
    "accepted": lambda: a_body(),
    "taken": lambda: a_body("H-BSC2"),
    "several": lambda: a_body(["H-BSC1", "H-LC", "H-HALL"]),
    "off the grid": lambda: a_body(start=next_weekday(10) + timedelta(minutes=7)),
    "at night": lambda: a_body(start=next_weekday(23)),
    "past": lambda: a_body(start=clock.now() - timedelta(days=1)),
    "far ahead": lambda: a_body(start=next_weekday(10, days=300)),
    "too long": lambda: a_body(hours=30),
    "units": lambda: a_body([{"code": "H-INC1", "units": 8}], next_weekday(10), 24),
    "crowded": lambda: a_body(people=30),
    "nobody": lambda: a_body("H-BR1", people=0),
}


@pytest.mark.parametrize("name", ["student", "researcher", "amber", "birch", "staff"])
def test_what_fails_is_what_the_check_refuses(hub: Hub, name: str) -> None:
    hub.as_("amber").book("H-BSC2")
    hub.as_("amber").book([{"code": "H-INC1", "units": 3}], next_weekday(10), 24)
    module = a_module("T-1", hub.world, "H-BSC1", valid_months=12)
    a_need(hub.world, resource_id=hub.world.resources["H-LC"])
    competent(hub.world, "researcher", module, today())
    found = {case: [code for code, *_ in refusals(hub.as_(name), body())] for case, body in BODIES.items()}
    assert "slot_taken" in found["taken"] or name in ("amber", "staff")
    assert all(found[case] for case in ("off the grid", "past", "far ahead", "too long", "crowded"))


def test_it_has_numbers_and_sources_and_stores_nothing(hub: Hub) -> None:
    told = rules(hub.as_("student", "read"), a_body("H-BR1", next_weekday(9.5, days=7), 24))
    notice = named(told, "Start must keep the notice")
    assert notice["numbers"]["needed_minutes"] == 3 * 24 * 60
    assert notice["numbers"]["given_minutes"] > 3 * 24 * 60
    assert notice["source"]["name"].endswith(": notice")
    assert (notice["code"], notice["fix"], notice["ok_from"]) == (None, "", None)
    assert all(one["passed"] for one in told)
    assert db.session.scalar(select(func.count()).select_from(Booking)) == 0
    assert db.session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0


def test_staff_have_it_explained_for_others_and_nobody_else_has(hub: Hub) -> None:
    for_student = a_body("H-LN2", next_weekday(10), 24 * 7)
    for_student["on_behalf_of"] = hub.world.viewer("student").email
    assert "not_allowed" in [code for code, *_ in refusals(hub.as_("technician"), for_student)]
    for_amber2 = a_body(on_behalf_of=hub.world.viewer("amber2").email)
    for name, body in (
        ("leader", a_body(on_behalf_of=hub.world.viewer("student").email)),
        ("coordinator", for_amber2),
    ):
        assert hub.as_(name).post("/bookings/check", body).status_code == 200, "else nothing is to be kept"
        assert hub.as_(name).post(EXPLAIN, body).status_code == 403, name
    assert hub.as_("student").post(EXPLAIN, for_amber2).status_code == 422
    assert hub.as_("sus_staff").post(EXPLAIN, for_student).status_code == 422, "staff of another facility"
    assert hub.nobody().post(EXPLAIN, a_body()).status_code == 401


def test_a_change_is_explained_to_who_may_make_it(hub: Hub) -> None:
    amber = hub.as_("amber")
    own = amber.book()
    later = {"booking": own["id"], "end": text(next_weekday(10) + timedelta(hours=6))}
    assert [code for code, *_ in refusals(amber, later)] == ["too_long"]
    assert rules(hub.as_("staff"), later)
    assert hub.as_("coordinator").post(EXPLAIN, later).status_code == 403, "it is somebody else's"
    assert hub.as_("birch").post(EXPLAIN, later).status_code == 404
    assert hub.as_("amber").post(EXPLAIN, {"booking": own["id"], "end": "soon"}).status_code == 422


def test_a_rival_finds_out_no_more_than_by_trying(hub: Hub) -> None:
    hub.as_("amber").book(
        [{"code": "H-INC1", "units": 3}], next_weekday(10), 24, title="MARKER", people=1, project="P-AMBER"
    )
    body = a_body([{"code": "H-INC1", "units": 1}], next_weekday(10), 24)
    answer = hub.as_("birch").post(EXPLAIN, body)
    for marker in ("MARKER", "Okafor", "Northwind", "NWT", "Amber", '"free"', '"others"'):
        assert marker not in answer.text, marker
    units = named(answer.json["rules"], "Units must be free")
    assert units["numbers"]["units"] == 8
    after = a_body([{"code": "H-INC1", "units": 8}], next_weekday(10, days=2), 24)
    assert "changeover" not in hub.as_("birch").post(EXPLAIN, after).text
    seen = named(rules(hub.as_("staff"), body), "Units must be free")
    assert seen["numbers"]["free"] == 5
