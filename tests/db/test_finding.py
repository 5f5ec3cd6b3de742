"""Finding a slot: what is found is accepted, nothing earlier would be, and nothing found has a reason."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from booking.base import clock
from booking.base.errors import Invalid, Refused
from booking.base.period import Period
from booking.bookings.actions import book, check_only
from booking.bookings.finding import MOST_OPTIONS, Slot, SlotSearch, find_slots
from booking.bookings.request import BookingRequest, Wanted
from booking.people.viewer import Viewer
from tests.factories import LONDON, MONDAY, World, local, next_weekday, request

WEEK = timedelta(days=7)


def asked(*options: str | tuple[str, ...], hours: float = 2, **more: object) -> SlotSearch:
    """Return a search within a week from now; several codes in one place are a choice."""
    places = tuple(
        tuple(Wanted(code) for code in ([one] if isinstance(one, str) else one)) for one in options
    )
    search = SlotSearch(places, timedelta(hours=hours), clock.now(), clock.now() + WEEK)
    return replace(search, **more)  # type: ignore[arg-type]


def as_request(slot: Slot, people: int = 1) -> BookingRequest:
    wanted = tuple(Wanted(code, units) for code, units in slot.resources)
    return BookingRequest(slot.period.start, slot.period.end, wanted, "Found", people=people)


def fill(world: World, code: str, days: int, hours: float = 4, name: str = "staff") -> None:
    """Book a resource for most of some days."""
    for n in range(days):
        book(request(code, next_weekday(9.5, days=n), hours=hours), world.viewer(name))


@pytest.mark.parametrize("name", ["student", "researcher", "amber", "staff"])
def test_every_slot_can_be_booked(world: World, name: str) -> None:
    fill(world, "H-BSC1", 2)
    viewer = world.viewer(name)
    found = find_slots(asked("H-BSC1", "H-HALL", limit=6), viewer)
    assert found.slots
    assert found.blocked_by == ()
    assert [check_only(as_request(slot), viewer)[0] for slot in found.slots] == [[]] * len(found.slots)
    assert book(as_request(found.slots[0]), viewer).status == "confirmed"


def test_slots_come_in_order_and_do_not_overlap(world: World) -> None:
    found = find_slots(asked("H-BSC1", limit=8), world.viewer("student"))
    periods = [slot.period for slot in found.slots]
    assert all(one.end <= other.start for one, other in pairwise(periods))
    assert len(periods) == 8


def refused(code: str, period: Period, viewer: Viewer) -> bool:
    wanted = BookingRequest(period.start, period.end, (Wanted(code),), "Try")
    return bool(check_only(wanted, viewer)[0])


def test_nothing_earlier_would_be_accepted(world: World) -> None:
    """Every quarter of an hour before the first slot is refused by the rules themselves."""
    fill(world, "H-BSC1", 1, hours=3)
    viewer = world.viewer("student")
    first = find_slots(asked("H-BSC1"), viewer).slots[0].period
    moment = clock.now() + timedelta(minutes=1)
    moment += timedelta(minutes=-moment.minute % 15)
    while moment < first.start:
        assert refused("H-BSC1", Period(moment, moment + first.length), viewer), moment
        moment += timedelta(minutes=15)
    assert not refused("H-BSC1", first, viewer)


def test_any_of_several_takes_the_first_that_is_free(world: World) -> None:
    viewer = world.viewer("student")
    free = find_slots(asked(("H-BSC1", "H-BSC2")), viewer).slots[0]
    assert free.resources == (("H-BSC1", 1),)
    book(as_request(free), viewer)
    again = find_slots(asked(("H-BSC1", "H-BSC2")), viewer).slots[0]
    assert (again.period, again.resources) == (free.period, (("H-BSC2", 1),))


def test_two_of_the_same_choice_are_two_resources(world: World) -> None:
    choice = ("H-BSC1", "H-BSC2")
    first = find_slots(asked(choice, choice), world.viewer("student")).slots[0]
    assert first.resources == (("H-BSC1", 1), ("H-BSC2", 1))
    assert find_slots(asked("H-BSC1", "H-BSC1"), world.viewer("student")).slots == ()


def test_units_are_counted(world: World) -> None:
    day = next_weekday(9.5, days=1)
    book(request(Wanted("H-INC1", 6), day, 24, people=0), world.viewer("researcher"))
    search = SlotSearch(((Wanted("H-INC1", 3),),), timedelta(hours=24), day, day + WEEK, people=0)
    first = find_slots(search, world.viewer("researcher")).slots[0]
    assert first.period.start > day
    fewer = replace(search, options=((Wanted("H-INC1", 2),),))
    assert find_slots(fewer, world.viewer("researcher")).slots[0].period.start <= first.period.start


def test_a_choice_that_is_too_small_is_passed_over(world: World) -> None:
    choice = (Wanted("H-BSC1", 3), Wanted("H-HALL", 3))
    search = SlotSearch((choice,), timedelta(hours=1), clock.now(), clock.now() + WEEK)
    assert find_slots(search, world.viewer("student")).slots[0].resources == (("H-HALL", 3),)


def test_it_says_which_rule_is_most_in_the_way(world: World) -> None:
    found = find_slots(asked("H-BSC1", hours=30), world.viewer("student"))
    assert found.slots == ()
    codes = dict(found.blocked_by)
    assert max(codes, key=lambda code: codes[code]) in ("too_long", "outside_hours")
    counts = [count for _, count in found.blocked_by]
    assert counts == sorted(counts, reverse=True)


def test_who_may_not_book_it_is_told_so(world: World) -> None:
    found = find_slots(asked("S-BSC"), world.viewer("student"))
    assert found.slots == ()
    assert "not_open_yet" in dict(found.blocked_by)


def test_a_window_that_is_over_has_no_slot(world: World) -> None:
    past = SlotSearch(((Wanted("H-BSC1"),),), timedelta(hours=1), MONDAY - WEEK, MONDAY - timedelta(days=1))
    assert find_slots(past, world.viewer("student")).blocked_by == (("in_past", 1),)


@pytest.mark.parametrize("change", [date(2027, 3, 28), date(2026, 10, 25)])
def test_days_begin_at_the_same_local_time_after_a_change_of_clocks(world: World, change: date) -> None:
    with clock.travel(local(change - timedelta(days=4), 9)):
        starts = set()
        for days in (-3, 2):  # the Thursday before, the Tuesday after
            day = local(change + timedelta(days=days), 0)
            search = SlotSearch(((Wanted("H-BSC1"),),), timedelta(hours=1), day, day + timedelta(days=1))
            first = find_slots(search, world.viewer("student")).slots[0].period
            starts.add(first.start.astimezone(LONDON).time())
        assert len(starts) == 1


BAD = {
    "no resource": ({"options": ()}, "resources"),
    "an empty choice": ({"options": ((),)}, "resources"),
    "too many": ({"options": ((Wanted("H-BSC1"),) * (MOST_OPTIONS + 1),)}, "resources"),
    "an unknown one": ({"options": ((Wanted("NO-1"),),)}, "resources"),
    "more units than there are": ({"options": ((Wanted("H-BSC1", 2),),)}, "resources"),
    "an end before the start": ({"latest": MONDAY - WEEK}, "latest"),
    "a window without end": ({"latest": datetime(2190, 1, 1, tzinfo=LONDON)}, "latest"),
    "no length": ({"length": timedelta(0)}, "duration_minutes"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_makes_no_sense_is_said(world: World, what: str) -> None:
    more, field = BAD[what]
    with pytest.raises(Invalid) as caught:
        find_slots(asked("H-BSC1", **more), world.viewer("student"))
    assert list(caught.value.errors) == [field]


def test_a_slot_is_gone_once_somebody_takes_it(world: World) -> None:
    slot = find_slots(asked("H-BSC1"), world.viewer("student")).slots[0]
    book(as_request(slot), world.viewer("amber"))
    with pytest.raises(Refused):
        book(as_request(slot), world.viewer("student"))
