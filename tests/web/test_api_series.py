"""Series in the API: made, tried, refused by name, changed and cancelled by scope."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.base import clock
from booking.base.db import db
from booking.bookings.models import Booking, Series
from tests.factories import World, next_weekday, utc
from tests.web.api_client import Caller, Hub, a_body, text

WEEK = timedelta(days=7)


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def weekly(count: int = 4, on_clash: str | None = None, **more: Any) -> dict[str, Any]:
    repeat = {"rrule": f"FREQ=WEEKLY;COUNT={count}"} | ({"on_clash": on_clash} if on_clash else {})
    return a_body(**more) | {"repeat": repeat}


def a_series(caller: Caller, count: int = 4, **more: Any) -> Any:
    made = caller.post("/bookings", weekly(count, **more))
    assert made.status_code == 201, made.text
    return made.json


def stored(model: Any = Booking) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def starts(caller: Caller, series: Any) -> list[str]:
    """Return when the bookings of a series start, those that are cancelled marked by a dash."""
    found = [caller.get(f"/bookings/{one['id']}").json for one in series["bookings"]]
    return ["-" if one["status"] == "cancelled" else one["start"] for one in found]


def weeks(count: int, hour: float = 10) -> list[str]:
    return [text(next_weekday(hour) + n * WEEK) for n in range(count)]


def test_a_series_is_made_and_each_booking_names_it(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    answer = researcher.post("/bookings", weekly(4, notes="each"))
    made = answer.json
    assert (answer.status_code, set(made)) == (201, {"series", "bookings", "skipped"})
    assert answer.headers["Location"] == f"/api/v1/bookings/{made['bookings'][0]['id']}"
    assert [one["start"] for one in made["bookings"]] == weeks(4)
    assert {(one["series"], one["notes"], one["status"]) for one in made["bookings"]} == {
        (made["series"], "each", "confirmed")
    }
    assert researcher.get(f"/bookings/{made['bookings'][2]['id']}").json["series"] == made["series"]
    assert (made["skipped"], stored()) == ([], 4)


def test_one_clash_refuses_all_by_name(hub: Hub) -> None:
    hub.as_("amber").book(start=next_weekday(10) + WEEK)
    refused = hub.as_("researcher").post("/bookings", weekly(4))
    assert (refused.status_code, refused.json["code"]) == (409, "series_clash")
    (reason,) = refused.json["refusals"]
    assert reason["code"] == "series_clash"
    assert reason["message"] == "Tue 19 Jan 2027, 10:00–11:00: H-BSC1 is taken at this time."
    (clash,) = refused.json["occurrences"]
    assert (clash["start"], [one["code"] for one in clash["refusals"]]) == (weeks(2)[1], ["slot_taken"])
    assert (stored(), stored(Series)) == (1, 0)


def test_clashes_are_skipped_where_that_is_asked_for(hub: Hub) -> None:
    hub.as_("amber").book(start=next_weekday(10) + WEEK)
    made = hub.as_("researcher").post("/bookings", weekly(3, "skip")).json
    assert [one["start"] for one in made["bookings"]] == [weeks(3)[0], weeks(3)[2]]
    (skipped,) = made["skipped"]
    assert (skipped["start"], skipped["refusals"][0]["code"]) == (weeks(3)[1], "slot_taken")


def test_a_series_of_which_nothing_is_left_is_refused(hub: Hub) -> None:
    refused = hub.as_("student").post("/bookings", weekly(2, "skip", what="H-LN2"))
    assert (refused.status_code, refused.json["code"]) == (422, "series_clash")
    codes = [{one["code"] for one in occurrence["refusals"]} for occurrence in refused.json["occurrences"]]
    assert len(codes) == 2
    assert all("not_allowed" in found for found in codes)
    assert (stored(), stored(Series)) == (0, 0)


def test_a_pattern_is_told_what_is_wrong_with_it(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    for rrule in (
        "FREQ=HOURLY;COUNT=2",
        "FREQ=DAILY;UNTIL=20990101",
        "FREQ=DAILY;COUNT=9999",
        "\u0000",
        "x" * 6000,
    ):
        for path in ("/bookings", "/bookings/check"):
            answer = researcher.post(path, a_body() | {"repeat": {"rrule": rrule}})
            assert (answer.status_code, list(answer.json["errors"])) == (422, ["repeat"]), rrule
    assert stored(Series) == 0


def test_exceptions_are_left_out(hub: Hub) -> None:
    body = weekly(3) | {"repeat": {"rrule": f"FREQ=WEEKLY;COUNT=3\nEXDATE:{next_weekday(10) + WEEK:%Y%m%d}"}}
    made = hub.as_("researcher").post("/bookings", body).json
    assert [one["start"] for one in made["bookings"]] == [weeks(3)[0], weeks(3)[2]]


def test_a_preview_shows_each_occurrence_and_stores_nothing(hub: Hub) -> None:
    hub.as_("amber").book(start=next_weekday(10) + WEEK)
    reader = hub.as_("researcher", "read")
    tried = reader.post("/bookings/check", weekly(3)).json
    assert (tried["ok"], [one["code"] for one in tried["refusals"]]) == (False, ["series_clash"])
    assert [[one["code"] for one in each["refusals"]] for each in tried["occurrences"]] == [
        [],
        ["slot_taken"],
        [],
    ]
    tried = reader.post("/bookings/check", weekly(3, "skip")).json
    assert (tried["ok"], tried["refusals"], len(tried["occurrences"])) == (True, [], 3)
    assert (stored(), stored(Series)) == (1, 0)
    one = hub.as_("researcher").book("H-BSC2")["id"]
    both = hub.as_("researcher").post("/bookings/check", weekly(3) | {"booking": one})
    assert (both.status_code, list(both.json["errors"])) == (422, ["repeat"])


def test_local_times_are_kept_and_what_the_clocks_do_is_told(hub: Hub) -> None:
    researcher, start = hub.as_("researcher"), utc(2027, 3, 27, 1)
    body = a_body("H-LC", start, 2) | {"repeat": {"rrule": "FREQ=DAILY;COUNT=4", "on_clash": "skip"}}
    with clock.travel(utc(2027, 3, 20)):
        made = hub.as_("researcher").post("/bookings", body).json
    assert [one["start"] for one in made["bookings"]] == ["2027-03-27T01:00:00Z", "2027-03-30T00:00:00Z"]
    skipped, _ = made["skipped"]  # the other is Easter Monday
    assert skipped["start"] == "2027-03-28T01:00:00Z"
    assert "does not exist" in skipped["refusals"][0]["message"]
    with clock.travel(utc(2027, 10, 20)):
        tried = researcher.post(
            "/bookings/check", body | {"start": "2027-10-30T00:00:00Z", "end": "2027-10-30T02:00:00Z"}
        )
    assert [bool(one["note"]) for one in tried.json["occurrences"]] == [False, True, False, False]


# --- change and cancel by scope --------------------------------------------------------------------


def test_cancelling_reaches_as_far_as_its_scope(hub: Hub) -> None:
    researcher, expected = hub.as_("researcher"), weeks(4)
    for scope, left in (
        (None, [*expected[:1], "-", *expected[2:]]),
        ("this", [*expected[:1], "-", *expected[2:]]),
        ("following", [*expected[:1], "-", "-", "-"]),
        ("all", ["-"] * 4),
    ):
        made = a_series(researcher)
        path = f"/bookings/{made['bookings'][1]['id']}" + (f"?scope={scope}" if scope else "")
        for _ in range(2):  # it may be repeated
            answer = researcher.delete(path)
            assert (answer.status_code, answer.json["status"]) == (200, "cancelled")
        assert starts(researcher, made) == left
        researcher.delete(f"/bookings/{made['bookings'][0]['id']}?scope=all")
    assert researcher.delete(f"{path.partition('?')[0]}?scope=some").status_code == 422


def test_what_is_past_stays_when_all_are_cancelled(hub: Hub) -> None:
    researcher, expected = hub.as_("researcher"), weeks(4)
    made = a_series(researcher)
    with clock.travel(next_weekday(10) + WEEK + timedelta(minutes=30)):
        assert researcher.delete(f"/bookings/{made['bookings'][3]['id']}?scope=all").status_code == 200
        assert starts(researcher, made) == [*expected[:2], "-", "-"]
    with clock.travel(next_weekday(10) + 5 * WEEK):
        late = researcher.delete(f"/bookings/{made['bookings'][0]['id']}?scope=all")
        assert (late.status_code, late.json["code"]) == (409, "not_changeable")


def test_a_change_reaches_as_far_as_its_scope(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = a_series(researcher)
    second, third = made["bookings"][1], made["bookings"][2]
    later = {name: text(next_weekday(hour) + WEEK) for name, hour in (("start", 14), ("end", 16))}
    answer = researcher.patch(f"/bookings/{second['id']}?scope=following", later | {"title": "New"})
    assert (answer.status_code, answer.json["start"], answer.json["title"]) == (200, later["start"], "New")
    assert starts(researcher, made) == weeks(1) + weeks(4, 14)[1:]
    after = researcher.get(f"/bookings/{third['id']}").json
    assert (after["title"], after["end"]) == ("New", text(next_weekday(16) + 2 * WEEK))
    assert (after["series"], after["version"]) == (made["series"], 2)
    researcher.patch(f"/bookings/{third['id']}?scope=all", {"resources": ["H-BSC2"]})
    found = [researcher.get(f"/bookings/{one['id']}").json for one in made["bookings"]]
    assert {one["resources"][0]["code"] for one in found} == {"H-BSC2"}
    assert [one["title"] for one in found] == ["Passage 12", "New", "New", "New"]


def test_a_changed_series_is_refused_by_name_and_stays_as_it_is(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = a_series(researcher)
    hub.as_("amber").book(start=next_weekday(14) + 2 * WEEK)
    moved = {name: text(next_weekday(hour)) for name, hour in (("start", 14), ("end", 15))}
    refused = researcher.patch(f"/bookings/{made['bookings'][0]['id']}?scope=all", moved)
    assert (refused.status_code, refused.json["code"]) == (409, "series_clash")
    assert [one["start"] for one in refused.json["occurrences"]] == [weeks(3, 14)[2]]
    assert starts(researcher, made) == weeks(4)


def test_one_that_would_end_before_it_starts_refuses_all(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = a_series(researcher, hours=2)
    shorter = {"end": text(next_weekday(10.5) + WEEK)}
    assert researcher.patch(f"/bookings/{made['bookings'][1]['id']}", shorter).status_code == 200
    later = {"start": text(next_weekday(11))}
    refused = researcher.patch(f"/bookings/{made['bookings'][0]['id']}?scope=all", later)
    assert (refused.status_code, refused.json["code"]) == (422, "series_clash")
    assert [one["note"] for one in refused.json["occurrences"]] == ["It would end before it starts."]
    assert starts(researcher, made) == weeks(4)


def test_an_old_version_changes_nothing_of_a_series(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = a_series(researcher)
    path = f"/bookings/{made['bookings'][0]['id']}?scope=all"
    old = {"headers": {"If-Match": researcher.get(path.partition("?")[0]).headers["ETag"]}}
    assert researcher.patch(path, {"title": "New"}).status_code == 200
    assert researcher.patch(path, {"title": "Newer"}, **old).status_code == 412
    assert researcher.delete(path, **old).status_code == 412
    assert starts(researcher, made) == weeks(4)


def test_a_scope_of_a_booking_without_series_is_itself(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    alone = researcher.book()
    assert alone["series"] is None
    assert researcher.patch(f"/bookings/{alone['id']}?scope=all", {"title": "New"}).json["title"] == "New"
    assert researcher.delete(f"/bookings/{alone['id']}?scope=following").json["status"] == "cancelled"


def test_others_can_neither_change_nor_cancel_a_series(hub: Hub) -> None:
    made = a_series(hub.as_("researcher"))
    path = f"/bookings/{made['bookings'][0]['id']}?scope=all"
    for name, status in (("colleague", 403), ("birch", 404)):
        assert hub.as_(name).patch(path, {"title": "Mine"}).status_code == status
        assert hub.as_(name).delete(path).status_code == status
    staff = hub.as_("staff")
    assert list(staff.delete(path).json["errors"]) == ["reason"]
    assert staff.delete(f"{path}&reason=cleaning").status_code == 200
    assert starts(hub.as_("researcher"), made) == ["-"] * 4
