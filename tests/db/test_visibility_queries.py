"""What the timeline, lists and searches show to whom: never more than the level of sight allows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from booking.base import clock
from booking.base.errors import NotFound
from booking.base.period import Period
from booking.bookings.actions import book, cancel, change, find
from booking.bookings.models import Booking
from booking.bookings.queries import (
    Block,
    Search,
    blocks,
    detail,
    details,
    my_bookings,
    relation_of,
    request_of,
    search,
)
from booking.bookings.request import Wanted
from booking.bookings.visibility import Level, level
from booking.people.viewer import Viewer
from tests.factories import MONDAY, USERS, World, local, next_weekday, request

BUSY, ALIAS, PARTIAL, FULL = Level.BUSY, Level.ALIAS, Level.PARTIAL, Level.FULL
TUESDAY = MONDAY.date() + timedelta(days=1)


def viewer(world: World, name: str | None) -> Viewer | None:
    return world.viewer(name) if name else None


def tomorrow() -> Period:
    return Period(at(0), at(0) + timedelta(days=1))


def shown(
    world: World, name: str | None, *codes: str, window: Period | None = None, by_unit: bool = False
) -> list[Block]:
    """Return what a person sees on some resources tomorrow."""
    ids = [world.resources[code] for code in codes or ("H-BSC1",)]
    return blocks(viewer(world, name), ids, window or tomorrow(), by_unit)


def at(hour: float) -> datetime:
    """Return an hour of the Tuesday after the day on which the clock stands, wherever it is moved."""
    return local(TUESDAY, hour)


# --- levels, end to end: each person against each kind of booking

SEEN: dict[tuple[str, str | None], dict[str, Level]] = {
    ("student", None): {
        "student": FULL, "researcher": PARTIAL, "colleague": PARTIAL, "leader": FULL, "amber": BUSY,
        "amber2": BUSY, "coordinator": BUSY, "birch": BUSY, "technician": FULL, "staff": FULL,
        "sus_staff": PARTIAL, "admin": FULL, "": BUSY,
    },
    ("student", "P-OPEN"): {
        "student": FULL, "researcher": FULL, "colleague": PARTIAL, "leader": FULL, "amber": BUSY,
        "amber2": BUSY, "coordinator": BUSY, "birch": BUSY, "technician": FULL, "staff": FULL,
        "sus_staff": PARTIAL, "admin": FULL, "": BUSY,
    },
    ("leader", "P-SECRET"): {
        "student": BUSY, "researcher": FULL, "colleague": BUSY, "leader": FULL, "amber": BUSY,
        "amber2": BUSY, "coordinator": BUSY, "birch": BUSY, "technician": FULL, "staff": FULL,
        "sus_staff": BUSY, "admin": FULL, "": BUSY,
    },
    ("amber", None): {
        "student": ALIAS, "researcher": ALIAS, "colleague": ALIAS, "leader": ALIAS, "amber": FULL,
        "amber2": FULL, "coordinator": FULL, "birch": BUSY, "technician": FULL, "staff": FULL,
        "sus_staff": ALIAS, "admin": FULL, "": BUSY,
    },
    ("amber", "P-HUSH"): {
        "student": BUSY, "researcher": BUSY, "colleague": BUSY, "leader": BUSY, "amber": FULL,
        "amber2": BUSY, "coordinator": FULL, "birch": BUSY, "technician": FULL, "staff": FULL,
        "sus_staff": BUSY, "admin": FULL, "": BUSY,
    },
}  # fmt: skip


@pytest.mark.parametrize(("owner", "project"), SEEN)
def test_each_sees_what_the_table_says(world: World, owner: str, project: str | None) -> None:
    booking = book(request(title="Run 7", project=project), world.viewer(owner))
    for name, expected in SEEN[owner, project].items():
        who = viewer(world, name or None)
        (block,) = shown(world, name or None)
        assert (name, block.level) == (name, expected)
        assert detail(booking, who).level == expected
        assert level(who, relation_of(booking, who)) == expected
        assert (block.title == "Run 7") is (expected >= PARTIAL)
        assert (block.booking_id == booking.public_id) is (expected >= PARTIAL)
        assert block.label == ("Partner Amber" if expected == ALIAS else "")
        if who is None:
            continue
        listed = [found.booking.id for found in search(who, Search(tomorrow()))]
        assert listed == ([booking.id] if expected >= PARTIAL else [])
        if expected >= PARTIAL:
            assert find(booking.public_id, who).id == booking.id
        else:
            with pytest.raises(NotFound):
                find(booking.public_id, who)


@pytest.mark.parametrize("name", ["student", "birch", None])
def test_hidden_blocks_carry_nothing_but_time_and_resource(world: World, name: str | None) -> None:
    book(request(title="Tell nobody", notes="Not for you", people=3), world.viewer("amber"))
    (block,) = shown(world, name)
    alias = "Partner Amber" if name == "student" else ""
    expected = Block(ALIAS if alias else BUSY, world.resources["H-BSC1"], at(9.75), at(11.25), 1, label=alias)
    assert block == expected


def test_people_in_a_booking_see_it(world: World) -> None:
    wanted = request(
        project="P-HUSH", participants=("colleague@hub.example",), supervisor="staff@hub.example"
    )
    booking = book(wanted, world.viewer("amber"))
    for name in ("colleague", "staff"):
        (block,) = shown(world, name)
        assert (block.level, block.booking_id) == (FULL, booking.public_id)
    assert shown(world, "colleague")[0].mine


def test_who_leaves_a_booking_no_longer_sees_it(world: World) -> None:
    booking = book(request(project="P-HUSH", participants=("colleague@hub.example",)), world.viewer("amber"))
    change(booking.public_id, replace(request_of(booking), participants=()), world.viewer("amber"))
    assert shown(world, "colleague")[0].level == BUSY
    with pytest.raises(NotFound):
        find(booking.public_id, world.viewer("colleague"))


# --- merging: nobody counts or follows another's runs


def test_neighbours_of_one_partner_are_one_block(world: World) -> None:
    book(request(start=at(10)), world.viewer("amber"))
    book(request(start=at(11.5)), world.viewer("amber2"))  # set up from 11:15, as the first is changed over
    for name in ("birch", "student"):
        (block,) = shown(world, name)
        assert (block.starts_at, block.ends_at) == (at(9.75), at(12.75))
    assert len(shown(world, "amber")) == 2


def test_confidential_work_of_two_clients_is_one_block(world: World) -> None:
    book(request("H-HALL", at(10)), world.viewer("amber"))
    book(request("H-HALL", at(11), project="P-SECRET"), world.viewer("leader"))
    (block,) = shown(world, "birch", "H-HALL")
    assert (block.starts_at, block.ends_at, block.units, block.label) == (at(10), at(12), 1, "")


def test_aliases_are_kept_apart(world: World) -> None:
    book(request("H-HALL", at(10)), world.viewer("amber"))
    book(request("H-HALL", at(11)), world.viewer("birch"))
    assert [(b.label, b.starts_at) for b in shown(world, "student", "H-HALL")] == [
        ("Partner Amber", at(10)),
        ("Partner Birch", at(11)),
    ]


def test_units_are_counted_but_not_told_apart(world: World) -> None:
    book(request(Wanted("H-HALL", 2), at(10), hours=2), world.viewer("amber"))
    book(request(Wanted("H-HALL", 3), at(11), hours=2), world.viewer("amber2"))
    seen = [(b.starts_at, b.ends_at, b.units, b.unit_ids) for b in shown(world, "birch", "H-HALL")]
    assert seen == [(at(10), at(11), 2, ()), (at(11), at(12), 5, ()), (at(12), at(13), 3, ())]


def test_by_unit_each_unit_is_a_lane(world: World) -> None:
    book(request(Wanted("H-HALL", 2), at(10)), world.viewer("amber"))
    book(request(Wanted("H-HALL", 1), at(11)), world.viewer("amber"))
    seen = {(b.starts_at, b.ends_at, b.unit_ids) for b in shown(world, "birch", "H-HALL", by_unit=True)}
    first, second = world.units["H-HALL"][:2]
    assert seen == {(at(10), at(12), (first,)), (at(10), at(11), (second,))}


def test_what_one_may_see_is_not_merged_with_what_one_may_not(world: World) -> None:
    mine = book(request("H-HALL", at(10)), world.viewer("birch"))
    book(request("H-HALL", at(11)), world.viewer("amber"))
    seen = [(b.level, b.booking_id, b.starts_at) for b in shown(world, "birch", "H-HALL")]
    assert seen == [(FULL, mine.public_id, at(10)), (BUSY, "", at(11))]


# --- which blocks


def test_cancelled_bookings_hold_nothing(world: World) -> None:
    booking = book(request(), world.viewer("student"))
    cancel(booking.public_id, world.viewer("student"))
    assert shown(world, "staff") == shown(world, "birch") == []


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [(8, 9, False), (8, 9.75, False), (8, 10, True), (11, 11.25, True), (11.25, 12, False), (0, 23, True)],
)
def test_a_window_shows_what_is_held_in_it(world: World, start: float, end: float, inside: bool) -> None:
    book(request(start=at(10)), world.viewer("student"))  # held from 9:45 to 11:15
    for name in ("student", "birch"):
        assert bool(shown(world, name, window=Period(at(start), at(end)))) is inside


def test_a_long_booking_is_seen_from_its_middle(world: World) -> None:
    book(request("H-INC1", hours=27 * 24), world.viewer("student"))
    late = next_weekday(10) + timedelta(days=20)
    assert shown(world, "student", "H-INC1", window=Period(late, late + timedelta(hours=1)))


def test_a_long_stay_is_seen_years_later(world: World) -> None:
    stay = replace(request("H-LN2"), ends_at=next_weekday(10, days=600))
    book(stay, world.viewer("researcher"))
    late = next_weekday(10, days=500)
    window = Period(late, late + timedelta(hours=1))
    assert shown(world, "researcher", "H-LN2", window=window)
    assert search(world.viewer("researcher"), Search(window))


def test_unknown_resources_show_nothing(world: World) -> None:
    assert blocks(world.viewer("staff"), [], tomorrow()) == []
    assert blocks(world.viewer("staff"), [9999], tomorrow()) == []


def test_a_block_says_what_its_viewer_may_do(world: World) -> None:
    booking = book(request(participants=("colleague@hub.example",)), world.viewer("student"))
    rights = {name: (b.mine, b.changeable) for name in USERS for b in shown(world, name)}
    assert {name for name, (mine, _) in rights.items() if mine} == {"student", "colleague"}
    may_change = {name for name, (_, changeable) in rights.items() if changeable}
    assert may_change == {"student", "leader", "technician", "staff", "admin"}
    with clock.travel(booking.ends_at):
        (block,) = shown(world, "student", window=Period(at(0), at(23)))
        assert (block.changeable, block.status) == (False, "completed")


def test_a_block_of_several_resources_is_told_for_each(world: World) -> None:
    booking = book(request(("H-BSC1", "H-VEC")), world.viewer("student"))
    seen = shown(world, "student", "H-BSC1", "H-VEC")
    assert {(b.resource_id, b.booking_id) for b in seen} == {
        (world.resources[code], booking.public_id) for code in ("H-BSC1", "H-VEC")
    }


# --- lists


@pytest.fixture
def some(world: World) -> dict[str, Booking]:
    """Bookings of several people tomorrow."""
    return {
        "mine": book(request("H-HALL", at(9), title="mine", project="P-OPEN"), world.viewer("student")),
        "with me": book(
            request("H-BSC1", at(10), title="with me", participants=("student@hub.example",)),
            world.viewer("colleague"),
        ),
        "theirs": book(request("H-VEC", at(11), title="theirs"), world.viewer("colleague")),
        "hidden": book(request("H-HALL", at(12), title="hidden"), world.viewer("amber")),
        "secret": book(request("H-HALL", at(13), title="secret", project="P-SECRET"), world.viewer("leader")),
    }


SEARCHES: dict[str, tuple[Callable[[World], dict[str, Any]], list[str]]] = {
    "all": (lambda world: {}, ["mine", "with me", "theirs"]),
    "a resource": (lambda world: {"resource_id": world.resources["H-HALL"]}, ["mine"]),
    "a room": (lambda world: {"room_id": world.rooms["H-01"]}, ["with me"]),
    "a facility": (lambda world: {"facility_id": world.facilities["HUB"]}, ["mine", "with me", "theirs"]),
    "another facility": (lambda world: {"facility_id": world.facilities["SUS"]}, []),
    "a project": (lambda world: {"project": "P-OPEN"}, ["mine"]),
    "a hidden project": (lambda world: {"project": "P-SECRET"}, []),
    "no such project": (lambda world: {"project": "P-NONE"}, []),
    "mine": (lambda world: {"mine": True}, ["mine", "with me"]),
    "a status": (lambda world: {"status": "confirmed"}, ["mine", "with me", "theirs"]),
    "another status": (lambda world: {"status": "cancelled"}, []),
}


@pytest.mark.parametrize("what", SEARCHES)
def test_search(world: World, some: dict[str, Booking], what: str) -> None:
    asked, expected = SEARCHES[what]
    found = search(world.viewer("student"), Search(tomorrow(), **asked(world)))
    assert [one.booking.title for one in found] == expected


def test_search_finds_cancelled_ones_too_and_by_status(world: World, some: dict[str, Booking]) -> None:
    cancel(some["mine"].public_id, world.viewer("student"))
    viewer = world.viewer("student")
    assert [d.booking.title for d in search(viewer, Search(tomorrow(), status="cancelled"))] == ["mine"]
    with clock.travel(at(11.5)):
        completed = search(viewer, Search(tomorrow(), status="completed"))
        assert [d.booking.title for d in completed] == ["with me"]


def test_a_search_is_half_open(world: World, some: dict[str, Booking]) -> None:
    viewer = world.viewer("student")
    assert [d.booking.title for d in search(viewer, Search(Period(at(9.5), at(10))))] == ["mine"]
    assert [d.booking.title for d in search(viewer, Search(Period(at(10), at(11))))] == ["with me"]


def test_my_bookings_next_first_and_past_backwards(world: World, some: dict[str, Booking]) -> None:
    viewer = world.viewer("student")
    assert [b.title for b in my_bookings(viewer, upcoming=True)] == ["mine", "with me"]
    assert my_bookings(viewer, upcoming=False) == []
    cancel(some["mine"].public_id, viewer)
    assert [b.title for b in my_bookings(viewer, upcoming=True)] == ["with me"]
    with clock.travel(at(23)):
        assert [b.title for b in my_bookings(viewer, upcoming=False)] == ["with me", "mine"]
    supervised = book(
        request("H-LC", at(14), hours=2, supervisor="student@hub.example"), world.viewer("leader")
    )
    assert my_bookings(viewer, upcoming=True)[-1].id == supervised.id


def test_my_bookings_page_by_key(world: World) -> None:
    viewer = world.viewer("student")
    made = [book(request("H-HALL", at(10), title=f"{n}", people=0), viewer) for n in range(5)]
    made.append(book(request("H-HALL", at(12), people=0), viewer))
    for upcoming, moment in ((True, at(8)), (False, at(23))):
        with clock.travel(moment):
            seen: list[int] = []
            after = None
            while page := my_bookings(viewer, upcoming, limit=2, after=after):
                seen += [b.id for b in page]
                after = (page[-1].starts_at, page[-1].id)
        expected = [b.id for b in made]
        assert seen == (expected if upcoming else expected[::-1])


def test_details_name_everything_around_a_booking(world: World) -> None:
    wanted = request(
        ("H-HALL", "H-BSC1"),
        project="P-OPEN",
        participants=("researcher@hub.example", "colleague@hub.example"),
        supervisor="leader@hub.example",
    )
    booking = book(
        replace(wanted, resources=(Wanted("H-HALL", 2), Wanted("H-BSC1"))), world.viewer("student")
    )
    one = detail(booking, world.viewer("student"))
    assert [(r.code, units, names) for r, units, names in one.resources] == [
        ("H-HALL", 2, ("place 1", "place 2")),
        ("H-BSC1", 1, ("place 1",)),
    ]
    assert (one.organiser.name, one.organisation.alias, one.status) == (
        "Stella Student",
        "the university",
        "confirmed",
    )
    assert one.project is not None
    assert one.supervisor is not None
    assert (one.project.code, one.supervisor.name) == ("P-OPEN", "Lena Leader")
    assert [user.name for user in one.participants] == ["Colin Colleague", "Rhona Researcher"]
    assert one.timezone == "Europe/London"
    assert request_of(booking) == replace(
        request_of(booking),
        starts_at=booking.starts_at,
        resources=(Wanted("H-HALL", 2), Wanted("H-BSC1")),
        title="Passage 12",
        project="P-OPEN",
    )
    assert details([], None) == []
