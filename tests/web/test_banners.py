"""The notice board where people look: calendar, resources, the form; and its pages for staff."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from booking.facilities.banner_actions import BannerDetails, post_banner
from tests.factories import MONDAY, World
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]
DAY = MONDAY.date()
FRIDAY = DAY + timedelta(days=4)
PLACES = (
    "/calendar",
    "/calendar?view=week",
    "/calendar?view=month",
    "/calendar?view=list",
    "/resources/H-BSC1",
    "/bookings/new?resource=H-BSC1",
)


@pytest.fixture
def lift(world: World) -> None:
    post_banner(BannerDetails("HUB", "The lift is out.", DAY, FRIDAY), world.viewer("technician"))
    post_banner(BannerDetails("HUB", "Floor <wet>", DAY, FRIDAY, room="H-01"), world.viewer("technician"))
    post_banner(BannerDetails("SUS", "Elsewhere", DAY, FRIDAY), world.viewer("sus_staff"))


def notices(visitor: Visitor, path: str) -> list[str]:
    return [one.get_text(" ", strip=True) for one in visitor.get(path).select("[aria-label=Notices] li")]


@pytest.mark.parametrize("name", ["student", "birch"])
def test_everybody_sees_it_where_they_book(visit: Visit, lift: None, name: str) -> None:
    visitor = visit(name)
    for path in PLACES:
        told = notices(visitor, path)
        assert told[0].startswith("Manufacturing Hub: The lift is out. (Mon 11 Jan 2027"), path
        assert "Floor <wet>" in told[1], path
        assert len(told) == 2, path


def test_it_stands_only_where_and_when_it_concerns(visit: Visit, lift: None) -> None:
    student = visit("student")
    assert len(notices(student, "/resources/H-LC")) == 1
    assert len(notices(student, "/calendar?room=H-02")) == 1
    after = FRIDAY + timedelta(days=3)
    assert notices(student, f"/calendar?view=week&date={after}") == []
    (elsewhere,) = notices(student, "/calendar?facility=SUS")
    assert "Elsewhere" in elsewhere
    assert notices(student, "/bookings/new") == []


def test_staff_post_change_and_take_down(visit: Visit, world: World) -> None:
    staff = visit("technician")
    new = staff.get("/admin/banners").find("a", string="Post a notice")
    assert new is not None
    sent = {"text": "Gas alarm test at noon", "last_day": f"{FRIDAY}", "room": "H-02"}
    answer = staff.send(new["href"], staff.get(new["href"]), sent)
    assert answer.status_code == 303
    here = answer.location
    assert "Gas alarm test at noon" in staff.get(here).get_text()
    assert "Gas alarm test at noon" in staff.get("/admin/banners").get_text()
    staff.send(f"{here}/edit", staff.get(f"{here}/edit"), {"text": "Gas alarm test at two", "room": ""})
    assert "at two" in notices(visit("student"), "/resources/H-BSC1")[0]
    assert staff.post(f"{here}/remove", form_at=here).status_code == 303
    assert notices(visit("student"), "/resources/H-BSC1") == []


def test_faults_stand_at_their_fields(visit: Visit, world: World) -> None:
    admin = visit("admin")
    page = admin.get("/admin/banners/new")
    assert len(page.select("main .cards a")) == 2, "there are two facilities"
    new = "/admin/banners/new?facility=HUB"
    answer = admin.send(new, admin.get(new), {"text": "", "last_day": "soon"})
    assert answer.status_code == 422
    page = admin.look(answer)
    assert page.select_one("#last_day-error") is not None
