"""The number of SQL statements is small, and the same for one and for many."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from booking.base.db import db
from booking.base.errors import SlotTaken
from booking.base.period import Period
from booking.bookings.actions import approve, book, cancel, change, check_only, decline
from booking.bookings.queries import (
    Search,
    blocks,
    details,
    my_bookings,
    request_of,
    search,
)
from booking.bookings.request import Wanted
from booking.bookings.waiting import count_waiting, waiting_requests
from booking.facilities.queries import places
from booking.training.queries import requirements
from tests.db.statements import listed, recorded
from tests.factories import MACHINES, World, next_weekday, request

MOST = 20
EIGHT = ("H-BSC1", "H-BSC2", "H-VEC", "H-HALL", "H-LC", "H-INC1", "H-BR1", "H-LN2")


@pytest.fixture(autouse=True)
def _warm(world: World) -> None:
    """The catalogue is in memory, as it is in a running server."""
    requirements(places())


def count(act: Callable[[], Any]) -> int:
    """Run an action as a request of its own would, and count its statements."""
    db.session.remove()
    with recorded() as statements:
        act()
    print(listed(statements))
    return len(statements)


def test_to_book_takes_few_statements(world: World) -> None:
    viewer = world.viewer("student")
    plain = request()
    rich = request(
        "H-BSC2",
        project="P-OPEN",
        people=2,
        participants=("researcher@hub.example", "leader@hub.example", "colleague@hub.example"),
        supervisor="leader@hub.example",
    )
    assert count(lambda: book(plain, viewer)) <= MOST
    assert count(lambda: book(rich, viewer)) <= MOST


def test_as_many_for_twenty_units_as_for_one(world: World) -> None:
    viewer = world.viewer("student")
    one = count(lambda: book(request(Wanted("H-HALL", 1)), viewer))
    twenty = count(lambda: book(request(Wanted("H-HALL", 20), next_weekday(14)), viewer))
    assert one == twenty <= MOST


def test_as_many_for_several_resources_as_for_one(world: World) -> None:
    viewer = world.viewer("researcher")
    several = replace(request(EIGHT[:6], next_weekday(9.5, days=3), people=2), title="All")
    day = replace(several, resources=(Wanted("H-INC1"), Wanted("H-LN2")))
    week = replace(day, ends_at=day.starts_at + timedelta(days=7))
    hour = replace(several, resources=tuple(Wanted(code) for code in EIGHT[:4]))
    one = count(lambda: book(request("H-BSC1", people=2), viewer))
    assert count(lambda: book(hour, viewer)) == one <= MOST
    assert count(lambda: book(week, viewer)) == one


def test_a_refusal_costs_no_more_than_a_booking(world: World) -> None:
    viewer = world.viewer("student")
    booked = count(lambda: book(request(), viewer))

    def refused() -> None:
        with pytest.raises(SlotTaken):
            book(request(), viewer)

    assert count(refused) < booked
    assert count(lambda: check_only(request(), viewer)) < booked


def test_to_change_cancel_and_answer_takes_few_statements(world: World) -> None:
    viewer, staff = world.viewer("student"), world.viewer("staff")
    booking = book(request(project="P-OPEN", participants=("researcher@hub.example",)), viewer)
    wanted = request_of(booking)
    hour = timedelta(hours=1)
    later = replace(wanted, starts_at=wanted.starts_at + hour, ends_at=wanted.ends_at + hour)
    assert count(lambda: change(booking.public_id, replace(wanted, title="New"), viewer)) <= 45
    assert count(lambda: change(booking.public_id, later, viewer)) <= 45
    assert count(lambda: cancel(booking.public_id, viewer)) <= 30
    asked = [book(request("H-BR1", next_weekday(9.5, days=days), hours=24), viewer) for days in (7, 14)]
    assert count(lambda: approve(asked[0].public_id, staff)) <= 30
    assert count(lambda: decline(asked[1].public_id, staff, "no")) <= 30


def test_as_many_to_change_units_as_to_change_one(world: World) -> None:
    viewer = world.viewer("student")
    one, many = (book(request(Wanted("H-HALL", n), next_weekday(9 + n / 2)), viewer) for n in (2, 12))

    def later(booking: Any) -> int:
        wanted = request_of(booking)
        shift = timedelta(minutes=30)
        moved = replace(wanted, starts_at=wanted.starts_at + shift, ends_at=wanted.ends_at + shift)
        return count(lambda: change(booking.public_id, moved, viewer))

    assert later(one) == later(many)


# --- reading

WEEK = timedelta(days=7)


def many_bookings(world: World, number: int) -> list[Any]:
    """Book the teaching places a number of times, for several people."""
    start = next_weekday(9)
    names = ("student", "researcher", "amber", "birch", "leader")
    return [
        book(
            request("H-HALL", start + timedelta(minutes=30 * (n % 8)), hours=0.5, people=0, title=f"Run {n}"),
            world.viewer(names[n % len(names)]),
        )
        for n in range(number)
    ]


READING: dict[str, Callable[[Any, World, Period], Any]] = {
    "blocks": lambda viewer, world, week: blocks(viewer, list(world.resources.values()), week),
    "blocks by unit": lambda viewer, world, week: blocks(viewer, list(world.resources.values()), week, True),
    "search": lambda viewer, world, week: search(viewer, Search(week)),
    "search of a room": lambda viewer, world, week: search(viewer, Search(week, room_id=world.rooms["H-04"])),
    "my bookings": lambda viewer, world, week: details(my_bookings(viewer, upcoming=True), viewer),
    "what waits": lambda viewer, world, week: waiting_requests(viewer),
    "how many wait": lambda viewer, world, week: count_waiting(viewer),
}


@pytest.mark.parametrize("question", READING)
@pytest.mark.parametrize("name", ["student", "amber", "staff"])
def test_as_many_to_read_many_as_to_read_one(world: World, question: str, name: str) -> None:
    viewer = world.viewer(name)
    start = next_weekday(0)
    week = Period(start - WEEK, start + WEEK)
    many_bookings(world, 5)  # one each
    book(request("H-BR1", next_weekday(9.5, days=7), hours=24), world.viewer("student"))
    READING[question](viewer, world, week)  # the names are in memory, as they are in a running server
    one = count(lambda: READING[question](viewer, world, week))
    many_bookings(world, 15)
    book(request("H-BR1", next_weekday(9.5, days=14), hours=24), world.viewer("student"))
    assert count(lambda: READING[question](viewer, world, week)) == one <= 10


def test_the_catalogue_is_read_once_until_it_changes(world: World) -> None:
    assert count(places) == 1
    assert len(MACHINES) == len(places().resources)
