"""The API's calendar subscriptions: made once, listed without their address, withdrawn."""

from dataclasses import replace

import pytest
from flask import Flask

from tests.factories import World
from tests.web.api_client import V1, Hub


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def test_a_feeds_address_is_shown_once(hub: Hub) -> None:
    student = hub.as_("student")
    made = student.post("/feeds", {"scope": "resource:H-BSC1", "detail": "busy", "label": "phone"})
    assert made.status_code == 201
    feed = made.json
    assert feed["url"].startswith("http://localhost/feeds/")
    assert feed["url"].endswith(".ics")
    assert feed["webcal_url"] == feed["url"].replace("http:", "webcal:")
    (listed,) = student.get("/feeds").json["items"]
    assert listed == {name: feed[name] for name in feed if name not in ("url", "webcal_url")}
    assert (listed["scope"], listed["detail"], listed["label"]) == ("resource:H-BSC1", "busy", "phone")
    assert hub.as_("researcher").get("/feeds").json["items"] == []


def test_a_feeds_address_is_that_of_the_settings(hub: Hub) -> None:
    hub.app.config["SETTINGS"] = replace(hub.app.config["SETTINGS"], base_url="https://book.example/")
    feed = hub.as_("student").post("/feeds", {"scope": "me"}, headers={"Host": "evil.example"}).json
    assert feed["url"].startswith("https://book.example/feeds/")
    assert feed["webcal_url"].startswith("webcal://book.example/feeds/")


def test_what_can_be_subscribed(hub: Hub) -> None:
    for scope in ("me", "room:H-01", "facility:HUB", "project:P-OPEN"):
        assert hub.as_("student").post("/feeds", {"scope": scope}).json["scope"] == scope


def test_a_wrong_feed_names_the_field(hub: Hub) -> None:
    student = hub.as_("student")
    for body, field in (
        ({}, "scope"),
        ({"scope": "moon"}, "scope"),
        ({"scope": "resource:NO"}, "scope"),
        ({"scope": 7}, "scope"),
        ({"scope": "me", "detail": "some"}, "detail"),
        ({"scope": "me", "label": "x" * 101}, "label"),
        ({"scope": "me", "colour": "red"}, "colour"),
    ):
        answer = student.post("/feeds", body)
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_what_is_not_mine_to_follow_is_403(hub: Hub) -> None:
    for scope in ("project:P-HUSH", "project:NO", "organisation:NWT", "organisation"):
        answer = hub.as_("student").post("/feeds", {"scope": scope})
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_a_feed_is_withdrawn_by_its_owner_and_for_others_is_not_there(hub: Hub) -> None:
    student = hub.as_("student")
    feed = student.post("/feeds", {"scope": "me"}).json
    path = f"/feeds/{feed['id']}"
    assert hub.as_("birch").delete(path).status_code == 404
    for _ in range(2):
        assert student.delete(path).json["id"] == feed["id"]
    assert student.get("/feeds").json["items"] == []
    assert student.delete("/feeds/%00").status_code == 404


def test_a_feed_is_shown_without_its_address_until_it_is_withdrawn(hub: Hub) -> None:
    student = hub.as_("student")
    made = student.post("/feeds", {"scope": "me", "label": "phone"})
    path = made.headers["Location"].removeprefix(V1)
    shown = student.get(path)
    assert shown.json == {name: made.json[name] for name in made.json if name not in ("url", "webcal_url")}
    assert student.get(path, headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    assert hub.as_("researcher").get(path).status_code == 404
    for wrong in ("/feeds/%00", f"/feeds/{'0' * 16}"):
        assert student.get(wrong).status_code == 404
    student.delete(path)
    assert student.get(path).status_code == 404


def test_an_etag_that_is_not_the_feeds_stops_its_end(hub: Hub) -> None:
    student = hub.as_("student")
    made = student.post("/feeds", {"scope": "me"})
    path = f"/feeds/{made.json['id']}"
    for header in ('"nonsense"', '"2"', ""):
        answer = student.delete(path, headers={"If-Match": header})
        assert (answer.status_code, answer.json["code"]) == (412, "stale")
    assert student.delete(path, headers={"If-Match": made.headers["ETag"]}).status_code == 200
