"""Lone work, students of a supervisor, out-of-hours permits: from what staff keep to the booking."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from booking.base.errors import Invalid, Refused
from booking.bookings.actions import advised, book, cancel, change, check_only
from booking.bookings.finding import SlotSearch, find_slots
from booking.bookings.queries import request_of
from booking.bookings.request import BookingRequest, Wanted
from booking.facilities.actions import FacilityDetails, RoomDetails, change_facility, change_room
from booking.facilities.queries import places
from booking.training.queries import requirements
from tests.db.statements import recorded
from tests.db.training_world import a_module, a_need, a_permit, competent
from tests.factories import LONDON, World, local, request, working_day

TUE = date(2027, 1, 12)
OOH = "Out-of-hours working"
LEADER, COLLEAGUE = "leader@hub.example", "colleague@hub.example"


def lone_working(world: World, rule: str, room: str = "H-01", competent_second: bool = False) -> None:
    place = places().rooms[world.rooms[room]]
    details = RoomDetails(
        room, "HUB", place.name, place.max_persons, lone_working=rule, second_competent=competent_second
    )
    change_room(room, details, world.viewer("staff"))


def most_supervised(world: World, most: int | None) -> None:
    details = FacilityDetails("HUB", "Manufacturing Hub", "Europe/London", "GB-ENG", most_supervised=most)
    change_facility("HUB", details, world.viewer("staff"))


def codes(world: World, wanted: BookingRequest, name: str = "student") -> list[str]:
    """Return why a booking is refused; looking first and booking then must say the same."""
    viewer = world.viewer(name)
    checked = [refusal.code for refusal in check_only(wanted, viewer)[0]]
    if not checked:
        cancel(book(wanted, viewer).public_id, viewer)
        return []
    with pytest.raises(Refused) as caught:
        book(wanted, viewer)
    assert [refusal.code for refusal in caught.value.refusals] == checked
    return checked


def at(hour: float, day: date = TUE) -> datetime:
    return local(day, hour)


# --- lone work


def test_a_second_person_is_named_where_nobody_works_alone(world: World) -> None:
    lone_working(world, "no")
    wanted = request("H-BSC1", at(10))
    assert codes(world, wanted) == ["supervisor_needed"]
    assert codes(world, replace(wanted, people=2)) == ["supervisor_needed"]  # two, but who is the other?
    assert codes(world, replace(wanted, participants=("student@hub.example",))) == ["supervisor_needed"]
    assert codes(world, replace(wanted, participants=(LEADER,))) == []
    assert codes(world, replace(wanted, supervisor=LEADER)) == []
    assert codes(world, replace(wanted, people=0)) == []
    assert codes(world, request("H-HALL", at(10))) == []


def test_outside_staffed_hours_a_second_person_is_named(world: World) -> None:
    lone_working(world, "yes (staffed hours)")
    evening = request("H-BSC1", at(17.5))
    assert codes(world, request("H-BSC1", at(16.5)), "researcher") == []
    assert codes(world, evening, "researcher") == ["supervisor_needed"]
    assert codes(world, replace(evening, participants=(LEADER,)), "researcher") == []


def test_the_second_person_may_have_to_be_competent(world: World) -> None:
    module = a_module("T-1", world, "H-BSC1")
    for name in ("student", "leader"):
        competent(world, name, module)
    competent(world, "colleague", module, TUE - timedelta(days=1))
    lone_working(world, "no", competent_second=True)
    wanted = request("H-BSC1", at(10))
    assert codes(world, replace(wanted, participants=(LEADER,))) == []
    assert codes(world, replace(wanted, participants=(COLLEAGUE, "staff@hub.example"))) == [
        "supervisor_needed"
    ]
    assert codes(world, replace(wanted, participants=(COLLEAGUE, LEADER))) == []


def test_the_second_person_cannot_be_left_out_later(world: World) -> None:
    student = world.viewer("student")
    early = book(request("H-BSC2", at(10)), student)
    lone_working(world, "no")
    booking = book(request("H-BSC1", at(10), participants=(LEADER,)), student)
    wanted = request_of(booking)
    with pytest.raises(Refused, match="Nobody works alone"):
        change(booking.public_id, replace(wanted, participants=()), student)
    other = change(booking.public_id, replace(wanted, participants=(COLLEAGUE,)), student)
    assert request_of(other).participants != wanted.participants
    shorter = replace(request_of(early), ends_at=at(10.5))
    assert change(early.public_id, shorter, student).ends_at == at(10.5)  # made before the rule was
    with pytest.raises(Refused, match="Nobody works alone"):
        change(early.public_id, replace(shorter, ends_at=at(12)), student)


def test_alternatives_and_found_slots_keep_to_staffed_hours(world: World) -> None:
    lone_working(world, "yes (staffed hours)")
    researcher = world.viewer("researcher")
    wanted = request("H-BSC1", at(17))
    with pytest.raises(Refused) as caught, advised(wanted, researcher):
        book(wanted, researcher)
    assert caught.value.alternatives
    for one in caught.value.alternatives:
        taken = replace(wanted, starts_at=one.starts_at, ends_at=one.ends_at)
        assert codes(world, replace(taken, resources=(Wanted(one.resources[0][0]),)), "researcher") == []
    search = SlotSearch(((Wanted("H-BSC1"),),), timedelta(hours=1), at(16), at(23), limit=10)
    found = find_slots(search, researcher)
    assert [slot.period.start for slot in found.slots] == [at(16)]
    lone_working(world, "no")
    assert dict(find_slots(search, researcher).blocked_by)["supervisor_needed"]
    assert find_slots(replace(search, participants=(LEADER,)), researcher).slots


@pytest.mark.parametrize("wrong", ["never", "No", "yes (staffed hours) "])
def test_only_known_rules_of_lone_work_are_stored(world: World, wrong: str) -> None:
    with pytest.raises(Invalid) as caught:
        lone_working(world, wrong)
    assert "lone_working" in caught.value.errors


# --- students of a supervisor


def test_a_supervisor_has_at_most_so_many_students(world: World) -> None:
    most_supervised(world, 1)
    student = world.viewer("student")
    first = book(request("H-BSC1", at(10), supervisor=LEADER), student)
    wanted = request("H-BSC2", at(10.5), supervisor=LEADER)
    assert codes(world, wanted) == ["supervisor_needed"]
    assert codes(world, replace(wanted, supervisor=COLLEAGUE)) == []
    assert codes(world, request("H-BSC2", at(11), supervisor=LEADER)) == []
    assert codes(world, wanted, "researcher") == []  # is no student
    together = replace(wanted, participants=("student@hub.example",))
    assert codes(world, together, "researcher") == ["supervisor_needed"]
    moved = replace(request_of(first), starts_at=at(10.5), ends_at=at(11.5))
    assert change(first.public_id, moved, student).starts_at == at(10.5)  # does not count itself
    most_supervised(world, 2)
    assert codes(world, wanted) == []
    cancel(first.public_id, student)
    most_supervised(world, 0)
    assert codes(world, wanted) == ["supervisor_needed"]
    most_supervised(world, None)
    assert codes(world, wanted) == []


def test_students_who_take_part_are_counted(world: World) -> None:
    most_supervised(world, 1)
    book(
        request("H-BSC1", at(10), supervisor=LEADER, participants=("student@hub.example",)),
        world.viewer("researcher"),
    )
    assert codes(world, request("H-BSC2", at(10), supervisor=LEADER)) == ["supervisor_needed"]


def test_unattended_work_is_supervised_at_its_ends(world: World) -> None:
    most_supervised(world, 1)
    start = working_day(0, 10, nights=1)
    book(request("H-INC1", start, hours=24, supervisor=LEADER), world.viewer("student"))
    between = request("H-BSC1", start + timedelta(hours=1), supervisor=LEADER)
    assert codes(world, between) == []
    at_once = request("H-BSC1", start, supervisor=LEADER)
    assert codes(world, at_once) == ["supervisor_needed"]


# --- extended hours


def the_permit(world: World, name: str = "student", **more: Any) -> None:
    a_need(world, OOH, room_id=world.rooms["H-04"], at_times="out_of_hours")
    a_permit(kind=OOH, user_id=world.users[name], **more)


def test_a_permit_opens_the_extended_hours(world: World) -> None:
    evening = request("H-BSC1", at(17.5))
    assert codes(world, evening) == ["outside_hours"]
    the_permit(world)
    assert codes(world, evening) == []
    assert codes(world, request("H-HALL", at(17.5))) == []
    assert codes(world, request("H-BSC1", at(18.5))) == ["outside_hours"]
    assert codes(world, evening, "amber") == ["outside_hours"]


def test_hours_of_a_permit_are_found_and_offered(world: World) -> None:
    search = SlotSearch(((Wanted("H-BSC1"),),), timedelta(hours=1), at(17), at(23))
    assert find_slots(search, world.viewer("student")).slots == ()
    the_permit(world)
    student = world.viewer("student")
    assert [slot.period.start for slot in find_slots(search, student).slots] == [at(17), at(18)]
    book(request("H-BSC1", at(16)), world.viewer("staff"))
    wanted = request("H-BSC1", at(16.5))
    with pytest.raises(Refused) as caught, advised(wanted, student):
        book(wanted, student)
    assert any(one.starts_at.astimezone(LONDON).hour >= 17 for one in caught.value.alternatives)


# --- what it costs


def test_rules_that_do_not_apply_cost_no_statement(world: World) -> None:
    def statements(wanted: BookingRequest, name: str = "student") -> int:
        viewer = world.viewer(name)
        requirements(places())
        with recorded() as sent:
            check_only(wanted, viewer)
        return len(sent)

    wanted = request("H-BSC1", at(10))
    before = statements(wanted)
    the_permit(world)
    lone_working(world, "yes (staffed hours)")
    most_supervised(world, 2)
    assert statements(wanted) == before
    assert statements(request("H-BSC1", at(17.5)), "researcher") == before
    assert statements(request("H-BSC1", at(17.5))) == before + 1
