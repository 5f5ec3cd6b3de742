"""The waiting list by form and by API: to join from what was refused, to accept and to give up."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask

from booking.base import clock
from tests.factories import World, next_weekday
from tests.web.api_client import Hub, a_body, text
from tests.web.test_routes import Visit


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def wish(*resources: Any, hours: float = 1, days: float = 0, **more: Any) -> dict[str, Any]:
    start = next_weekday(10)
    return {
        "resources": list(resources or ["H-BSC1"]),
        "duration_minutes": int(hours * 60),
        "earliest": text(start),
        "latest": text(start + timedelta(days=days, hours=hours)),
        "title": "Passage 12",
        **more,
    }


# --- the API


def test_who_joins_is_offered_what_becomes_free_and_books_it(hub: Hub) -> None:
    researcher, student = hub.as_("researcher"), hub.as_("student")
    taken = researcher.book()
    joined = student.post("/waitlist", wish())
    assert joined.status_code == 201, joined.text
    assert (joined.json["status"], joined.json["ahead"], joined.json["offer"]) == ("waiting", 0, None)
    assert joined.headers["Location"].endswith(joined.json["id"])
    researcher.delete(f"/bookings/{taken['id']}")
    offer = student.get(f"/waitlist/{joined.json['id']}").json["offer"]
    assert offer["resources"] == [{"code": "H-BSC1", "units": 1}]
    assert offer["until"] > text(clock.now())
    booked = student.post(f"/waitlist/{joined.json['id']}/accept")
    assert (booked.status_code, booked.json["status"], booked.json["id"]) == (
        200,
        "confirmed",
        offer["booking"],
    )
    again = student.post(f"/waitlist/{joined.json['id']}/accept")
    assert (again.status_code, again.json["code"]) == (409, "not_changeable")
    assert student.get("/waitlist").json["items"][0]["status"] == "booked"


def test_a_booking_may_ask_to_wait_if_others_hold_the_time(hub: Hub) -> None:
    hub.as_("researcher").book()
    student = hub.as_("student")
    body, key = a_body(waitlist=True), {"headers": {"Idempotency-Key": "k1"}}
    answer = student.post("/bookings", body, **key)
    assert (answer.status_code, answer.json["status"]) == (202, "waiting")
    assert student.post("/bookings", body, **key).json == answer.json
    assert len(student.get("/waitlist").json["items"]) == 1
    assert student.post("/bookings", a_body("H-BSC2", waitlist=True)).status_code == 201


def test_nobody_waits_where_waiting_does_not_help(hub: Hub) -> None:
    student = hub.as_("student")
    free = student.post("/waitlist", wish())
    assert (free.status_code, free.json["code"]) == (422, "invalid")
    assert "free" in free.json["errors"]["resources"][0]
    refused = student.post("/bookings", a_body(start=next_weekday(3), waitlist=True))
    assert (refused.status_code, refused.json["code"]) == (422, "outside_hours")


def test_a_place_is_given_up_as_often_as_one_likes(hub: Hub) -> None:
    hub.as_("researcher").book()
    student = hub.as_("student")
    one = student.post("/waitlist", wish()).json["id"]
    for _ in range(2):
        gone = student.delete(f"/waitlist/{one}")
        assert (gone.status_code, gone.json["status"]) == (200, "left")


def test_rivals_learn_nothing_of_who_waits(hub: Hub) -> None:
    hub.as_("researcher").book()
    one = hub.as_("amber").post("/waitlist", wish(title="Secret of Amber")).json
    assert one["ahead"] is None
    for name in ("birch", "student", "researcher"):
        other = hub.as_(name)
        assert other.get(f"/waitlist/{one['id']}").status_code == 404
        assert other.delete(f"/waitlist/{one['id']}").status_code == 404
        assert other.post(f"/waitlist/{one['id']}/accept").status_code == 404
        assert other.get("/waitlist?everybody=true").json["items"] == []
    assert [one["title"] for one in hub.as_("staff").get("/waitlist?everybody=true").json["items"]] == [
        "Secret of Amber"
    ]


def test_readers_do_not_join(hub: Hub) -> None:
    hub.as_("researcher").book()
    assert hub.as_("student", "read").post("/waitlist", wish()).status_code == 403
    assert hub.as_("student", "read").get("/waitlist").status_code == 200


# --- the pages


def slot_form() -> dict[str, str]:
    day = f"{next_weekday(10):%Y-%m-%d}"
    times = {"start_date": day, "start_time": "10:00", "end_date": day, "end_time": "11:00"}
    return {"title": "Passage 12", "resource": "H-BSC1", "units": "1", "people": "1", **times}


NEW = "/bookings/new"


def test_from_a_refused_form_to_a_booking(hub: Hub, visit: Visit) -> None:
    taken = hub.as_("researcher").book()
    student = visit("student")
    refused = student.post(NEW, slot_form())
    assert refused.status_code == 409
    assert student.look(refused).find("button", {"formaction": "/waitlist/slot"})
    assert student.post("/waitlist/slot", slot_form(), NEW).status_code == 303
    assert "You are next" in student.get("/waitlist").text
    hub.as_("researcher").delete(f"/bookings/{taken['id']}")
    assert "Held for you until" in student.get("/waitlist").text
    (one,) = hub.as_("student").get("/waitlist").json["items"]
    assert "This is an offer" in student.get(f"/bookings/{one['offer']['booking']}").text
    assert student.post(f"/waitlist/{one['id']}/accept", {}, "/waitlist").status_code == 303
    assert "Booked" in student.get("/waitlist").text
    assert student.post(f"/waitlist/{one['id']}/accept", {}, NEW).status_code == 409


def test_a_search_that_finds_nothing_can_be_waited_for(hub: Hub, visit: Visit) -> None:
    day = f"{next_weekday(9):%Y-%m-%d}"
    for hour in (8.5, 13):
        body = a_body(start=next_weekday(hour), hours=4)
        assert hub.as_("researcher").post("/bookings", body).status_code == 201
    asked = {
        "first": "H-BSC1",
        "second": "",
        "third": "",
        "length": "3",
        "unit": "h",
        "people": "1",
        "since": day,
        "until": day,
    }
    search = f"/find?{urlencode(asked)}"
    student = visit("student")
    assert "Join the waiting list" in student.get(search).text
    assert student.post("/waitlist/search", {**asked, "title": "Harvest"}, search).status_code == 303
    assert "Harvest" in student.get("/waitlist").text
    assert student.post("/waitlist/search", {**asked, "title": ""}, search).status_code == 422
    assert student.post("/waitlist/search", {"title": "x"}, search).status_code == 422


def test_staff_see_everybody_at_their_facilities(hub: Hub, visit: Visit) -> None:
    hub.as_("researcher").book()
    hub.as_("student").post("/waitlist", wish())
    assert "Stella Student" in visit("staff").get("/waitlist").text
    assert "Everybody" not in visit("colleague").get("/waitlist").text


def test_a_strange_place_is_nowhere(visit: Visit) -> None:
    for act in ("accept", "leave"):
        assert visit("student").post(f"/waitlist/{'0' * 16}/{act}", {}, NEW).status_code == 404
