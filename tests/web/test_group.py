"""My group's bookings: of my projects and, for who leads one, of its people; nothing that I may not see."""

from collections.abc import Callable

import pytest

from booking.bookings.actions import book, cancel
from tests.factories import World, next_weekday, request
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


@pytest.fixture
def some(world: World) -> None:
    """Bookings of several people, with and without a project, one after another in the hall."""
    wishes = (
        ("student", "open", "P-OPEN"),
        ("researcher", "secret", "P-SECRET"),
        ("student", "own", None),
        ("colleague", "stranger", None),
        ("amber", "amber", "P-AMBER"),
        ("amber", "hush", "P-HUSH"),
    )
    for n, (name, title, project) in enumerate(wishes):
        book(request("H-HALL", next_weekday(9 + n), title=title, project=project), world.viewer(name))
    gone = book(request("H-HALL", next_weekday(9, days=3), title="gone"), world.viewer("student"))
    cancel(gone.public_id, world.viewer("student"))


def titles(visitor: Visitor, address: str = "/bookings?who=group") -> list[str]:
    return [link.get_text() for link in visitor.get(address).select("main a.row-link")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("student", ["open"]),
        ("researcher", ["open", "secret"]),
        ("leader", ["open", "secret", "own"]),
        ("colleague", []),
        ("amber", ["amber", "hush"]),
        ("amber2", ["amber"]),
        ("birch", []),
    ],
)
def test_whose_bookings_are_my_groups(visit: Visit, some: None, name: str, expected: list[str]) -> None:
    visitor = visit(name)
    assert titles(visitor) == expected
    tab = visitor.get("/bookings").find("a", string="My group: next")
    assert (tab is not None) == (name not in ("colleague", "birch"))


def test_past_and_cancelled_ones_too(visit: Visit, some: None) -> None:
    leader = visit("leader")
    assert titles(leader, "/bookings?who=group&show=past") == ["gone"]
    assert titles(leader, "/bookings") == []


def test_pages_follow_each_other(visit: Visit, world: World) -> None:
    for n in range(60):
        start = next_weekday(9 + n % 6, days=1 + n // 6)
        book(request("H-HALL", start, title=f"{n}", project="P-OPEN"), world.viewer("student"))
    leader = visit("leader")
    first = leader.get("/bookings?who=group")
    link = first.select_one("a[rel=next]")
    assert link is not None
    assert len(first.select("main a.row-link")) + len(titles(leader, str(link["href"]))) == 60
