"""Favourites: marked on a resource's page; first in lists, and alone on the calendar if one likes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.base.db import db
from booking.base.errors import Forbidden, NotFound
from booking.bookings.actions import book
from booking.facilities.favourites import favourites_of, mark, unmark
from booking.facilities.models import Favourite
from booking.facilities.queries import viewer_of
from tests.factories import World, request, utc
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


def codes(world: World, name: str) -> list[str]:
    db.session.rollback()
    return [one.code for one in favourites_of(world.viewer(name))]


def test_to_mark_and_unmark_may_be_said_twice(world: World) -> None:
    student = world.viewer("student")
    for code in ("H-LC", "H-BSC2", "H-LC"):
        mark(code, student)
    assert sorted(codes(world, "student")) == ["H-BSC2", "H-LC"]
    assert codes(world, "researcher") == []
    for _ in range(2):
        unmark("H-LC", student)
    assert codes(world, "student") == ["H-BSC2"]
    with pytest.raises(NotFound):
        mark("NO-1", student)
    reader = viewer_of(world.users["student"], "read")
    assert reader is not None
    with pytest.raises(Forbidden):
        mark("H-LC", reader)


def test_at_once_it_is_marked_once(world: World, world_app: Flask) -> None:
    student = world.viewer("student")

    def act(_: int) -> None:
        with world_app.app_context():
            mark("H-LC", student)
            db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(act, range(4)))
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Favourite)) == 1


def test_a_favourite_comes_first_everywhere(visit: Visit, world: World) -> None:
    student = visit("student")
    here = "/resources/H-LC"
    page = student.get(here)
    assert page.find("button", string="Make it a favourite") is not None
    assert student.post(f"{here}/favourite", {"marked": "1"}, form_at=here).location == here
    page = student.get(here)
    assert page.find("button", string="No favourite any more") is not None
    sections = student.get("/resources").select("main section")
    assert sections[0].h2.get_text() == "Your favourites"  # type: ignore[union-attr]
    assert [link["href"] for link in sections[0].select("tbody a")] == [here]
    assert "Your favourites" not in student.get("/resources?q=cabinet").get_text()
    group = student.get("/find").select_one("#first optgroup")
    assert group is not None
    assert (group["label"], [one["value"] for one in group.select("option")]) == ("Your favourites", ["H-LC"])
    assert "Your favourites" not in visit("researcher").get("/resources").get_text()
    student.post(f"{here}/favourite", {"marked": ""}, form_at=here)
    assert "Your favourites" not in student.get("/resources").get_text()


@pytest.mark.parametrize("view", ["day", "week", "month", "list"])
def test_the_calendar_shows_only_them(visit: Visit, world: World, view: str) -> None:
    student = visit("student")
    for code in ("H-BSC1", "H-LC"):
        book(request(code, utc(2027, 1, 12, 10), hours=3), world.viewer("colleague"))
    address = f"/calendar?marked=1&view={view}&date=2027-01-12"
    student.get(address)
    mark("H-LC", world.viewer("student"))
    board = student.get(address).select_one("#timeline")
    assert board is not None
    assert "H-BSC1" not in str(board)
    assert "H-BSC1" in str(student.get(address.replace("marked=1", "marked=")).select_one("#timeline"))
    fragment = student.client.get(f"{address}&fragment=1")
    assert "H-BSC1" not in fragment.get_data(as_text=True)
    mark("H-BSC1", world.viewer("student"))
    again = student.client.get(f"{address}&fragment=1", headers={"If-None-Match": fragment.headers["ETag"]})
    assert again.status_code == 200, "the board is another one"
    assert "H-LC" in str(board)
    assert "H-BSC1" in again.get_data(as_text=True)
