"""The API's bookings: made, tried, read by level, listed, changed, cancelled, approved, declined."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from booking.api import bookings as api_bookings
from booking.base import clock
from booking.base.db import db
from booking.bookings.models import Booking
from booking.people.models import User
from tests.factories import MONDAY, World, email_of, next_weekday
from tests.web.api_client import Caller, Hub, a_body, text

FULL = {
    *(
        "id",
        "status",
        "title",
        "start",
        "end",
        "timezone",
        "resources",
        "people",
        "organiser",
        "organisation",
    ),
    *("project", "participants", "supervisor", "on_behalf_of", "notes", "series", "campaign", "held"),
    *("version", "created_at", "updated_at"),
}
PARTIAL = {"id", "status", "title", "organiser", "start", "end", "resources"}


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def public_id(hub: Hub, name: str) -> str:
    found = db.session.scalar(select(User.public_id).where(User.id == hub.world.users[name]))
    assert found
    return found


def stored() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Booking)) or 0


# --- making ----------------------------------------------------------------------------------------


def test_a_booking_is_made_and_shown_in_full(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    body = a_body(
        project="P-OPEN",
        people=2,
        participants=[email_of("colleague")],
        supervisor=public_id(hub, "leader"),
        notes="bring\nice",
    )
    made = researcher.post("/bookings", body)
    assert made.status_code == 201
    shown = made.json
    assert set(shown) == FULL
    assert made.headers["Location"] == f"/api/v1/bookings/{shown['id']}"
    expected = {
        "status": "confirmed",
        "title": "Passage 12",
        "start": "2027-01-12T10:00:00Z",
        "end": "2027-01-12T11:00:00Z",
        "timezone": "Europe/London",
        "resources": [{"code": "H-BSC1", "name": "Cabinet 1", "units": 1}],
        "people": 2,
        "organiser": {"id": public_id(hub, "researcher"), "name": "Rhona Researcher"},
        "organisation": {"code": "UNI", "name": "Metropolitan University"},
        "project": {"code": "P-OPEN", "name": "Open media study"},
        "participants": [{"id": public_id(hub, "colleague"), "name": "Colin Colleague"}],
        "supervisor": {"id": public_id(hub, "leader"), "name": "Lena Leader"},
        "on_behalf_of": None,
        "notes": "bring\nice",
        "series": None,
        "campaign": None,
        "held": [{"resource": "H-BSC1", "start": "2027-01-12T09:45:00Z", "end": "2027-01-12T11:15:00Z"}],
        "version": 1,
        "created_at": "2027-01-11T09:00:00Z",
        "updated_at": "2027-01-11T09:00:00Z",
    }
    assert {name: shown[name] for name in expected} == expected
    assert researcher.get(f"/bookings/{shown['id']}").json == shown


def test_units_are_counted_or_named(hub: Hub) -> None:
    start, caller = next_weekday(10), hub.as_("researcher")
    counted = caller.book({"code": "H-INC1", "units": 2}, start, 24)
    named = caller.book({"code": "H-INC1", "unit_names": ["shelf 8", "shelf 5"]}, start, 24)
    assert counted["resources"] == [
        {"code": "H-INC1", "name": "Incubator 1", "units": 2, "unit_names": ["shelf 1", "shelf 2"]}
    ]
    assert (named["resources"][0]["units"], named["resources"][0]["unit_names"]) == (
        2,
        ["shelf 5", "shelf 8"],
    )


def test_several_resources_are_one_booking(hub: Hub) -> None:
    made = hub.as_("researcher").book(["H-BSC1", {"code": "H-BSC2", "units": 1.0}])
    assert [one["code"] for one in made["resources"]] == ["H-BSC1", "H-BSC2"]
    assert [one["resource"] for one in made["held"]] == ["H-BSC1", "H-BSC2"]


def test_times_with_any_offset_come_back_in_utc(hub: Hub) -> None:
    body = a_body() | {"start": "2027-01-12T15:30:00.000+05:30", "end": "2027-01-12t11:00:00z"}
    made = hub.as_("researcher").post("/bookings", body).json
    assert (made["start"], made["end"]) == ("2027-01-12T10:00:00Z", "2027-01-12T11:00:00Z")


def test_staff_book_on_behalf_of_others(hub: Hub) -> None:
    made = hub.as_("staff").book(on_behalf_of=email_of("amber"))
    amber = {"id": public_id(hub, "amber"), "name": "Anna Okafor"}
    assert (made["organiser"], made["on_behalf_of"], made["organisation"]["code"]) == (amber, amber, "NWT")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"resources": []}, "resources"),
    ({"resources": ["H-NONE"]}, "resources"),
    ({"resources": [7]}, "resources"),
    ({"resources": [{"units": 1}]}, "resources"),
    ({"resources": [{"code": "H-INC1", "units": 0}]}, "resources"),
    ({"resources": [{"code": "H-INC1", "units": 9}]}, "resources"),
    ({"resources": [{"code": "H-INC1", "units": "2"}]}, "resources"),
    ({"resources": [{"code": "H-INC1", "units": True}]}, "resources"),
    ({"resources": [{"code": "H-INC1", "unit_names": ["cellar"]}]}, "resources"),
    ({"resources": [{"code": "H-INC1", "shelves": 1}]}, "resources"),
    ({"resources": "H-BSC1"}, "resources"),
    ({"resources": ["H-BSC1", "H-BSC1"]}, "resources"),
    ({"start": "2027-01-12T10:00:00"}, "start"),
    ({"start": "2027-01-12"}, "start"),
    ({"start": "2027-02-30T10:00:00Z"}, "start"),
    ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
    ({"start": "2027-01-12T10:00:00+99:00"}, "start"),
    ({"start": "２０２７-01-12T10:00:00Z"}, "start"),
    ({"start": 1799748000}, "start"),
    ({"end": "2027-01-12T09:00:00Z"}, "end"),
    ({"end": "2027-01-12T10:00:00Z"}, "end"),
    ({"title": ""}, "title"),
    ({"title": "  "}, "title"),
    ({"title": None}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"title": "a\u0000b"}, "title"),
    ({"title": "a\ud800b"}, "title"),
    ({"people": -1}, "people"),
    ({"people": 1.5}, "people"),
    ({"people": 10**400}, "people"),
    ({"people": 1e300}, "people"),
    ({"project": "P-NONE"}, "project"),
    ({"project": "P-HUSH"}, "project"),
    ({"participants": ["nobody@example.org"]}, "participants"),
    ({"participants": ["x"] * 51}, "participants"),
    ({"on_behalf_of": "\u0000"}, "on_behalf_of"),
    ({"on_behalf_of": email_of("colleague")}, "on_behalf_of"),
    ({"supervisor": "nobody"}, "supervisor"),
    ({"repeat": "weekly"}, "repeat"),
    ({"repeat": {}}, "repeat"),
    ({"repeat": {"rrule": "FREQ=WEEKLY"}}, "repeat"),
    ({"repeat": {"rrule": "FREQ=WEEKLY;COUNT=2", "on_clash": "ask"}}, "repeat"),
    ({"repeat": {"rrule": "FREQ=WEEKLY;COUNT=2", "until": "soon"}}, "repeat"),
    ({"waitlist": "perhaps"}, "waitlist"),
    ({"waitlist": 1}, "waitlist"),
    ({"colour": "red"}, "colour"),
]


def test_a_wrong_shape_names_the_field(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    for change, field in WRONG:
        for path in ("/bookings", "/bookings/check"):
            answer = researcher.post(path, a_body() | change)
            told = (answer.status_code, answer.json["code"], list(answer.json.get("errors", ())))
            assert told == (422, "invalid", [field]), (path, change)
    assert stored() == 0


def test_every_missing_field_is_named(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    for path in ("/bookings", "/bookings/check"):
        assert set(researcher.post(path, {}).json["errors"]) == {"resources", "start", "end", "title"}


# --- refusals --------------------------------------------------------------------------------------


def test_a_taken_slot_is_409_with_alternatives_that_are_accepted(hub: Hub) -> None:
    hub.as_("amber").book(title="Clone 7 expansion")
    birch = hub.as_("birch")
    refused = birch.post("/bookings", a_body())
    assert (refused.status_code, refused.json["code"]) == (409, "slot_taken")
    (refusal,) = refused.json["refusals"]
    assert set(refusal) == {"code", "message", "resource", "rule", "fix", "ok_from"}
    assert (refusal["resource"], refusal["rule"]["name"]) == ("H-BSC1", "no double booking")
    assert "Anna" not in refused.text
    assert "Clone" not in refused.text
    first = refused.json["alternatives"][0]
    assert (first["differs"], first["resources"]) == (["resource"], [{"code": "H-BSC2", "units": 1}])
    for offered in refused.json["alternatives"]:
        again = a_body(offered["resources"]) | {"start": offered["start"], "end": offered["end"]}
        assert birch.post("/bookings/check", again).json["ok"]


def test_a_broken_rule_is_422_and_several_are_all_told(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    late = researcher.post("/bookings", a_body(start=next_weekday(20)))
    assert (late.status_code, late.json["code"]) == (422, "outside_hours")
    both = researcher.post("/bookings", a_body(start=next_weekday(20.25), hours=0.25))
    assert (both.status_code, both.json["code"]) == (422, "refused")
    assert {one["code"] for one in both.json["refusals"]} == {"too_short", "off_grid", "outside_hours"}


def test_what_opens_later_says_when(hub: Hub) -> None:
    refused = hub.as_("student").post("/bookings", a_body("S-BSC"))
    assert (refused.status_code, refused.json["code"]) == (422, "not_open_yet")
    assert refused.json["refusals"][0]["ok_from"] == "2027-02-24T00:00:00Z"


# --- trying ----------------------------------------------------------------------------------------


def test_a_check_stores_nothing(hub: Hub) -> None:
    answer = hub.as_("researcher", scope="read").post("/bookings/check", a_body())
    assert answer.json == {"ok": True, "refusals": [], "alternatives": [], "estimate": {}}
    assert stored() == 0


def test_a_check_tells_refusals_and_alternatives(hub: Hub) -> None:
    hub.as_("amber").book()
    tried = hub.as_("birch").post("/bookings/check", a_body()).json
    assert (tried["ok"], tried["refusals"][0]["code"]) == (False, "slot_taken")
    assert 1 <= len(tried["alternatives"]) <= 3


def test_a_check_of_a_change_leaves_the_booking_itself_out(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = researcher.book()
    moved = {"booking": made["id"], "start": "2027-01-12T10:30:00Z", "end": "2027-01-12T11:30:00Z"}
    assert researcher.post("/bookings/check", moved).json["ok"]
    assert (
        not hub.as_("staff")
        .post("/bookings/check", a_body() | {"start": moved["start"], "end": moved["end"]})
        .json["ok"]
    )
    assert hub.as_("student").post("/bookings/check", moved).status_code == 403
    assert hub.as_("birch").post("/bookings/check", moved).status_code == 404
    assert researcher.post("/bookings/check", {"booking": "no such"}).status_code == 404


# --- levels of sight -------------------------------------------------------------------------------


def test_a_booking_of_the_host_by_level(hub: Hub) -> None:
    made = hub.as_("researcher").book(notes="bring ice")
    for name, members in {
        **dict.fromkeys(("student", "colleague"), PARTIAL),
        **dict.fromkeys(("researcher", "staff", "admin"), FULL),
    }.items():
        shown = hub.as_(name).get(f"/bookings/{made['id']}").json
        assert set(shown) == members, name
        assert set(shown["organiser"]) == ({"name"} if members is PARTIAL else {"id", "name"})
    for name in ("amber", "birch"):
        assert hub.as_(name).get(f"/bookings/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("project", "seen"),
    [
        (None, {"amber2": FULL, "coordinator": FULL, "staff": FULL, "birch": set(), "student": {"label"}}),
        (
            "P-AMBER",
            {"amber2": FULL, "coordinator": FULL, "staff": FULL, "birch": set(), "student": {"label"}},
        ),
        ("P-HUSH", {"amber2": set(), "coordinator": FULL, "staff": FULL, "birch": set(), "student": set()}),
    ],
)
def test_a_booking_of_a_partner_by_level(hub: Hub, project: str | None, seen: dict[str, set[str]]) -> None:
    made = hub.as_("amber").book(project=project, title="Clone 7 expansion", notes="clone 7")
    for name, members in seen.items():
        caller = hub.as_(name)
        (listed,) = caller.get("/bookings").json["items"]
        shown = caller.get(f"/bookings/{made['id']}")
        if members is FULL:
            assert set(listed) == set(shown.json) == FULL
            continue
        assert shown.status_code == 404
        assert listed == {
            "status": "busy",
            "start": "2027-01-12T09:45:00Z",
            "end": "2027-01-12T11:15:00Z",
            "resources": [{"code": "H-BSC1", "units": 1}],
            **({"label": "Partner Amber"} if members else {}),
        }


def test_hidden_and_missing_bookings_are_told_apart_by_nothing(hub: Hub) -> None:
    made = hub.as_("amber").book()
    birch = hub.as_("birch")
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/approve"),
        ("POST", "/decline"),
    ):
        told = []
        for booking_id in (made["id"], "0" * 16, "x", "\x00"):
            answer = birch.send(method, f"/bookings/{booking_id}{path}", json={})
            headers = {k: v for k, v in answer.headers.items() if k != "X-Request-ID"}
            told.append((answer.status_code, answer.data, headers))
        assert told[0][0] == 404
        assert told == [told[0]] * 4


# --- lists -----------------------------------------------------------------------------------------


def a_week(hub: Hub) -> None:
    """Book for host and partners, on several days, at two machines."""
    for name, days, what in (
        ("researcher", 1, "H-BSC1"),
        ("amber", 1, "H-BSC2"),
        ("student", 2, "H-BSC1"),
        ("birch", 3, "H-BSC1"),
        ("researcher", 4, "H-BSC2"),
    ):
        project = "P-OPEN" if name in ("researcher", "student") else None
        hub.as_(name).book(what, next_weekday(10, days), title=f"{name} {days}", project=project)


def titles(caller: Caller, query: str = "") -> list[str]:
    return [
        one.get("title", one.get("label", "busy")) for one in caller.get(f"/bookings?{query}").json["items"]
    ]


def test_a_list_mixes_levels_in_order_of_time(hub: Hub) -> None:
    a_week(hub)
    assert titles(hub.as_("colleague")) == [
        "Partner Amber",
        "researcher 1",
        "student 2",
        "Partner Birch",
        "researcher 4",
    ]
    assert titles(hub.as_("birch")) == ["busy", "busy", "busy", "birch 3", "busy"]
    every = ["amber 1", "birch 3", "researcher 1", "researcher 4", "student 2"]
    assert sorted(titles(hub.as_("staff"))) == every


def test_a_list_is_filtered(hub: Hub) -> None:
    a_week(hub)
    researcher = hub.as_("researcher")
    for query, found in (
        ("resource=H-BSC2", ["Partner Amber", "researcher 4"]),
        ("room=H-01&resource=H-BSC1", ["researcher 1", "student 2", "Partner Birch"]),
        ("facility=SUS", []),
        ("mine=true", ["researcher 1", "researcher 4"]),
        ("mine=false&resource=H-BSC2", ["Partner Amber", "researcher 4"]),
        ("project=P-OPEN", ["researcher 1", "student 2", "researcher 4"]),
        ("project=P-AMBER", []),
        ("status=confirmed", ["researcher 1", "student 2", "researcher 4"]),
        ("status=cancelled", []),
        ("start=2027-01-13T00:00:00Z&end=2027-01-14T12:00:00Z", ["student 2", "Partner Birch"]),
        ("end=2027-01-13T00:00:00Z", ["Partner Amber", "researcher 1"]),
    ):
        assert titles(researcher, query) == found, query


def test_a_list_holds_exactly_what_its_reader_may_see(hub: Hub) -> None:
    """Every person, every kind of booking: listed if and only if it can be read, and as it is read."""
    kinds = (
        ("researcher", {"project": "P-OPEN"}),
        ("researcher", {"project": "P-SECRET"}),
        ("leader", {"supervisor": email_of("colleague")}),
        ("student", {"participants": [email_of("birch")]}),
        ("amber", {}),
        ("amber", {"project": "P-AMBER"}),
        ("amber", {"project": "P-HUSH"}),
        ("birch", {}),
        ("sus_staff", {}),
    )
    made = [
        hub.as_(who).book("H-HALL", next_weekday(9 + n), **more)["id"] for n, (who, more) in enumerate(kinds)
    ]
    made.append(hub.as_("staff").book("H-LN2", next_weekday(9), 24 * 7, on_behalf_of=email_of("birch"))["id"])
    for name in hub.world.users:
        caller = hub.as_(name)
        readable = [
            found.json for one in made if (found := caller.get(f"/bookings/{one}")).status_code == 200
        ]
        for query in ("", "status=confirmed"):
            listed = caller.get(f"/bookings?{query}").json["items"]
            shown = [one for one in listed if one["status"] != "busy"]
            assert sorted(shown, key=str) == sorted(readable, key=str), (name, query)
            assert len(shown) == len(listed) or query == "", name


def test_a_status_is_that_of_now(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    for days in (1, 2):
        researcher.book(start=next_weekday(10, days), title=f"Day {days}")
    with clock.travel(next_weekday(10.5, 2)):
        assert titles(researcher, "status=completed") == ["Day 1"]
        assert titles(researcher, "status=confirmed") == ["Day 2"]
        assert titles(researcher, "status=in_use") == []


def test_a_project_is_no_way_to_learn_what_a_booking_belongs_to(hub: Hub) -> None:
    hub.as_("researcher").book(project="P-OPEN")
    colleague = hub.as_("colleague")
    assert titles(colleague) == ["Passage 12"]
    assert titles(colleague, "project=P-OPEN") == []


def test_a_list_has_a_window(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    researcher.book("H-LC", next_weekday(10, 120), 2)
    assert titles(researcher) == []
    assert titles(researcher, "start=2027-05-01T00:00:00Z") == ["Passage 12"]
    long = researcher.get("/bookings?start=2027-01-01T00:00:00Z&end=2028-02-06T00:00:00Z")
    assert (long.status_code, list(long.json["errors"])) == (422, ["end"])


def test_a_filter_that_names_nothing_is_told(hub: Hub) -> None:
    student = hub.as_("student")
    for field in ("resource", "facility", "room", "status", "mine", "start", "limit", "cursor"):
        answer = student.get(f"/bookings?{field}=nonsense")
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_pages_of_a_mixed_list_follow_each_other(hub: Hub) -> None:
    a_week(hub)
    for name in ("colleague", "birch", "staff"):
        pages_must_follow(hub.as_(name))


def pages_must_follow(caller: Caller) -> None:
    whole = caller.get("/bookings").json["items"]
    seen, cursor, moment = [], "", MONDAY
    for _ in range(3):
        with clock.travel(moment):
            page = caller.get(f"/bookings?limit=2&cursor={cursor}").json
        seen += page["items"]
        cursor, moment = page["next"], moment - timedelta(days=200)  # the window stays the first page's
    assert cursor is None
    assert seen == whole
    assert len(whole) == 5


def test_cancelled_bookings_stay_in_the_list_for_who_may_see_them(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = researcher.book()
    researcher.delete(f"/bookings/{made['id']}")
    (listed,) = researcher.get("/bookings").json["items"]
    assert (listed["status"], listed["held"]) == ("cancelled", [])
    assert titles(researcher, "status=cancelled") == ["Passage 12"]
    assert titles(hub.as_("birch")) == []


def test_a_list_takes_the_same_number_of_queries_however_long_it_is(hub: Hub) -> None:
    researcher = hub.as_("researcher")

    def queries() -> int:
        statements: list[str] = []

        def note(*args: Any) -> None:
            statements.append(args[2])

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            researcher.get("/bookings")
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return len(statements)

    researcher.book(start=next_weekday(10))
    hub.as_("amber").book("H-BSC2", next_weekday(10))
    few = queries()
    for week in range(1, 7):
        researcher.book(start=next_weekday(10, 7 * week))
        hub.as_("amber").book("H-BSC2", next_weekday(10, 7 * week))
    assert queries() == few


# --- changing --------------------------------------------------------------------------------------


def test_a_change_touches_only_what_is_given(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = researcher.book(
        notes="bring ice", participants=[email_of("colleague")], project="P-OPEN", people=3
    )
    changed = researcher.patch(f"/bookings/{made['id']}", {"title": "Passage 13"}).json
    assert changed == {**made, "title": "Passage 13", "version": 2, "updated_at": changed["updated_at"]}


def test_a_change_of_time_resources_and_people(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = researcher.book(project="P-OPEN", participants=[email_of("colleague")])
    body = {
        "start": "2027-01-13T13:00:00Z",
        "end": "2027-01-13T14:30:00Z",
        "resources": [{"code": "H-BSC2", "units": 1}],
        "people": 2,
        "notes": "",
        "project": None,
        "participants": [email_of("student")],
        "supervisor": email_of("leader"),
    }
    changed = researcher.patch(f"/bookings/{made['id']}", body).json
    assert (changed["start"], changed["end"]) == (body["start"], body["end"])
    assert (changed["held"][0]["resource"], changed["people"], changed["project"]) == ("H-BSC2", 2, None)
    assert [one["name"] for one in changed["participants"]] == ["Stella Student"]
    assert changed["supervisor"]["name"] == "Lena Leader"
    assert changed["id"] == made["id"]


def test_a_change_that_is_refused_offers_alternatives_and_changes_nothing(hub: Hub) -> None:
    hub.as_("amber").book(start=next_weekday(14))
    birch = hub.as_("birch")
    made = birch.book(start=next_weekday(10))
    refused = birch.patch(
        f"/bookings/{made['id']}", {"start": "2027-01-12T14:00:00Z", "end": "2027-01-12T15:00:00Z"}
    )
    assert (refused.status_code, refused.json["code"]) == (409, "slot_taken")
    assert refused.json["alternatives"]
    assert birch.get(f"/bookings/{made['id']}").json == made


def test_an_old_etag_stops_a_change(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = researcher.post("/bookings", a_body())
    path, old = f"/bookings/{made.json['id']}", made.headers["ETag"]
    assert researcher.patch(path, {"title": "Two"}, headers={"If-Match": old}).status_code == 200
    for header in (old, f"W/{old}", '"nonsense"', "unquoted", '"1"', "", '"', ","):
        for answer in (
            researcher.patch(path, {"title": "Three"}, headers={"If-Match": header}),
            researcher.delete(path, headers={"If-Match": header}),
        ):
            assert (answer.status_code, answer.json["code"]) == (412, "stale")
    new = researcher.get(path).headers["ETag"]
    assert (
        researcher.patch(path, {"title": "Four"}, headers={"If-Match": f"{old}, W/{new}"}).status_code == 200
    )
    assert researcher.patch(path, {"title": "Five"}, headers={"If-Match": "*"}).status_code == 200
    assert researcher.patch(path, {"title": "Six"}).json["title"] == "Six"


def test_a_booking_that_the_caller_has_is_not_sent_again(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = researcher.post("/bookings", a_body())
    path = f"/bookings/{made.json['id']}"
    assert researcher.get(path, headers={"If-None-Match": made.headers["ETag"]}).status_code == 304
    researcher.patch(path, {"title": "Two"})
    assert researcher.get(path, headers={"If-None-Match": made.headers["ETag"]}).status_code == 200


def test_a_booking_is_extended_to_a_time_or_by_minutes(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = researcher.book(notes="keep", people=2)
    path = f"/bookings/{made['id']}"
    longer = researcher.post(f"{path}/extend", {"minutes": 30})
    start = next_weekday(10)
    assert (longer.status_code, longer.json["end"]) == (200, text(start + timedelta(minutes=90)))
    kept = ("id", "start", "title", "notes", "people", "resources", "status")
    assert {name: longer.json[name] for name in kept} == {name: made[name] for name in kept}
    assert longer.json["version"] == made["version"] + 1
    longest = researcher.post(f"{path}/extend", {"end": text(start + timedelta(hours=2))})
    assert longest.json["end"] == text(start + timedelta(hours=2))
    assert researcher.get(path).json == longest.json


def test_an_extension_obeys_every_rule(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = researcher.book()
    hub.as_("amber").book(start=next_weekday(13))
    path = f"/bookings/{made['id']}/extend"
    taken = researcher.post(path, {"minutes": 60})
    assert (taken.status_code, taken.json["code"]) == (409, "slot_taken")
    for offered in taken.json["alternatives"]:
        accepted = {"booking": made["id"], **{name: offered[name] for name in ("start", "end", "resources")}}
        assert researcher.post("/bookings/check", accepted).json["ok"]
    assert researcher.post(path, {"minutes": 600}).status_code == 422
    assert researcher.post(path, {"minutes": 30}).status_code == 200
    assert hub.as_("student").post(path, {"minutes": 30}).json["code"] == "forbidden"
    assert hub.as_("birch").post(path, {"minutes": 30}).status_code == 404
    researcher.delete(path.removesuffix("/extend"))
    assert researcher.post(path, {"minutes": 30}).json["code"] == "not_changeable"


def test_a_wrong_extension_names_the_field(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = researcher.book()
    for body, field in (
        ({}, "end"),
        ({"end": made["end"], "minutes": 30}, "end"),
        ({"end": made["end"]}, "end"),
        ({"end": made["start"]}, "end"),
        ({"end": "2027-01-12T13:00:00"}, "end"),
        ({"end": "2199-12-31T13:00:00Z"}, None),
        ({"minutes": 0}, "minutes"),
        ({"minutes": -30}, "minutes"),
        ({"minutes": 10**9}, "minutes"),
        ({"minutes": "30"}, "minutes"),
        ({"title": "Two"}, "title"),
    ):
        answer = researcher.post(f"/bookings/{made['id']}/extend", body)
        assert answer.status_code == 422
        assert field is None or field in answer.json["errors"], body
    assert researcher.get(f"/bookings/{made['id']}").json == made


def test_staff_extend_with_a_reason(hub: Hub) -> None:
    path = f"/bookings/{hub.as_('researcher').book()['id']}/extend"
    staff = hub.as_("staff")
    assert list(staff.post(path, {"minutes": 30}).json["errors"]) == ["reason"]
    assert staff.post(path, {"minutes": 30, "reason": "The cells are slow."}).status_code == 200


def test_a_change_keeps_what_somebody_else_changes_at_the_same_moment(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading and changing, another change comes first: it is not undone."""
    researcher, staff = hub.as_("researcher"), hub.as_("staff")
    path = f"/bookings/{researcher.book()['id']}"
    change, others = api_bookings.change_series, iter([{"notes": "use the other flask"}, {"people": 3}])

    def late(*arguments: Any) -> Booking:
        if other := next(others, None):
            with monkeypatch.context() as patch:
                patch.setattr(api_bookings, "change_series", change)
                assert staff.patch(path, {**other, "reason": "safety"}).status_code == 200
        return change(*arguments)

    monkeypatch.setattr(api_bookings, "change_series", late)
    changed = researcher.patch(path, {"title": "Two"}).json
    assert (changed["title"], changed["notes"], changed["people"]) == ("Two", "use the other flask", 3)


def test_staff_must_say_why(hub: Hub) -> None:
    made, staff = hub.as_("amber").book(), hub.as_("staff")
    path = f"/bookings/{made['id']}"
    for answer in (
        staff.patch(path, {"title": "Two"}),
        staff.delete(path),
        staff.delete(f"{path}?reason=%20"),
    ):
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["reason"])
    assert staff.patch(path, {"title": "Two", "reason": "a clash with cleaning"}).json["title"] == "Two"
    assert staff.delete(f"{path}?reason=leak").json["status"] == "cancelled"


def test_who_only_sees_a_booking_may_not_touch_it(hub: Hub) -> None:
    made, student = hub.as_("researcher").book(), hub.as_("student")
    path = f"/bookings/{made['id']}"
    for answer in (
        student.patch(path, {"title": "Mine"}),
        student.patch(path, {"title": "Mine"}, headers={"If-Match": '"77"'}),
        student.delete(path),
        student.post(f"{path}/approve"),
        student.post(f"{path}/decline", {"reason": "no"}),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


# --- ending ----------------------------------------------------------------------------------------


def test_cancelling_may_be_repeated_and_frees_the_slot(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = researcher.post("/bookings", a_body())
    path = f"/bookings/{made.json['id']}"
    first = researcher.delete(f"{path}?reason=ill", headers={"If-Match": made.headers["ETag"]})
    again = researcher.delete(path, headers={"If-Match": made.headers["ETag"]})
    assert (first.status_code, first.json["status"], first.json["version"]) == (200, "cancelled", 2)
    assert (again.status_code, again.json) == (200, first.json)
    assert researcher.patch(path, {"title": "Two"}).json["code"] == "not_changeable"
    assert hub.as_("birch").post("/bookings", a_body()).status_code == 201


def test_a_running_booking_is_ended_now_and_a_past_one_not_at_all(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    made = researcher.book(hours=2)
    with clock.travel(next_weekday(10.5)):
        ended = researcher.delete(f"/bookings/{made['id']}").json
        assert (ended["status"], ended["end"]) == ("completed", "2027-01-12T10:30:00Z")
    with clock.travel(next_weekday(16)):
        assert researcher.patch(f"/bookings/{made['id']}", {"title": "Two"}).status_code == 409


# --- requests --------------------------------------------------------------------------------------


def a_request(hub: Hub) -> str:
    made = hub.as_("amber").book("H-BR1", next_weekday(9.5, 7), 48)
    assert made["status"] == "requested"
    return f"/bookings/{made['id']}"


def test_staff_approve_a_request(hub: Hub) -> None:
    path, staff = a_request(hub), hub.as_("staff")
    assert hub.as_("amber").post(f"{path}/approve").status_code == 403
    assert hub.as_("sus_staff").post(f"{path}/approve").status_code == 404
    assert staff.post(f"{path}/approve").json["status"] == "confirmed"
    assert staff.post(f"{path}/approve").json["code"] == "not_changeable"


def test_staff_decline_a_request_with_a_reason(hub: Hub) -> None:
    path, staff = a_request(hub), hub.as_("technician")
    for body in ({}, {"reason": " "}, {"reason": 5}):
        answer = staff.post(f"{path}/decline", body)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["reason"])
    assert staff.post(f"{path}/decline").status_code == 422
    assert staff.post(f"{path}/decline", {"reason": "no gas that week"}).json["status"] == "declined"
    assert titles(hub.as_("amber"), "status=declined") == ["Passage 12"]


@pytest.mark.parametrize(
    "tags", ['""', 'W/""', "*", ",", 'W/"7", W/"1e100"', '"' + "0" * 32 + '.99999999999"']
)
def test_tags_that_are_not_ours_get_the_list(hub: Hub, tags: str) -> None:
    assert hub.as_("student").get("/bookings", headers={"If-None-Match": tags}).status_code == 200


def test_a_list_is_told_apart_from_itself_once_time_changes_a_status(hub: Hub) -> None:
    """A booking that ends is completed without anybody's doing: the tag says until when it is right."""
    student = hub.as_("student")
    booking = student.book(start=next_weekday(10))
    path = f"/bookings?start={booking['start']}&end={booking['end']}"
    first = student.get(path)
    known = {"If-None-Match": first.headers["ETag"]}
    assert student.get(path, headers=known).status_code == 304
    with clock.travel(next_weekday(10) + timedelta(hours=2)):
        later = student.get(path, headers=known)
    assert (later.status_code, later.json["items"][0]["status"]) == (200, "completed")
