"""Training in the browser and by JSON: what I need, sessions, outcomes, permits and their papers."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
from flask import Flask

from booking.base import clock
from booking.base.db import db
from booking.bookings.actions import book
from booking.facilities.queries import places
from booking.people.models import User
from booking.training.models import Competence
from booking.training.permits import keep_document
from booking.training.queries import competences_of
from tests.db.training_world import (
    a_certificate,
    a_module,
    a_need,
    a_permit,
    a_session,
    competent,
    today,
)
from tests.factories import World, email_of, next_weekday, request, working_day
from tests.web.api_client import Hub, a_body
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


def test_the_resource_page_says_what_it_asks_of_me(world: World, visit: Visit) -> None:
    first = a_module("T-0", world)
    module = a_module("T-1", world, "H-BSC1", first=first, set_by="Training team")
    a_need(world, resource_id=world.resources["H-BSC1"])
    a_need(world, "Out-of-hours working", at_times="out_of_hours")
    a_certificate(world, "H-BSC1", today() + timedelta(days=9))
    session = a_session(world, module, working_day(0, 13))
    page = visit("student").get("/resources/H-BSC1")
    text = page.get_text(" ", strip=True)
    assert "2 to do before you can book it alone" in text
    assert "T-1 Module T-1 Missing" in text
    assert "Training team" in text
    assert "First: T-0" in text
    assert page.select_one(f"a[href='/training/sessions/{session.id}']")
    assert "It may be used through Wed 20 Jan 2027" in text
    assert "You cannot book it yet" in text
    competent(world, "student", module)
    a_permit(user_id=world.users["student"])
    text = visit("student").get("/resources/H-BSC1").get_text(" ", strip=True)
    assert "You have what it asks for" in text
    assert "Only then" in text  # the permit for odd hours


def test_a_refusal_names_the_rule_its_owner_and_the_session(world: World, visit: Visit) -> None:
    module = a_module("T-1", world, "H-BSC1", set_by="Training team")
    a_session(world, module, working_day(0, 13))
    visitor = visit("student")
    page = visitor.get("/bookings/new?resource=H-BSC1&start=2027-01-13T10:00&end=2027-01-13T11:00")
    answer = visitor.send("/bookings/new", page, {"title": "Mine"}, "book=1")
    assert answer.status_code == 422
    text = visitor.look(answer).get_text(" ", strip=True)
    assert "Rule: T-1 Module T-1, set by Training team" in text
    assert "Book a place in T-1 on Tue 12 Jan 2027, 13:00" in text


def test_places_are_taken_and_left_on_the_page(world: World, visit: Visit) -> None:
    module = a_module("T-1", world, "H-BSC1")
    session = a_session(world, module, working_day(0, 13), places=1)
    mine, other = visit("student"), visit("researcher")
    path = f"/training/sessions/{session.id}"
    assert "1 left" in mine.get("/training").get_text()
    assert mine.post(f"{path}/take", form_at="/training").status_code == 303
    assert "Your place" in mine.get("/training").get_text()
    full = other.post(f"{path}/take", form_at="/account")
    assert full.status_code == 409
    assert "This session is full." in other.look(full).get_text()
    assert "Stella" not in other.get(path).get_text()
    assert mine.post(f"{path}/leave", form_at=path).status_code == 303
    assert other.post(f"{path}/take", form_at=path).status_code == 303
    assert mine.get("/training/sessions/99", status=404)


def test_a_trainer_plans_a_session_and_records_how_it_went(world: World, visit: Visit) -> None:
    module = a_module("T-1", world, "H-BSC1", valid_months=6)
    staff = visit("staff")
    page = staff.get("/training/sessions/new")
    fields = {
        "module": "T-1",
        "start_date": "2027-01-12",
        "start_time": "10:00",
        "end_time": "12:00",
        "places": "3",
    }
    wrong = staff.send("/training/sessions/new", page, {**fields, "end_time": "09:00"})
    assert wrong.status_code == 422
    assert "The end must be after the start." in staff.look(wrong).get_text()
    answer = staff.send("/training/sessions/new", page, fields)
    assert answer.status_code == 303
    path = answer.location
    edit = staff.get(f"{path}/edit")
    assert staff.send(f"{path}/edit", edit, {"places": "5"}).status_code == 303
    added = staff.post(f"{path}/people", {"person": email_of("student")}, form_at=path)
    assert added.status_code == 303
    assert staff.post(f"{path}/people", {"person": "nobody"}, form_at=path).status_code == 422
    with clock.travel(next_weekday(13)):
        key = world.users["student"]
        sent = staff.post(f"{path}/outcomes", {f"outcome-{key}": "passed", "outcome-x": "1"}, form_at=path)
        assert sent.status_code == 303
    ((held, _),) = competences_of(key)
    assert (held.module_id, held.level) == (module.id, "competent")
    assert str(held.valid_through) == "2027-07-12"
    assert visit("student").client.get("/training/sessions/new").status_code == 403
    assert visit("student").post(f"{path}/cancel", {"reason": "x"}, form_at="/account").status_code == 403


def test_staff_keep_training_and_permits_in_the_browser(world: World, visit: Visit) -> None:
    staff = visit("staff")
    page = staff.get("/admin/training/new")
    added = staff.send("/admin/training/new", page, {"code": "T-1", "title": "Cabinets", "lapse_months": "6"})
    assert added.location == "/admin/training/T-1"
    asks = staff.get("/admin/training/resources/H-BSC1")
    name = asks.select_one("select[name^=level-]")["name"]
    assert staff.send("/admin/training/resources/H-BSC1", asks, {name: "competent"}).status_code == 303
    assert "H-BSC1" in staff.get("/admin/training/T-1").get_text()
    person = db.session.get_one(User, world.users["student"]).public_id
    path = f"/admin/training/people/{person}/award"
    assert staff.send(path, staff.get(path), {"module": "T-1"}).status_code == 303
    assert "T-1 Cabinets" in staff.get(f"/admin/people/{person}").get_text()
    book(request(), world.viewer("student"))
    path = f"/admin/training/people/{person}/withdraw"
    assert staff.send(path, staff.get(path), {"module": "T-1", "reason": "A spill."}).status_code == 303
    text = staff.get("/admin/training/expiry").get_text(" ", strip=True)
    assert "1 booking to come" in text
    assert "Passage 12" in text
    certificate = "/admin/training/resources/H-BSC1/certificates"
    sent = staff.send(
        certificate, staff.get(certificate), {"kind": "Examination", "valid_through": "2027-01-20"}
    )
    assert sent.status_code == 303
    found = places().by_code["H-BSC1"].serviceable_until
    assert found is not None
    assert "serviceable until Wed 20 Jan 2027" in staff.get("/admin/resources/H-BSC1").get_text()


def test_permits_in_the_browser(world: World, visit: Visit) -> None:
    staff = visit("staff")
    need = staff.get("/admin/permits/needs/new")
    wanted = {"permit": "Risk assessment", "set_by": "Safety", "resource": "H-BSC1"}
    assert staff.send("/admin/permits/needs/new", need, wanted).status_code == 303
    assert "Risk assessment" in staff.get("/admin/permits/needs").get_text()
    new = staff.get("/admin/permits/new")
    fields = {
        "reference": "RA-1",
        "kind": "Risk assessment",
        "valid_through": "2027-12-31",
        "project": "P-OPEN",
    }
    path = staff.send("/admin/permits/new", new, fields).location
    page = staff.get(f"{path}/document")
    token = page.select_one("input[name=csrf_token]")["value"]

    def send(content: bytes, name: str = "paper.pdf") -> int:
        data = {"csrf_token": token, "document": (BytesIO(content), name)}
        return staff.client.post(f"{path}/document", data=data).status_code

    assert send(b"<script>") == 422
    assert send(b"%PDF-1.7 paper") == 303
    works = staff.get("/admin/permits/projects/P-OPEN")
    assert staff.send("/admin/permits/projects/P-OPEN", works, {"works": "Donor material"}).status_code == 303
    assert "Donor material" in staff.get("/admin/projects/P-OPEN").get_text()
    back = staff.get(f"{path}/withdraw")
    assert staff.send(f"{path}/withdraw", back, {"reason": "Superseded."}).status_code == 303
    assert "Withdrawn" in staff.get(path).get_text()
    assert "RA-1" in staff.get("/admin/permits?state=past&q=risk").get_text()


@pytest.mark.parametrize(("name", "status"), [("student", 200), ("colleague", 404), ("amber", 404)])
def test_a_paper_is_downloaded_only_by_those_who_may(
    world: World, visit: Visit, name: str, status: int
) -> None:
    permit = a_permit(project_id=world.projects["P-OPEN"])
    keep_document(permit.id, "paper", b"%PDF-1.7 paper", world.viewer("staff"))
    answer = visit(name).client.get(f"/training/permits/{permit.id}/document")
    assert answer.status_code == status
    if status == 200:
        assert answer.mimetype == "application/pdf"
        assert answer.headers["Content-Disposition"] == "attachment; filename=paper.pdf"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


# --- by JSON


def test_training_by_json(world: World, world_app: Flask) -> None:
    first = a_module("T-0", world)
    module = a_module("T-1", world, "H-BSC1", first=first, valid_months=12)
    sessions = [a_session(world, module, working_day(n, 9), places=1) for n in range(3)]
    me = Hub(world_app, world).as_("student")
    modules = me.get("/training/modules").json["items"]
    assert [(one["code"], one["first"], one["resources"]) for one in modules] == [
        ("T-0", [], []),
        ("T-1", ["T-0"], ["H-BSC1"]),
    ]
    mine = me.get("/training/mine").json
    assert mine["competences"] == []
    assert [(one["resource"], one["lacking"]) for one in mine["needs"]] == [("H-BSC1", 1)]
    page = me.get("/training/sessions?limit=2").json
    rest = me.get(f"/training/sessions?limit=2&cursor={page['next']}").json
    assert [one["id"] for one in page["items"] + rest["items"]] == [one.id for one in sessions]
    assert rest["next"] is None
    path = f"/training/sessions/{sessions[0].id}/places"
    assert me.post(path).status_code == 403
    competent(world, "student", first)
    taken = me.post(path)
    assert (taken.status_code, taken.json["mine"], taken.json["left"]) == (201, True, 0)
    assert me.post(path).status_code == 201
    assert me.post("/training/sessions/999/places").status_code == 404
    assert me.delete(path).json["mine"] is False
    assert me.delete(path).status_code == 200
    refused = me.post("/bookings", a_body())
    assert (refused.status_code, refused.json["code"]) == (422, "training_missing")
    offered = [[one["code"] for one in each["resources"]] for each in refused.json["alternatives"]]
    assert offered == [["H-BSC2"]]  # the twin asks for nothing
    rules = me.get("/resources/H-BSC1").json["rules"]
    assert {"name": "training", "value": "T-1", "set_by": "HUB trainers"}.items() <= rules[-1].items()
    assert db.session.query(Competence).count() == 1
