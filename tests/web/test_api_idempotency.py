"""Idempotency-Key: a POST sent again gets the first answer, whatever happens at the same time."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.api import idempotency
from booking.base import clock
from booking.base.db import db
from booking.bookings.models import Booking
from booking.people.models import IdempotencyKey
from tests.db.training_world import a_module, a_session
from tests.factories import MONDAY, World, next_weekday
from tests.web.api_client import V1, Hub, a_body, text


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def key(name: str) -> dict[str, Any]:
    return {"headers": {"Idempotency-Key": name}}


def count(model: Any) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_the_same_key_and_body_get_the_first_answer_again(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    first = researcher.post("/bookings", a_body(), **key("k1"))
    assert "Idempotent-Replay" not in first.headers
    hub.as_("staff").patch(f"/bookings/{first.json['id']}", {"title": "Two", "reason": "cleaning"})
    again = researcher.post("/bookings", a_body(), **key("k1"))
    assert (again.status_code, again.json, again.headers["Idempotent-Replay"]) == (201, first.json, "true")
    for header in ("ETag", "Location"):
        assert again.headers[header] == first.headers[header]
    assert count(Booking) == 1


def test_a_series_is_made_once(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    body = a_body() | {"repeat": {"rrule": "FREQ=WEEKLY;COUNT=3"}}
    first = researcher.post("/bookings", body, **key("k1"))
    again = researcher.post("/bookings", body, **key("k1"))
    assert (again.status_code, again.json, again.headers["Idempotent-Replay"]) == (201, first.json, "true")
    assert again.headers["Location"] == first.headers["Location"]
    other = body | {"repeat": {"rrule": "FREQ=WEEKLY;COUNT=4"}}
    assert researcher.post("/bookings", other, **key("k1")).json["code"] == "idempotency_mismatch"
    assert count(Booking) == 3


def test_the_order_of_members_and_blanks_are_no_difference(hub: Hub) -> None:
    researcher, body = hub.as_("researcher"), a_body()
    first = researcher.post("/bookings", body, **key("k1"))
    turned = json.dumps(dict(reversed(body.items())), indent=3)
    again = researcher.post("/bookings", data=turned, content_type="application/json", **key("k1"))
    assert (again.status_code, again.json) == (201, first.json)


def test_the_same_key_with_another_body_or_address_is_told(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    researcher.book()
    first = researcher.post("/bookings", a_body("H-BSC2"), **key("k1"))
    assert first.status_code == 201
    for path, body in (
        ("/bookings", a_body("H-BSC2", title="Passage 13")),
        ("/bookings", a_body("H-BSC2", start=next_weekday(14))),
        ("/feeds", {"scope": "me"}),
        (f"/bookings/{first.json['id']}/approve", {}),
    ):
        answer = researcher.post(path, body, **key("k1"))
        assert (answer.status_code, answer.json["code"]) == (422, "idempotency_mismatch")
    assert count(Booking) == 2


def test_keys_are_everybodys_own(hub: Hub) -> None:
    assert hub.as_("researcher").post("/bookings", a_body(), **key("k1")).status_code == 201
    assert hub.as_("birch").post("/bookings", a_body("H-BSC2"), **key("k1")).status_code == 201
    assert count(IdempotencyKey) == 2


def test_only_success_is_kept(hub: Hub) -> None:
    other = hub.as_("amber").book()
    birch = hub.as_("birch")
    assert birch.post("/bookings", a_body(), **key("k1")).status_code == 409
    assert birch.post("/bookings", a_body(title=""), **key("k1")).status_code == 422
    assert count(IdempotencyKey) == 0
    hub.as_("amber").delete(f"/bookings/{other['id']}")
    assert birch.post("/bookings", a_body(), **key("k1")).status_code == 201


def test_a_key_is_kept_for_a_day_at_least_and_then_forgotten(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    start = next_weekday(10, 10)
    first = researcher.post("/bookings", a_body(start=start), **key("k1"))
    with clock.travel(MONDAY + timedelta(hours=25)):
        assert researcher.post("/bookings", a_body(start=start), **key("k1")).json == first.json
    with clock.travel(MONDAY + timedelta(hours=49)):
        assert researcher.post("/bookings", a_body(start=start), **key("k1")).status_code == 409
        assert researcher.post("/bookings", a_body("H-BSC2", start=start), **key("k1")).status_code == 201
    assert count(IdempotencyKey) == 1


def test_an_answer_to_a_request_is_repeated(hub: Hub) -> None:
    made = hub.as_("amber").book("H-BR1", next_weekday(9.5, 7), 48)
    staff, path = hub.as_("staff"), f"/bookings/{made['id']}/approve"
    first = staff.post(path, **key("k1"))
    again = staff.post(path, **key("k1"))
    assert (first.json["status"], again.status_code, again.json) == ("confirmed", 200, first.json)
    assert staff.post(path).status_code == 409


def test_the_secret_link_comes_again_but_is_stored_nowhere(hub: Hub) -> None:
    student = hub.as_("student")
    first = student.post("/feeds", {"scope": "me"}, **key("k1")).json
    assert student.post("/feeds", {"scope": "me"}, **key("k1")).json == first
    assert len(student.get("/feeds").json["items"]) == 1
    row = db.session.scalars(select(IdempotencyKey)).one()
    token = first["url"].split("/")[-1].removesuffix(".ics")
    assert token not in json.dumps(row.answer)


def test_a_key_has_bounds(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    for name in ("", "é", "a\tb", "x" * 201):
        for path in ("/bookings", "/bookings/check"):
            answer = researcher.post(path, a_body(), **key(name))
            assert (answer.status_code, list(answer.json["errors"])) == (422, ["Idempotency-Key"])
    assert researcher.post("/bookings", a_body(), **key("x" * 200)).status_code == 201


def test_a_check_is_never_kept(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    assert researcher.post("/bookings/check", a_body(), **key("k1")).json["ok"]
    hub.as_("amber").book()
    assert not researcher.post("/bookings/check", a_body(), **key("k1")).json["ok"]
    assert count(IdempotencyKey) == 0


def test_eight_at_once_make_one_booking(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    assert hub.description
    body = a_body("H-HALL")  # twenty places: only the key stands between one booking and eight
    for round_ in range(3):
        with ThreadPoolExecutor(8) as pool:
            sent = [pool.submit(researcher.post, "/bookings", body, **key(f"k{round_}")) for _ in range(8)]
            answers = [one.result() for one in sent]
        assert {one.status_code for one in answers} == {201}
        assert len({one.json["id"] for one in answers}) == 1
        assert sum("Idempotent-Replay" not in one.headers for one in answers) == 1
        assert count(Booking) == round_ + 1


def test_at_once_with_other_bodies_one_wins_and_the_others_are_told(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    assert hub.description
    with ThreadPoolExecutor(6) as pool:
        sent = [
            pool.submit(researcher.post, "/bookings", a_body("H-HALL", title=f"Number {n}"), **key("k"))
            for n in range(6)
        ]
        codes = sorted(one.result().status_code for one in sent)
    assert codes == [201] + [422] * 5
    assert count(Booking) == 1


def test_a_crash_between_effect_and_answer_loses_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is kept in the transaction of the effect: whoever heard nothing asks again and gets it."""
    headers = hub.as_("researcher").headers | {"Idempotency-Key": "k1"}
    client = hub.app.test_client(use_cookies=False)
    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "send", Mock(side_effect=RuntimeError("the power is gone")))
        assert client.post(f"{V1}/bookings", json=a_body(), headers=headers).status_code == 500
    assert (count(Booking), count(IdempotencyKey)) == (1, 1)
    again = hub.as_("researcher").post("/bookings", a_body(), **key("k1"))
    assert (again.status_code, again.headers["Idempotent-Replay"]) == (201, "true")
    assert hub.as_("researcher").get(f"/bookings/{again.json['id']}").json == again.json
    assert count(Booking) == 1


def test_a_crash_before_the_answer_is_kept_undoes_the_effect(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = hub.as_("researcher").headers | {"Idempotency-Key": "k1"}
    client = hub.app.test_client(use_cookies=False)
    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "remember", Mock(side_effect=RuntimeError("the power is gone")))
        assert client.post(f"{V1}/bookings", json=a_body(), headers=headers).status_code == 500
    assert (count(Booking), count(IdempotencyKey)) == (0, 0)
    assert hub.as_("researcher").post("/bookings", a_body(), **key("k1")).status_code == 201


def a_wish(code: str, start: datetime) -> dict[str, Any]:
    window = {"earliest": text(start), "latest": text(start + timedelta(hours=1))}
    return {"resources": [code], "duration_minutes": 60, **window, "title": "Wait"}


def test_every_post_takes_a_key(hub: Hub) -> None:
    """Whatever has an effect has it once: sent again, each gets the first answer."""
    staff, amber = hub.as_("staff"), hub.as_("amber")
    session = a_session(hub.world, a_module("T-1", hub.world), next_weekday(10))
    made = [amber.book("H-BR1", next_weekday(9.5, days), 48)["id"] for days in (7, 14)]
    taken = [amber.book("H-BSC2", next_weekday(hour))["id"] for hour in (10, 14)]
    wishes = [a_wish("H-BSC2", next_weekday(hour)) for hour in (10, 14)]
    wait = staff.post("/waitlist", wishes[0]).json["id"]
    amber.delete(f"/bookings/{taken[0]}")
    asked: dict[str, Any] = {
        "/waitlist": wishes[1],
        f"/waitlist/{wait}/accept": {},
        "/bookings": a_body(),
        "/bookings/check": a_body("H-BSC2"),
        "/bookings/explain": a_body("H-BSC2"),
        "/feeds": {"scope": "me"},
        f"/bookings/{made[0]}/approve": {},
        f"/bookings/{made[1]}/decline": {"reason": "No media."},
        f"/bookings/{made[0]}/extend": {"minutes": 60, "reason": "Slow growth."},
        "/slots/search": {
            "resources": ["H-BSC1"],
            "duration_minutes": 60,
            "earliest": text(next_weekday(0)),
            "latest": text(next_weekday(0, days=5)),
        },
        f"/training/sessions/{session.id}/places": {},
    }
    described = [path for path, operations in hub.description["paths"].items() if "post" in operations]
    stores_nothing = ("/bookings/check", "/bookings/explain", "/slots/search")
    assert len(described) == len(asked)
    for n, (path, body) in enumerate(asked.items()):
        first, again = (staff.post(path, body, **key(f"k{n}")) for _ in range(2))
        assert first.status_code in (200, 201), path
        assert (again.status_code, again.json) == (first.status_code, first.json)
        assert ("Idempotent-Replay" in again.headers) == (path not in stores_nothing)
