"""The API's catalogue: who I am, facilities, rooms, resources, and when they are free."""

from datetime import timedelta

import pytest
from flask import Flask

from tests.factories import MACHINES, World, next_weekday
from tests.web.api_client import Hub, text


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def test_me_says_who_i_am(hub: Hub) -> None:
    me = hub.as_("researcher").get("/me").json
    assert (me["name"], me["role"]) == ("Rhona Researcher", "researcher")
    assert me["organisation"] == {"code": "UNI", "name": "Metropolitan University"}
    assert [project["code"] for project in me["projects"]] == ["P-OPEN", "P-SECRET"]
    assert me["quotas"] == []


def test_me_names_my_duties(hub: Hub) -> None:
    for name, duty in (
        ("staff", {"duty": "facility_manager", "facility": "HUB"}),
        ("technician", {"duty": "technician", "facility": "HUB"}),
        ("coordinator", {"duty": "coordinator", "organisation": "NWT"}),
        ("leader", {"duty": "group_lead", "project": "P-OPEN"}),
    ):
        assert duty in hub.as_(name).get("/me").json["duties"]
    assert hub.as_("student").get("/me").json["duties"] == []


def test_facilities_are_listed_with_their_state(hub: Hub) -> None:
    listed = hub.as_("student").get("/facilities").json
    assert [(one["code"], one["state"]) for one in listed["items"]] == [("HUB", "live"), ("SUS", "planned")]
    assert listed["next"] is None


def test_a_facility_has_rooms_hours_and_lifecycle(hub: Hub) -> None:
    shown = hub.as_("amber").get("/facilities/SUS").json
    assert shown["rooms"] == ["S-01"]
    assert {"hours": "staffed", "weekday": 0, "opens": "08:30", "closes": "17:30"} in shown["hours"]
    assert [step["state"] for step in shown["lifecycle"]] == ["planned", "commissioning", "pilot", "live"]


def test_rooms_of_one_facility(hub: Hub) -> None:
    student = hub.as_("student")
    assert [room["code"] for room in student.get("/rooms?facility=SUS").json["items"]] == ["S-01"]
    assert len(student.get("/rooms").json["items"]) == 5


def test_resources_are_filtered(hub: Hub) -> None:
    student = hub.as_("student")
    for query, codes in (
        ("facility=SUS", ["S-BSC"]),
        ("room=H-02", ["H-LC", "H-BR1", "H-VEC"]),
        ("kind=incubator", ["H-INC1"]),
        ("q=CABINET", ["H-BSC1", "H-BSC2", "H-VEC", "S-BSC"]),
        ("facility=HUB&kind=workstation&q=1", ["H-BSC1"]),
        ("facility=&room=&kind=&q=", [machine.code for machine in MACHINES.values()]),
    ):
        found = student.get(f"/resources?{query}").json["items"]
        assert [resource["code"] for resource in found] == codes, query


WRONG = [
    ("/resources?facility=NO", "facility"),
    ("/resources?room=NO", "room"),
    ("/resources?kind=castle", "kind"),
    ("/rooms?facility=NO", "facility"),
    ("/resources?limit=0", "limit"),
    ("/resources?limit=201", "limit"),
    ("/resources?limit=١", "limit"),
    ("/resources?cursor=nonsense", "cursor"),
    ("/resources?cursor=W1tbXV0sW11d", "cursor"),
    ("/resources?q=%00", "q"),
    ("/resources/H-BSC1/availability?start=2027-01-12T10:00:00", "start"),
    ("/resources/H-BSC1/availability?start=2027-01-12T10:00:00Z&end=2027-01-12T10:00:00Z", "end"),
    ("/resources/H-BSC1/availability?start=2027-01-12T10:00:00Z&end=2028-12-12T10:00:00Z", "end"),
]


def test_a_wrong_query_is_named(hub: Hub) -> None:
    student = hub.as_("student")
    for path, field in WRONG:
        answer = student.get(path)
        told = (answer.status_code, answer.json["code"], list(answer.json.get("errors", ())))
        assert told == (422, "invalid", [field]), path


def test_pages_follow_each_other(hub: Hub) -> None:
    student, seen, cursor = hub.as_("student"), [], ""
    for _ in range(5):
        page = student.get(f"/resources?limit=2&cursor={cursor}").json
        seen += [resource["code"] for resource in page["items"]]
        cursor = page["next"]
    assert cursor is None
    assert seen == [machine.code for machine in MACHINES.values()]


def test_a_resource_says_which_rules_hold_for_me_and_why(hub: Hub) -> None:
    shown = hub.as_("student").get("/resources/H-BSC1").json
    rules = {rule["name"]: rule for rule in shown["rules"]}
    assert rules["max_minutes"] == {
        "name": "max_minutes",
        "value": 240,
        "set_by": "Simon Staff",
        "applies_because": "it is set for H-BSC1",
    }
    assert rules["horizon_days"]["set_by"] == "the product"
    assert rules["roles"]["value"] == ["student", "researcher", "industry"]
    assert shown["substitutes"] == ["H-BSC2"]
    assert shown["opens_to_me"] == "2027-01-11"


def test_a_resource_that_opens_later_says_when(hub: Hub) -> None:
    assert hub.as_("student").get("/resources/S-BSC").json["opens_to_me"] == "2027-02-24"
    assert hub.as_("researcher").get("/resources/S-BSC").json["opens_to_me"] == "2027-02-17"


def test_what_is_not_there_is_not_found(hub: Hub) -> None:
    student = hub.as_("student")
    for path in ("/facilities/NO", "/resources/NO", "/resources/NO/availability", "/resources/%00"):
        assert student.get(path).json["code"] == "not_found"


# --- availability ----------------------------------------------------------------------------------


def window(hours: float = 9) -> str:
    start = next_weekday(8.5)
    return f"start={text(start)}&end={text(start + timedelta(hours=hours))}"


def test_availability_shows_the_hours_of_my_role(hub: Hub) -> None:
    start = next_weekday(0)
    path = f"/resources/H-BSC1/availability?start={text(start)}&end={text(start + timedelta(days=1))}"
    assert hub.as_("student").get(path).json["open"] == [["2027-01-12T08:30:00Z", "2027-01-12T17:30:00Z"]]
    assert hub.as_("researcher").get(path).json["open"] == [["2027-01-12T07:00:00Z", "2027-01-12T19:00:00Z"]]


def test_nothing_is_open_to_a_role_that_may_not_book(hub: Hub) -> None:
    assert hub.as_("amber").get(f"/resources/H-VEC/availability?{window()}").json["open"] == []
    assert hub.as_("student").get(f"/resources/H-VEC/availability?{window()}").json["open"] != []


def test_availability_shows_what_is_taken_by_level(hub: Hub) -> None:
    made = hub.as_("amber").book(start=next_weekday(10), title="Clone 7 expansion")
    held = {"start": "2027-01-12T09:45:00Z", "end": "2027-01-12T11:15:00Z", "units": 1}
    path = f"/resources/H-BSC1/availability?{window()}"
    seen = {name: hub.as_(name).get(path).json["busy"] for name in ("amber2", "staff", "student", "birch")}
    full = [{**held, "label": "Clone 7 expansion", "booking": made["id"]}]
    assert seen == {
        "amber2": full,
        "staff": full,
        "student": [{**held, "label": "Partner Amber"}],
        "birch": [held],
    }


def test_availability_counts_units(hub: Hub) -> None:
    start = next_weekday(10)
    hub.as_("amber").book({"code": "H-INC1", "units": 3}, start, 24)
    shown = hub.as_("birch").get(f"/resources/H-INC1/availability?{window()}").json
    assert shown["units"] == 8
    assert [one["units"] for one in shown["busy"]] == [3]


def test_an_unquoted_plus_in_an_address_is_understood(hub: Hub) -> None:
    path = "/resources/H-BSC1/availability?start=2027-01-12T01:00:00+01:00&end=2027-01-12T23:00:00+00:00"
    assert hub.as_("student").get(path).json["open"] == [["2027-01-12T08:30:00Z", "2027-01-12T17:30:00Z"]]


def test_a_window_may_be_left_open(hub: Hub) -> None:
    student = hub.as_("student")
    assert len(student.get("/resources/H-BSC1/availability").json["open"]) == 11
    assert len(student.get("/resources/H-BSC1/availability?start=2027-02-01T00:00:00Z").json["open"]) == 10
    ending = student.get("/resources/H-BSC1/availability?end=2027-01-13T00:00:00Z").json["open"]
    assert ending[-1] == ["2027-01-12T08:30:00Z", "2027-01-12T17:30:00Z"]


# --- what does not change need not be sent again ---------------------------------------------------


def test_an_answer_that_the_caller_has_is_not_sent_again(hub: Hub) -> None:
    student = hub.as_("student")
    for path in ("/me", "/facilities", "/facilities/HUB", "/rooms", "/resources", "/resources/H-BSC1"):
        first = student.get(path)
        assert first.headers["Cache-Control"] == "private, no-cache"
        tag = first.headers["ETag"]
        for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = student.get(path, headers={"If-None-Match": header})
            assert (again.status_code, again.headers["ETag"]) == (304, tag)
        assert student.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_head_answers_like_get_without_a_body(hub: Hub) -> None:
    student = hub.as_("student")
    head, full = student.send("HEAD", "/resources"), student.get("/resources")
    assert (head.status_code, head.headers["ETag"]) == (200, full.headers["ETag"])
