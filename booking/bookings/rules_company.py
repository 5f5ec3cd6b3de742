"""The rules of company: who must not work alone, and how many students a supervisor may have at a time."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from booking.base.errors import Refusal
from booking.base.period import Period
from booking.bookings.request import Facts, Want
from booking.bookings.rules_people import ends_after, judged_before, last_day_of
from booking.facilities.places import ResourcePlace, RoomPlace, staffed
from booking.schedule.free import PeopleThere, presence_of
from booking.training.standing import ModuleAsked, Supervised
from booking.training.words import reaches


def nobody_must_work_alone(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    room = want.resource.room
    if room is None or not room.lone_working or not want.resource.is_for(facts.role):
        return
    if facts.standing.same_company and judged_before(period, facts, want):
        return
    alone = [
        stay
        for stay in _stays(period, want.resource, facts.people)
        if room.asks_for_company(facts.role, staffed(want.resource, stay.period))
    ]
    if alone and not _has_company(period, facts, want, room):
        yield _lone_refusal(facts, want, room)


def _stays(period: Period, resource: ResourcePlace, people: int) -> list[PeopleThere]:
    room_id = resource.room.id if resource.room else 0
    return presence_of(room_id, period, people, resource.running == "attended")


def _has_company(period: Period, facts: Facts, want: Want, room: RoomPlace) -> bool:
    modules = facts.standing.requirements.modules_of(want.resource.id) if room.second_competent else ()
    return any(
        all(_is_competent(user_id, module, period, facts, want.resource) for module in modules)
        for user_id in facts.standing.company
    )


def _is_competent(
    user_id: int, asked: ModuleAsked, period: Period, facts: Facts, resource: ResourcePlace
) -> bool:
    held = facts.standing.holdings.competences.get(user_id, {}).get(asked.id)
    if held is None or not reaches(held.level, asked.level):
        return False
    last = last_day_of(held, asked, resource, facts.now)
    return last is None or not ends_after(period, last, resource)


def _lone_refusal(facts: Facts, want: Want, room: RoomPlace) -> Refusal:
    who = "No student works alone" if room.lone_working == "no (students)" else "Nobody works alone"
    when = " outside staffed hours" if room.lone_working == "yes (staffed hours)" else ""
    second = "a second person who is competent there" if room.second_competent else "a second person"
    fix = f"Name {second} as participant or supervisor"
    return Refusal(
        "supervisor_needed",
        f"{who} in {room.code} {room.name}{when}: {second} must be named.",
        want.resource.code,
        f"lone working: {room.lone_working}",
        f"{room.code} {room.name}",
        f"{fix}, or choose a time inside staffed hours." if when else f"{fix}.",
    )


def supervisor_must_not_have_too_many(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    standing, facility = facts.standing, want.resource.facility
    most = facility.most_supervised
    if most is None or standing.supervisor_id is None or not standing.students:
        return
    if standing.same_company and judged_before(period, facts, want):
        return
    stays = _stays(period, want.resource, max(facts.people, 1))
    others = max((_most_supervised(facts, facility.id, stay.period) for stay in stays), default=0)
    if others + standing.students > most:
        students = f"{standing.students} student{'' if standing.students == 1 else 's'}"
        yield Refusal(
            "supervisor_needed",
            f"{standing.supervisor} supervises {others} of at most {most} students at {facility.code} then: "
            f"there is no place for {students} more.",
            want.resource.code,
            "students for each supervisor",
            f"{facility.code} {facility.name}",
            "Name another supervisor, or choose another time.",
        )


def _most_supervised(facts: Facts, facility_id: int, period: Period) -> int:
    """Return the most students that a supervisor has at a facility at any moment of a period."""
    there = [
        one
        for one in facts.standing.supervised
        if one.facility_id == facility_id and one.period.overlaps(period)
    ]
    moments = {max(one.period.start, period.start) for one in there}
    return max((_at(moment, there) for moment in moments), default=0)


def _at(moment: datetime, there: Iterable[Supervised]) -> int:
    bookings = {one.booking_id: one.students for one in there if one.period.start <= moment < one.period.end}
    return sum(bookings.values())
