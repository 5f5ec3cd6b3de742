"""The page that finds a slot: by an address that can be kept, to a form that needs only a title."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from booking.base import clock
from booking.bookings.actions import book
from tests.db.test_company import lone_working
from tests.factories import World, next_weekday, request
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


def address(first: str, **more: object) -> str:
    today = clock.now().date()
    given = {
        "first": first,
        "second": "",
        "third": "",
        "length": 2,
        "unit": "h",
        "since": today,
        "until": today + timedelta(days=14),
        "people": 1,
        **more,
    }
    return "/find?" + "&".join(f"{name}={value}" for name, value in given.items())


def test_what_is_found_can_be_booked(visit: Visit, world: World) -> None:
    book(request("H-BSC1", next_weekday(10)), world.viewer("colleague"))
    student = visit("student")
    page = student.get(address("kind:HUB:workstation", second="H-HALL"))
    assert "The first times that fit" in page.get_text()
    link = page.select_one("a.row-link")
    assert link is not None
    form = student.get(str(link["href"]))
    assert {"H-BSC1", "H-HALL"} <= {
        option["value"] for option in form.select("select option[selected]") if option.get("value")
    }


def test_nothing_that_fits_has_its_reasons(visit: Visit) -> None:
    page = visit("student").get(address("H-BSC1", length=3, unit="d"))
    assert "No time fits" in page.get_text()
    assert "Longer than the longest booking" in page.get_text()


def test_the_page_comes_with_a_resource_chosen(visit: Visit) -> None:
    page = visit("student").get("/find?resource=H-BSC2")
    chosen = page.select_one("#first option[selected]")
    assert chosen is not None
    assert chosen["value"] == "H-BSC2"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"first": "NO-1"}, "first"),
        ({"second": "kind:NO:spaceship"}, "second"),
        ({"length": 0}, "length"),
        ({"length": "x"}, "length"),
        ({"unit": "y"}, "unit"),
        ({"since": "yesterday"}, "since"),
        ({"until": "2000-01-01"}, "first"),
        ({"until": "9999-12-31"}, "first"),
        ({"people": -1}, "people"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(visit: Visit, more: dict[str, object], field: str) -> None:
    page = visit("student").get(address(**{"first": "H-BSC1", **more}), status=422)  # type: ignore[arg-type]
    assert page.select_one(f"#{field}-error") is not None


def test_who_comes_along_is_looked_for_and_passed_on(visit: Visit, world: World) -> None:
    lone_working(world, "no")
    student = visit("student")
    alone = student.get(address("H-BSC1")).get_text()
    assert "You may not work there alone" in alone
    page = student.get(address("H-BSC1", participants="leader@hub.example"))
    link = page.select_one("a.row-link")
    assert link is not None
    form = student.get(str(link["href"]))
    assert form.select_one("#participants").get_text().strip() == "leader@hub.example"
    page = student.get(address("H-BSC1", participants="nobody@hub.example"), 422)
    assert "Nobody here is known as" in page.select_one("#participants-error").get_text()
