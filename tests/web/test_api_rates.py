"""How often the API may be asked: each token, each person, and each address of strangers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from booking.api import callers
from booking.base import clock
from tests.factories import MONDAY, World
from tests.web.api_client import V1, Caller, Hub, a_body
from tests.web.conftest import Visitor

RATE = 5
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    set_rate(world_app, RATE)
    return Hub(world_app, world)


def set_rate(app: Flask, rate: int) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], api_rate=rate)


def guess(hub: Hub, number: int = 0) -> Caller:
    return Caller(hub, {"Authorization": f"Bearer hub_guess{number}"})


def statuses(ask: Callable[[], TestResponse], times: int) -> list[int]:
    return [ask().status_code for _ in range(times)]


def must_wait(answer: TestResponse) -> int:
    """Return for how long, told as a problem."""
    assert answer.status_code == 429
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"] == "too_many_requests"
    wait = int(answer.headers["Retry-After"])
    assert f"wait {wait} seconds" in answer.json["detail"]
    assert 60 <= wait <= 61
    return wait


def test_a_token_has_its_limit_and_no_other_suffers(hub: Hub) -> None:
    one, same_person, other = hub.as_("student"), hub.as_("student"), hub.as_("researcher")
    assert statuses(lambda: one.get("/me"), RATE) == [200] * RATE
    wait = must_wait(one.get("/me"))
    assert same_person.get("/me").status_code == 200
    assert statuses(lambda: other.get("/me"), RATE) == [200] * RATE
    assert one.get("/me", environ_base=ELSEWHERE).status_code == 429
    with clock.travel(MONDAY + timedelta(seconds=wait)):
        assert statuses(lambda: one.get("/me"), RATE + 1) == [200] * RATE + [429]


def test_whatever_is_asked_counts_alike(hub: Hub) -> None:
    caller = hub.as_("student")
    tag = caller.get("/me").headers["ETag"]
    assert caller.get("/me", headers={"If-None-Match": tag}).status_code == 304
    assert caller.send("HEAD", "/me").status_code == 200
    assert caller.get("/resources/nothing").status_code == 404
    assert caller.post("/bookings", {"title": 1}).status_code == 422
    must_wait(caller.post("/bookings", a_body()))
    assert caller.send("HEAD", "/me").headers["Retry-After"]
    assert hub.as_("student").get("/bookings?mine=true").json["items"] == []


def test_a_refused_write_may_be_sent_again(hub: Hub) -> None:
    caller = hub.as_("researcher")
    statuses(lambda: caller.get("/me"), RATE)
    key = {"Idempotency-Key": "once"}
    wait = must_wait(caller.post("/bookings", a_body(), headers=key))
    with clock.travel(MONDAY + timedelta(seconds=wait)):
        assert caller.post("/bookings", a_body(), headers=key).status_code == 201


def test_good_callers_behind_one_address_do_not_block_each_other(hub: Hub) -> None:
    many = [hub.as_("student") for _ in range(4 * RATE)]
    assert {caller.get("/me").status_code for caller in many} == {200}
    assert guess(hub).get("/me").status_code == 401


def test_tokens_cannot_be_guessed_at_full_speed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, unknown = hub.as_("student"), hub.as_("student")
    assert at_work.get("/me").status_code == 200
    assert [guess(hub, n).get("/me").status_code for n in range(RATE)] == [401] * RATE
    look_up = Mock(wraps=callers.token_user)
    monkeypatch.setattr(callers, "token_user", look_up)
    must_wait(guess(hub, 99).get("/me"))
    wait = must_wait(unknown.get("/me"))
    assert not look_up.called, "a guess is not even looked at"
    assert at_work.get("/me").status_code == 200, "worked from here before"
    assert unknown.get("/me", environ_base=ELSEWHERE).status_code == 200
    with clock.travel(MONDAY + timedelta(seconds=wait)):
        assert unknown.get("/me").status_code == 200
        assert guess(hub).get("/me").status_code == 401


def test_callers_without_a_token_are_limited_by_address(hub: Hub) -> None:
    assert statuses(lambda: hub.nobody().get("/me"), RATE) == [401] * RATE
    must_wait(hub.nobody().get("/me"))
    assert hub.nobody().get("/me", environ_base=ELSEWHERE).status_code == 401


def test_a_person_who_is_signed_in_has_one_limit_for_all_browsers(
    hub: Hub, visit: Callable[..., Visitor]
) -> None:
    desk, phone = visit("student"), visit("student")

    def ask(visitor: Visitor, path: str = f"{V1}/me", **more: Any) -> TestResponse:
        return visitor.client.open(path, **more)

    assert statuses(lambda: ask(desk), RATE - 1) == [200] * (RATE - 1)
    assert ask(phone, f"{V1}/bookings", method="POST", json=a_body()).json["code"] == "csrf"
    must_wait(ask(phone))
    assert ask(visit("researcher")).status_code == 200
    assert hub.as_("student").get("/me").status_code == 200
    assert ask(desk, "/bookings").status_code == 200, "pages have no limit"


def test_no_rate_is_no_limit(hub: Hub) -> None:
    set_rate(hub.app, 0)
    caller = hub.as_("student")
    assert set(statuses(lambda: caller.get("/me"), 4 * RATE)) == {200}
    assert set(statuses(lambda: guess(hub).get("/me"), 4 * RATE)) == {401}


def test_what_everybody_may_read_has_no_limit(hub: Hub) -> None:
    statuses(lambda: hub.nobody().get("/me"), RATE + 1)
    client = hub.app.test_client()
    for path in ("/healthz", "/readyz", "/login", "/api/docs", f"{V1}/openapi.json"):
        assert set(statuses(lambda path=path: client.get(path), 2 * RATE)) == {200}, path


def test_no_log_names_the_caller(hub: Hub) -> None:
    with capture_logs() as logged:
        statuses(lambda: guess(hub).get("/me", environ_base=ELSEWHERE), RATE + 1)
    assert logged
    assert "hub_guess" not in repr(logged)
    assert ELSEWHERE["REMOTE_ADDR"] not in repr(logged)
