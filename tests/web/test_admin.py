"""Administration by form, without JavaScript: everything that staff and administrators keep."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.base.db import db, transaction
from booking.bookings import actions as bookings
from booking.bookings.request import Wanted
from booking.facilities.actions import directory_changed
from booking.facilities.models import Closure, Policy
from booking.facilities.queries import places
from booking.people import sessions
from booking.people.models import Organisation, Project, User
from tests.factories import MONDAY, World, next_weekday, request
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]
FINE = "seven quiet incubators"


def filled(visitor: Visitor, path: str, changes: dict[str, Any]) -> Any:
    """Open a form, fill some fields in anew, send it; return the answer."""
    return visitor.send(path, visitor.get(path), changes)


def stored(visitor: Visitor, path: str, changes: dict[str, Any]) -> Any:
    """Send a form that is expected to be stored; return the page that follows."""
    answer = filled(visitor, path, changes)
    assert answer.status_code == 303, visitor.look(answer).main.get_text(" ", strip=True)[:500]
    return visitor.get(answer.location)


def refused(visitor: Visitor, path: str, changes: dict[str, Any], *fields: str) -> Any:
    """Send a form that is expected to come back with faults at some fields and everything else kept."""
    answer = filled(visitor, path, changes)
    assert answer.status_code == 422
    page = visitor.look(answer)
    assert page.title.get_text().startswith("Error: ")
    wrong = {control["name"] for control in page.select("main [aria-invalid=true][name]")}
    wrong |= {group.select_one("input")["name"] for group in page.select("main fieldset[aria-invalid=true]")}
    assert wrong == set(fields), page.select_one(".summary")
    for link in page.select(".summary a"):
        assert page.select_one(link["href"]) is not None
    return page


def fresh() -> None:
    """Forget what this test has read: the page that was just sent changed it."""
    db.session.rollback()
    db.session.expire_all()


def row(model: Any, **named: Any) -> Any:
    fresh()
    return db.session.scalars(select(model).filter_by(**named)).one()


def count(model: Any) -> int:
    fresh()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def page_of(world: World, name: str) -> str:
    return f"/admin/people/{db.session.get_one(User, world.users[name]).public_id}"


# --- people ----------------------------------------------------------------------------------------


def test_somebody_is_added_found_changed_and_closed(visit: Visit, world: World) -> None:
    visitor = visit("admin")
    data = {
        "name": "Nia Newcomer",
        "email": "Nia@partner.example",
        "role": "industry",
        "organisation": "NWT",
        "password": FINE,
    }
    page = stored(visitor, "/admin/people/new", data)
    assert page.h1.get_text() == "Nia Newcomer"
    fresh()
    assert sessions.sign_in("nia@partner.example", FINE, "10.0.0.1", "", 10)
    found = visitor.get("/admin/people?q=newcomer&role=industry&organisation=NWT")
    assert [link.get_text() for link in found.select("main tbody a")] == ["Nia Newcomer"]
    nia = row(User, email="nia@partner.example")
    edit = f"/admin/people/{nia.public_id}/edit"
    page = stored(visitor, edit, {"group": "Downstream"})
    assert "Downstream" in page.select_one(".history").get_text()
    form = visitor.get(edit)
    form.select_one("input[name=active]").attrs.pop("checked")
    assert visitor.send(edit, form, {}).status_code == 303
    assert not row(User, email="nia@partner.example").active
    assert "Nia" not in visitor.get("/admin/people").main.get_text()
    assert "Nia" in visitor.get("/admin/people?state=closed").main.get_text()


def test_what_was_typed_stays_when_something_is_wrong(visit: Visit, world: World) -> None:
    visitor, before = visit("admin"), count(User)
    data = {"name": "Nia <b>", "email": "no address", "group": "x" * 101, "password": "short"}
    page = refused(visitor, "/admin/people/new", data, "email", "group", "password")
    assert page.select_one("#name")["value"] == "Nia <b>"
    assert page.select_one("#email")["value"] == "no address"
    assert not page.select_one("#password").get("value"), "a password is never sent back"
    refused(visitor, "/admin/people/new", {**data, "role": "king"}, "role")
    assert count(User) == before


def test_a_manager_is_not_offered_to_make_admins(visit: Visit, world: World) -> None:
    visitor = visit("staff")
    offered = [option["value"] for option in visitor.get("/admin/people/new").select("#role option")]
    assert offered == ["student", "researcher", "industry", "staff"]
    data = {"name": "Evil", "email": "evil@hub.example", "role": "admin", "organisation": "UNI"}
    refused(visitor, "/admin/people/new", data, "role")


def test_two_who_edit_at_once_do_not_overwrite_each_other_unseen(visit: Visit, world: World) -> None:
    visitor, edit = visit("admin"), page_of(world, "amber") + "/edit"
    first, second = visitor.get(edit), visitor.get(edit)
    assert visitor.send(edit, first, {"group": "First"}).status_code == 303
    answer = visitor.send(edit, second, {"group": "Second"})
    assert answer.status_code == 412
    page = visitor.look(answer)
    assert page.select_one("#group")["value"] == "Second"
    assert "First" in page.select_one(".history").get_text()
    assert row(User, id=world.users["amber"]).group == "First"
    assert visitor.send(edit, page, {}).status_code == 303
    assert row(User, id=world.users["amber"]).group == "Second"


def test_a_new_password_signs_its_owner_out(visit: Visit, world: World) -> None:
    theirs, visitor = visit("amber"), visit("admin")
    path = page_of(world, "amber") + "/password"
    refused(visitor, path, {"password": "short"}, "password")
    theirs.get("/account")
    stored(visitor, path, {"password": FINE})
    assert theirs.client.get("/account").status_code == 302
    history = visitor.get(page_of(world, "amber")).select_one(".history").get_text()
    assert "New password" in history
    assert "igned in" not in history, "when somebody signs in is nobody's business"
    with transaction():
        directory_changed()


def test_a_manager_gives_duties_at_their_facility(visit: Visit, world: World) -> None:
    visitor, path = visit("staff"), page_of(world, "technician") + "/duties"
    page = visitor.get(path)
    hub = world.facilities["HUB"]
    assert {box["name"] for box in page.select("input[type=checkbox]")} == {f"duties_{hub}"}
    page = stored(visitor, path, {f"duties_{hub}": ["trainer", "observer"]})
    assert "HUB: Observer, Trainer" in page.main.get_text()
    fresh()
    assert set(world.viewer("technician").duties) == {("trainer", hub), ("observer", hub)}
    refused(visitor, path, {f"duties_{hub}": ["king"]}, f"duties_{hub}")


def test_a_long_list_of_people_goes_on(visit: Visit, world: World) -> None:
    with transaction():
        for n in range(120):
            person = User(email=f"p{n:03}@x.example", name=f"Person {n:03}", role="student")
            person.organisation_id = world.organisations["host"]
            person.created_at = person.renamed_at = MONDAY
            db.session.add(person)
        directory_changed()
    visitor, path, names, pages = visit("admin"), "/admin/people?q=person", [], 0
    while path:
        page = visitor.get(path)
        names += [link.get_text() for link in page.select("main tbody a")]
        following = page.select_one("a[rel=next]")
        path, pages = following["href"] if following else "", pages + 1
    assert (len(names), pages) == (120, 3)
    assert names == sorted(set(names))


# --- organisations and projects --------------------------------------------------------------------


def test_an_organisation_is_added_and_changed(visit: Visit, world: World) -> None:
    visitor = visit("admin")
    data = {"code": "QRS", "name": "Quarry Sciences", "alias": "", "kind": "member"}
    page = refused(visitor, "/admin/organisations/new", data, "alias")
    assert "all that others see" in page.select_one("#alias-error").get_text()
    stored(visitor, "/admin/organisations/new", {**data, "alias": "Partner Dusk"})
    assert row(Organisation, code="QRS").active
    edit = "/admin/organisations/QRS/edit"
    people = "amber@partner.example\nnobody@partner.example"
    page = refused(visitor, edit, {"coordinators": people}, "coordinators")
    assert "nobody@partner.example" in page.select_one("#coordinators-error").get_text()
    assert page.select_one("#coordinators").get_text().strip() == people
    page = stored(visitor, edit, {"coordinators": "amber@partner.example, amber2@partner.example"})
    assert "Anna Okafor" in page.main.get_text()
    assert row(Organisation, code="QRS").id in world.viewer("amber2").coordinates


def test_a_project_is_added_and_made_confidential(visit: Visit, world: World) -> None:
    visitor = visit("staff")
    data = {"code": "P-1", "name": "Fresh start", "organisation": "NWT", "leads": "amber@partner.example"}
    stored(visitor, "/admin/projects/new", data)
    assert not row(Project, code="P-1").confidential
    page = stored(visitor, "/admin/projects/P-1/edit", {"confidential": "y"})
    assert row(Project, code="P-1").confidential
    assert "Anna Okafor leads it" in page.main.get_text(" ", strip=True)


# --- facilities and rooms --------------------------------------------------------------------------


def test_a_facility_is_added_opened_and_given_dates(visit: Visit, world: World) -> None:
    visitor = visit("admin")
    data = {"code": "EAST", "name": "Campus East", "timezone": "Europe/Lisbon", "holidays": ""}
    refused(visitor, "/admin/facilities/new", {**data, "timezone": "Nowhere"}, "timezone")
    stored(visitor, "/admin/facilities/new", data)
    assert visitor.get("/admin/facilities/EAST/edit").select_one("#timezone") is None
    path = "/admin/facilities/EAST/hours"
    refused(visitor, path, {"staffed_0": "nine to five"}, "staffed_0")
    refused(visitor, path, {"staffed_0": "25:00-26:00", "extended_1": "18:00-09:00"}, "staffed_0")
    refused(visitor, path, {"extended_1": "18:00-09:00"}, "extended_1")
    page = stored(visitor, path, {"staffed_0": "8:30 – 12:00, 13:00-17:30"})
    assert "08:30-12:00, 13:00-17:30" in page.main.get_text()
    page = visitor.get(path)
    assert page.select_one("#staffed_0")["value"] == "08:30-12:00, 13:00-17:30"
    dates = {"planned": "2027-01-01", "live": "2027-06-01"}
    refused(visitor, "/admin/facilities/EAST/lifecycle", {**dates, "live": "2026-01-01"}, "live")
    refused(visitor, "/admin/facilities/EAST/lifecycle", {**dates, "live": "2027-02-30"}, "live")
    page = stored(visitor, "/admin/facilities/EAST/lifecycle", dates)
    assert "Tue 1 Jun 2027" in page.main.get_text()


def test_moving_the_go_live_date_shows_the_bookings_before_it(visit: Visit, world: World) -> None:
    made = bookings.book(
        request("S-BSC", next_weekday(10, days=45), title="First run"), world.viewer("researcher")
    )
    visitor = visit("sus_staff")
    page = visitor.get("/admin/facilities/SUS/lifecycle")
    later = f"{MONDAY.date() + timedelta(days=90)}"
    assert page.select_one("#live")["value"] == f"{MONDAY.date() + timedelta(days=44)}"
    page = stored(visitor, "/admin/facilities/SUS/lifecycle", {"pilot": "", "live": later})
    assert "1 booking lies" in page.select_one(".flash").get_text()
    listed = page.select_one("#bookings")
    assert listed.select_one("a")["href"] == f"/bookings/{made.public_id}"
    assert "First run" in listed.get_text()
    fresh()
    assert bookings.find(made.public_id, world.viewer("researcher")).status == "confirmed"
    elsewhere = visit("technician").get("/admin/facilities/SUS").select_one("#bookings")
    assert "First run" not in elsewhere.get_text(), "staff of another facility are told only how many"
    assert "1 more" in elsewhere.get_text()


def test_a_room_is_added_and_changed(visit: Visit, world: World) -> None:
    visitor = visit("staff")
    data = {"facility": "HUB", "code": "H-20", "name": "New laboratory", "max_persons": "4"}
    refused(visitor, "/admin/rooms/new", {**data, "max_persons": "many"}, "max_persons")
    refused(visitor, "/admin/rooms/new", {**data, "facility": "SUS"}, "facility")
    stored(visitor, "/admin/rooms/new", data)
    page = stored(visitor, "/admin/rooms/H-20/edit", {"max_persons": "2"})
    assert "Max persons: was 4" in page.select_one(".history").get_text(" ", strip=True)
    fresh()
    room = places().room("H-20")
    assert room is not None
    assert room.max_persons == 2


# --- resources -------------------------------------------------------------------------------------


def test_a_resource_is_added_changed_and_given_units(visit: Visit, world: World) -> None:
    visitor = visit("staff")
    data = {"code": "H-MIX", "name": "Mixer", "kind": "support", "room": "H-01", "units": "2"}
    refused(visitor, "/admin/resources/new", {**data, "units": "0", "twins": "NONE"}, "units", "twins")
    page = stored(visitor, "/admin/resources/new", {**data, "twins": "H-BSC1, H-BSC2"})
    assert "Cabinet 1" in page.main.get_text()
    assert visitor.get("/admin/resources/H-MIX/edit").select_one("#long_stay") is None
    stored(visitor, "/admin/resources/H-MIX/edit", {"name": "Big mixer", "approval": "y"})
    fresh()
    assert places().by_code["H-MIX"].approval
    path = "/admin/resources/H-MIX/units"
    page = visitor.get(path)
    first = page.select_one("input[name^=name-]")["name"]
    refused(visitor, path, {first: "2"}, f"name-{int(first[5:]) + 1}")
    stored(visitor, path, {first: "left bay", "add": "1"})
    fresh()
    assert [unit.name for unit in places().by_code["H-MIX"].units] == ["left bay", "2", "3"]


def test_an_admin_says_first_where_a_resource_is_to_be(visit: Visit, world: World) -> None:
    page = visit("admin").get("/admin/resources/new")
    links = [link["href"] for link in page.select("main .card a")]
    assert links == ["/admin/resources/new?facility=HUB", "/admin/resources/new?facility=SUS"]


def test_a_unit_that_is_booked_cannot_be_retired(visit: Visit, world: World) -> None:
    wanted = Wanted("H-INC1", unit_names=("shelf 8",))
    bookings.book(request(wanted, next_weekday(10), hours=24), world.viewer("researcher"))
    visitor, path = visit("staff"), "/admin/resources/H-INC1/units"
    page = visitor.get(path)
    last = page.select("input[name^=active-]")[-1]
    last.attrs.pop("checked")
    answer = visitor.send(path, page, {})
    assert answer.status_code == 422
    name = f"name-{last['name'][7:]}"
    again = visitor.look(answer)
    assert "Bookings still lie ahead" in again.find(id=f"{name}-error").get_text()
    assert not again.find(id=last["name"]).has_attr("checked"), "what was chosen stays chosen"


def test_rules_are_shown_for_each_role_with_where_they_come_from(visit: Visit, world: World) -> None:
    page = visit("technician").get("/admin/resources/H-LN2")
    table = page.find("caption", string="Rules for H-LN2").find_parent("table")
    cells = {
        tr.td.get_text(): [td.get_text() for td in tr.select("td")[1:]] for tr in table.select("tbody tr")
    }
    assert cells["Longest booking"] == ["730 days", "H-LN2 rules, set by Simon Staff"]


# --- policies and closures -------------------------------------------------------------------------


def test_a_policy_is_written_in_lengths_and_counts_at_once(visit: Visit, world: World) -> None:
    visitor, before = visit("staff"), count(Policy)
    data = {
        "name": "Short for students",
        "resource": "H-BSC1",
        "role": "student",
        "max_minutes": "1 h 30 min",
    }
    wrong = {**data, "max_minutes": "long", "horizon_days": "3 h", "grid_minutes": "15"}
    page = refused(visitor, "/admin/policies/new", wrong, "max_minutes", "horizon_days", "grid_minutes")
    assert page.select_one("#max_minutes")["value"] == "long"
    refused(visitor, "/admin/policies/new", {**data, "max_minutes": ""}, "name")
    assert count(Policy) == before
    page = stored(visitor, "/admin/policies/new", data)
    assert "1 h 30 min" in page.main.get_text()
    policy = row(Policy, name="Short for students")
    assert (policy.max_minutes, policy.set_by, policy.roles) == (90, "Simon Staff", None)
    edit = f"/admin/policies/{policy.id}/edit"
    assert visitor.get(edit).select_one("#max_minutes")["value"] == "1 h 30 min"
    stored(visitor, edit, {"horizon_days": "2 weeks", "says_roles": "these", "roles": ["student"]})
    policy = row(Policy, id=policy.id)
    assert (policy.horizon_days, policy.roles) == (14, ["student"])
    assert visitor.get(edit).select_one("#horizon_days")["value"] == "2 w"
    answer = visitor.post(f"/admin/policies/{policy.id}/remove", form_at=f"/admin/policies/{policy.id}")
    assert answer.status_code == 303
    assert count(Policy) == before


def test_a_closure_lists_the_bookings_on_its_days(visit: Visit, world: World) -> None:
    start = next_weekday(10)
    made = bookings.book(request("H-BSC1", start, title="In the way"), world.viewer("researcher"))
    visitor, day = visit("staff"), start.date().isoformat()
    data = {"name": "Deep clean", "first_day": day, "last_day": "2020-01-01", "room": "H-01"}
    refused(visitor, "/admin/closures/new", data, "last_day")
    refused(visitor, "/admin/closures/new", {**data, "last_day": "0001-01-01"}, "last_day")
    refused(visitor, "/admin/closures/new", {**data, "first_day": "9999-12-31"}, "first_day")
    page = stored(visitor, "/admin/closures/new", {**data, "last_day": day})
    assert "1 booking" in page.select_one(".flash").get_text()
    assert "In the way" in page.select_one("#bookings").get_text()
    closure = row(Closure, name="Deep clean")
    assert "Deep clean" in visitor.get("/admin/closures").main.get_text()
    assert "Deep clean" not in visitor.get("/admin/closures?when=past").main.get_text()
    stored(visitor, f"/admin/closures/{closure.id}/edit", {"name": "Clean", "room": "H-02"})
    assert "None." in visitor.get(f"/admin/closures/{closure.id}").select_one("#bookings").get_text()
    visitor.post(f"/admin/closures/{closure.id}/remove", form_at=f"/admin/closures/{closure.id}")
    assert count(Closure) == 0
    fresh()
    assert bookings.find(made.public_id, world.viewer("researcher")).status == "confirmed"


def test_the_outbox_lists_what_waits(visit: Visit, world: World) -> None:
    visitor = visit("technician")
    assert "Nothing here" in visitor.get("/admin/outbox").main.get_text()
    for n in range(3):
        bookings.book(request("H-BSC1", next_weekday(10, days=1 + n)), world.viewer("researcher"))
    page = visitor.get("/admin/outbox")
    assert len(page.select("main tbody tr")) == 3
    assert "Booking confirmed" in page.main.get_text()
    assert "Rhona Researcher" in page.main.get_text()
    for after in ("x", "9" * 30, "-1", "%00", "²"):
        visitor.get(f"/admin/outbox?after={after}")


# --- hostile input ---------------------------------------------------------------------------------

FORMS = [
    "/admin/people/new",
    "/admin/organisations/new",
    "/admin/organisations/NWT/edit",
    "/admin/projects/new",
    "/admin/projects/P-OPEN/edit",
    "/admin/facilities/new",
    "/admin/facilities/HUB/edit",
    "/admin/facilities/HUB/hours",
    "/admin/facilities/HUB/lifecycle",
    "/admin/rooms/new",
    "/admin/rooms/H-01/edit",
    "/admin/resources/new?facility=HUB",
    "/admin/resources/H-INC1/edit",
    "/admin/resources/H-INC1/units",
    "/admin/policies/new?facility=HUB",
    "/admin/policies/1/edit",
    "/admin/quotas/new?facility=HUB",
    "/admin/closures/new?facility=HUB",
]
NASTY = {
    "NUL": "a\x00b",
    "bell": "\x07",
    "half a character": b"\xed\xa0\x80",
    "long": "x" * 40_000,
    "digits": "9" * 5_000,
    "negative": "-1",
    "huge": "99999999999999999999",
    "other digits": "\u0663\u0664",
    "year 1": "0001-01-01",
    "year 9999": "9999-12-31",
    "markup": "<script>alert(1)</script>",
    "formula": "=1+1",
    "nothing": "",
}
ALONE = ("NUL", "huge")  # these are also tried in one field at a time


@pytest.mark.parametrize("path", FORMS)
def test_hostile_input_is_refused_or_shown_harmless(visit: Visit, world_app: Flask, path: str) -> None:
    visitor = visit("admin")
    page = visitor.get(path)
    names = {
        control["name"]
        for control in page.select("main form input[name], main form textarea[name], main form select[name]")
    } - {"csrf_token"}
    for what, value in NASTY.items():
        answer = visitor.send(path, page, dict.fromkeys(names, value))
        assert answer.status_code in (303, 412, 422), f"{what}: {answer.status_code}"
        text = visitor.look(answer).decode()
        assert "<script>alert(1)" not in answer.get_data(as_text=True)
        assert "Traceback" not in text
        for name in sorted(names) if what in ALONE else ():
            one = visitor.send(path, page, {name: value})
            assert one.status_code in (303, 412, 422), f"{what} in {name}: {one.status_code}"


def test_more_than_a_megabyte_is_too_much(visit: Visit, world: World) -> None:
    visitor = visit("admin")
    page = visitor.get("/admin/rooms/new")
    answer = visitor.send("/admin/rooms/new", page, {"name": "x" * 1_100_000})
    assert answer.status_code == 413
    visitor.look(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/admin/people/%00",
        "/admin/people/" + "0" * 16,
        "/admin/organisations/%00",
        "/admin/organisations/%F0%9F%98%80",
        "/admin/projects/NONE",
        "/admin/facilities/%ED%A0%80",
        "/admin/rooms/NONE/edit",
        "/admin/resources/NONE/units",
        "/admin/policies/99999999999999999999",
        "/admin/policies/2147483647",
        "/admin/policies/-1",
        "/admin/quotas/2147483647",
        "/admin/closures/0/edit",
        "/admin/nothing",
    ],
)
def test_what_does_not_exist_is_not_found(visit: Visit, path: str) -> None:
    visit("admin").get(path, 404)


def test_strange_filters_show_a_list(visit: Visit, world: World) -> None:
    visitor = visit("admin")
    for part in (
        "people",
        "organisations",
        "projects",
        "facilities",
        "rooms",
        "resources",
        "policies",
        "closures",
    ):
        for query in (
            "q=%00",
            "q=%25",
            "q=" + "x" * 5000,
            "after=%00",
            "after=zzz",
            "facility=%ED%A0%80",
            "kind=x",
        ):
            visitor.get(f"/admin/{part}?{query}")


def test_a_form_without_its_token_stores_nothing(visit: Visit, world: World) -> None:
    visitor, before = visit("admin"), count(Organisation)
    data = {"code": "QRS", "name": "Quarry", "alias": "Dusk", "kind": "member"}
    assert visitor.client.post("/admin/organisations/new", data=data).status_code == 400
    assert visitor.client.post("/admin/organisations/new", json=[1]).status_code == 400
    assert count(Organisation) == before


def test_who_is_closed_while_signed_in_is_out(visit: Visit, world: World) -> None:
    visitor = visit("staff")
    visitor.get("/admin")
    with transaction():
        db.session.get_one(User, world.users["staff"]).active = False
        directory_changed()
    assert visitor.client.get("/admin").status_code == 302
    with pytest.raises(AssertionError):
        visit("staff")
