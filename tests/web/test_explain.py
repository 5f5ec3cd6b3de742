"""The page that explains: for everybody their own bookings, for staff anybody's; linked from a refusal."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup

from booking.bookings.actions import book
from tests.factories import World, next_weekday, request
from tests.web.conftest import Visitor, fields_of

Visit = Callable[..., Visitor]


def address(what: str = "H-BSC1", hour: float = 10, hours: float = 1, **more: object) -> str:
    start = next_weekday(hour)
    end = start + timedelta(hours=hours)
    asked = {
        "resource": what,
        "units": 1,
        "unit": "",
        "start_date": f"{start:%Y-%m-%d}",
        "start_time": f"{start:%H:%M}",
        "end_date": f"{end:%Y-%m-%d}",
        "end_time": f"{end:%H:%M}",
        "people": 1,
        **more,
    }
    return f"/explain?{urlencode(asked)}"


def verdicts(page: BeautifulSoup) -> dict[str, str]:
    """Return each rule's verdict."""
    rows = [row.select("td") for row in page.select("main tbody tr")]
    return {cells[0].get_text(" ", strip=True): cells[1].get_text(strip=True) for cells in rows}


def test_every_rule_is_shown_with_its_verdict(visit: Visit) -> None:
    page = visit("student").get(address())
    assert "Every rule accepts this" in page.get_text()
    assert set(verdicts(page).values()) == {"Kept"}
    assert "08:30–17:30" in page.get_text()


def test_what_refuses_comes_first_with_its_fix(visit: Visit, world: World) -> None:
    book(request(start=next_weekday(10)), world.viewer("colleague"))
    page = visit("student").get(address(hour=10, hours=6))
    assert list(verdicts(page).values())[:2] == ["Refused", "Refused"]
    assert "2 reasons refuse this" in page.get_text()
    assert "is taken at this time" in page.get_text()
    assert "free;" not in page.get_text()


def test_the_page_comes_with_a_resource_chosen(visit: Visit) -> None:
    student = visit("student")
    link = student.get("/resources/H-BSC2").select_one("a[href^='/explain']")
    assert link is not None
    page = student.get(str(link["href"]))
    form = page.select_one("main form")
    assert fields_of(form)["resource"][0] == "H-BSC2"
    assert not page.select("main tbody tr")


def test_staff_name_a_person_in_any_way(visit: Visit, world: World) -> None:
    staff = visit("technician")
    for name in ("Stella", world.viewer("student").email, world.viewer("student").public_id):
        told = staff.get(address("H-LN2", hours=24 * 7, on_behalf_of=name))
        assert verdicts(told)["Role must be allowed"] == "Refused", name
    for name, fault in (("Nobody Such", "Nobody here is known"), ("e", "Several people are called so")):
        page = staff.get(address(on_behalf_of=name), status=422)
        assert fault in str(page.select_one("#on_behalf_of-error"))
    assert staff.get("/explain").select_one("#on_behalf_of") is not None
    assert staff.get("/").select_one("nav a[href='/explain']") is not None


@pytest.mark.parametrize("name", ["leader", "coordinator", "student", "sus_staff"])
def test_nobody_else_has_others_explained(visit: Visit, world: World, name: str) -> None:
    person = world.viewer(
        "amber2" if name == "coordinator" else "student" if name != "student" else "researcher"
    )
    page = visit(name).get(address(on_behalf_of=person.email), status=422)
    assert not page.select("main tbody tr")
    assert page.select_one(".summary li") is not None


def test_a_refused_form_leads_to_its_explanation(visit: Visit, world: World) -> None:
    book(request(start=next_weekday(10)), world.viewer("colleague"))
    student = visit("student")
    start = next_weekday(10)
    times = [f"{moment:%Y-%m-%dT%H:%M}" for moment in (start, start + timedelta(hours=1))]
    new = f"/bookings/new?resource=H-BSC1&start={times[0]}&end={times[1]}"
    page = student.get(new)
    refused = student.look(student.send(new, page, {"title": "Mine", "people": "2"}))
    link = refused.select_one("a[href^='/explain']")
    assert link is not None
    told = student.get(str(link["href"]))
    assert verdicts(told)["Units must be free"] == "Refused"
    assert fields_of(told.select_one("main form"))["people"] == ["2"]


def test_a_refused_change_is_explained_as_a_change(visit: Visit, world: World) -> None:
    own = book(request(start=next_weekday(10)), world.viewer("student"))
    student = visit("student")
    edit = f"/bookings/{own.public_id}/edit"
    refused = student.look(student.send(edit, student.get(edit), {"end_time": "16:00"}))
    link = refused.select_one("a[href^='/explain']")
    assert link is not None
    told = student.get(str(link["href"]))
    assert verdicts(told)["Length must fit"] == "Refused"
    assert verdicts(told)["Units must be free"] == "Kept", "its own time is no obstacle"
    assert "as a change of" in told.get_text()
    assert visit("staff").get(str(link["href"]))
    for stranger in ("colleague", "birch"):
        visit(stranger).get(str(link["href"]), status=404)


def test_a_lead_who_books_for_somebody_finds_no_link(visit: Visit, world: World) -> None:
    leader, start = visit("leader"), next_weekday(3)
    page = leader.get("/bookings/new?resource=H-BSC1")
    late = {"title": "Hers", "start_time": "03:00", "end_time": "04:00", "start_date": f"{start:%Y-%m-%d}"}
    sent = late | {"end_date": late["start_date"], "on_behalf_of": world.viewer("student").email}
    refused = leader.look(leader.send("/bookings/new", page, sent))
    assert refused.select_one(".refusals") is not None
    assert refused.select_one("a[href^='/explain']") is None


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"what": "NO-1"}, "resource"),
        ({"what": ""}, "resource"),
        ({"units": "many"}, "resource"),
        ({"end_date": "2000-01-01"}, "end_time"),
        ({"start_time": "25:00"}, "start_time"),
        ({"supervisor": "nobody@nowhere.example"}, "supervisor"),
        ({"project": "P-NONE"}, "project"),
        ({"people": "x"}, "people"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(visit: Visit, more: dict[str, object], field: str) -> None:
    page = visit("student").get(address(**more), status=422)  # type: ignore[arg-type]
    assert page.select_one(f"#{field}-error") is not None
