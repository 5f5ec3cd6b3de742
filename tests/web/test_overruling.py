"""Overruling in the browser and by the API, and the list of what was overruled."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking.base.db import db
from booking.bookings.actions import book
from booking.bookings.models import Booking, Overruled
from booking.bookings.request import Override
from booking.facilities.models import Policy
from booking.web.csv_files import safe_cell
from tests.factories import LONDON, World, next_weekday, request
from tests.web.api_client import Hub, a_body
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


def the_form(visitor: Visitor) -> Any:
    start = next_weekday(9).astimezone(LONDON)
    day = start.date().isoformat()
    return visitor.get(f"/bookings/new?resource=H-BSC1&start={day}T09:00&end={day}T17:00&title=Audit")


def refused(visitor: Visitor, **changes: Any) -> Any:
    answer = visitor.send("/bookings/new", the_form(visitor), changes)
    assert answer.status_code == 422
    return visitor.look(answer)


def stored() -> list[Overruled]:
    db.session.rollback()
    return list(db.session.scalars(select(Overruled)))


def test_a_manager_is_offered_what_they_may_overrule(world: World, visit: Visit) -> None:
    page = refused(visit("staff"))
    fieldset = next(one for one in page.select("fieldset") if one.legend.get_text() == "Overrule")
    assert [box["value"] for box in fieldset.select("input[type=checkbox]")] == ["too_long"]
    assert "4 h at most" in fieldset.get_text()


@pytest.mark.parametrize("name", ["student", "technician"])
def test_nobody_else_is(world: World, visit: Visit, name: str) -> None:
    assert "Overrule" not in refused(visit(name)).get_text()


def test_overruling_in_the_form(world: World, visit: Visit) -> None:
    visitor = visit("staff")
    page = refused(visitor)
    sent = {"overrule": "too_long", "overrule_reason": "The audit is that day"}
    answer = visitor.send("/bookings/new", page, sent)
    assert answer.status_code == 303
    assert [row.code for row in stored()] == ["too_long"]
    text = visitor.get(answer.location).get_text(" ", strip=True)
    assert "Rules were overruled for it" in text
    assert "Simon Staff: The audit is that day" in text
    assert "Rules overruled" in text  # in its history
    seen = visit("student").get(answer.location).get_text()
    assert "overruled" not in seen.lower()


def test_without_a_reason_it_is_asked_for(world: World, visit: Visit) -> None:
    visitor = visit("staff")
    answer = visitor.send("/bookings/new", refused(visitor), {"overrule": "too_long"})
    assert answer.status_code == 422
    page = visitor.look(answer)
    assert "Say why" in page.get_text()
    assert page.select_one("#overrule-0[checked]") is not None
    assert stored() == []


def test_what_is_left_is_refused_and_the_choice_kept(world: World, visit: Visit) -> None:
    book(request(start=next_weekday(9), hours=1), world.viewer("student"))
    visitor = visit("staff")
    page = visitor.look(visitor.send("/bookings/new", the_form(visitor), {}))
    sent = {"overrule": "too_long", "overrule_reason": "Audit"}
    answer = visitor.send("/bookings/new", page, sent)
    assert answer.status_code == 409
    again = visitor.look(answer)
    assert again.select_one("#overrule-0[checked]") is not None
    assert stored() == []


def test_who_forges_the_field_is_told_no(world: World, visit: Visit) -> None:
    visitor = visit("student")
    sent = {"overrule": "too_long", "overrule_reason": "Please"}
    assert visitor.send("/bookings/new", the_form(visitor), sent).status_code == 403
    assert stored() == []


def test_changing_a_booking_with_overruling(world: World, visit: Visit) -> None:
    made = book(request(start=next_weekday(9)), world.viewer("staff"))
    visitor, path = visit("staff"), f"/bookings/{made.public_id}/edit"
    longer = {"end_time": "17:00", "overrule": "too_long", "overrule_reason": "It takes longer"}
    assert visitor.send(path, visitor.get(path), longer).status_code == 303
    assert [row.reason for row in stored()] == ["It takes longer"]


# --- the list


@pytest.fixture
def made(world: World) -> Booking:
    override = Override(("too_long",), "=HYPERLINK(1)")
    wish = request(start=next_weekday(9), hours=8, title="=1+1", override=override)
    return book(wish, world.viewer("staff"))


def test_the_list_and_the_file(world: World, visit: Visit, made: Booking) -> None:
    visitor = visit("technician")
    page = visitor.get("/admin/overrides?facility=HUB")
    assert page.select_one(f"a[href='/bookings/{made.public_id}']") is not None
    assert "Longer than the longest booking" in page.get_text()
    answer = visitor.client.get("/admin/overrides/overrides.csv")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    text = answer.get_data(as_text=True)
    assert "'=1+1" in text
    assert "'=HYPERLINK(1)" in text
    assert "Simon Staff" in text


def test_other_facilities_staff_find_nothing_there(world: World, visit: Visit, made: Booking) -> None:
    visitor = visit("sus_staff")
    assert "HYPERLINK" not in visitor.get("/admin/overrides").get_text()
    assert "HYPERLINK" not in visitor.client.get("/admin/overrides/overrides.csv").get_data(as_text=True)
    visit("student").get("/admin/overrides/overrides.csv", 404)


@pytest.mark.parametrize(
    "cell", ["=1", "+1", "-1", "@x", "\uff1d1", "\t=1", "\n=1", " =1", "\u3000=1", "\r1"]
)
def test_no_cell_is_a_formula(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Passage 12", "a=b", "10:00"])
def test_plain_cells_stay(cell: str) -> None:
    assert safe_cell(cell) == cell


# --- policies


def test_a_policy_says_what_may_be_overruled(world: World, visit: Visit) -> None:
    visitor = visit("staff")
    page = visitor.get("/admin/policies/new?facility=HUB")
    sent = {"name": "Strict", "says_overridable": "these", "overridable": ["notice", "closed"]}
    answer = visitor.send("/admin/policies/new?facility=HUB", page, sent)
    assert answer.status_code == 303
    db.session.rollback()
    policy = db.session.scalars(select(Policy).where(Policy.name == "Strict")).one()
    assert policy.overridable == ["notice", "closed"]
    text = visitor.get(answer.location).get_text()
    assert "Too soon: it needs notice; A day on which it is closed" in text
    assert "Overrule" not in refused(visitor).get_text()


# --- the API


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


LONG = {"hours": 8, "override": {"codes": ["too_long"], "reason": "The audit is that day"}}


def test_the_api_overrules(world: World, hub: Hub) -> None:
    body = a_body(start=next_weekday(9), **LONG)
    staff = hub.as_("staff")
    assert staff.post("/bookings/check", body).json == {
        "ok": True,
        "refusals": [],
        "alternatives": [],
        "estimate": {},
    }
    assert staff.post("/bookings", body).status_code == 201
    assert [row.reason for row in stored()] == ["The audit is that day"]


@pytest.mark.parametrize("name", ["student", "technician", "amber"])
def test_the_api_tells_others_no(world: World, hub: Hub, name: str) -> None:
    body = a_body(start=next_weekday(9), **LONG)
    for path in ("/bookings", "/bookings/check"):
        answer = hub.as_(name).post(path, body)
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert stored() == []


def test_the_api_lists_what_is_left(world: World, hub: Hub) -> None:
    override = {"codes": ["notice"], "reason": "Audit"}
    answer = hub.as_("staff").post("/bookings", a_body(start=next_weekday(9), hours=8, override=override))
    assert (answer.status_code, answer.json["code"]) == (422, "too_long")


BAD: dict[str, Any] = {
    "no codes": {"reason": "x"},
    "empty codes": {"codes": [], "reason": "x"},
    "a code that is none": {"codes": ["slot_taken"], "reason": "x"},
    "no reason": {"codes": ["too_long"]},
    "an empty reason": {"codes": ["too_long"], "reason": " "},
    "a text": "too_long",
    "a list": ["too_long"],
    "more": {"codes": ["too_long"], "reason": "x", "by": "me"},
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_override_is_told_so(world: World, hub: Hub, what: str) -> None:
    body = a_body(start=next_weekday(9), hours=8, override=BAD[what])
    answer = hub.as_("staff").post("/bookings", body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert any(name.startswith("override") for name in answer.json["errors"])


def test_a_patch_overrules(world: World, hub: Hub) -> None:
    made = hub.as_("staff").post("/bookings", a_body(start=next_weekday(9))).json
    end = a_body(start=next_weekday(9), hours=8)["end"]
    path = f"/bookings/{made['id']}"
    assert hub.as_("staff").patch(path, {"end": end}).status_code == 422
    answer = hub.as_("staff").patch(path, {"end": end, "override": LONG["override"]})
    assert answer.status_code == 200
    assert [row.code for row in stored()] == ["too_long"]
