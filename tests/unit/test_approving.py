"""When a booking needs approval, by whom, until when; who may answer: each with its boundaries."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from booking.base.period import Period
from booking.bookings.approving import due, in_words, steps_needed
from booking.bookings.deciding import NEXT, Waiting, may_answer, may_stand_in
from booking.bookings.visibility import Relation
from booking.facilities.models import DECIDERS
from booking.facilities.places import ApprovalPlace, Hours, ResourcePlace
from booking.facilities.workdays import working_days_later
from booking.people.viewer import Viewer
from tests.unit.machines import a_facility, a_machine, closed

MONDAY = datetime(2027, 1, 11, 9, tzinfo=UTC)
HUB = a_facility()


def utc(day: int, hour: float, month: int = 1) -> datetime:
    return datetime(2027, month, day, int(hour), round(hour % 1 * 60), tzinfo=UTC)


# --- working days


@pytest.mark.parametrize(
    ("asked", "due_at"),
    [
        (utc(11, 9), utc(13, 9)),  # Monday to Wednesday
        (utc(14, 9), utc(18, 9)),  # Thursday to Monday
        (utc(15, 16), utc(19, 16)),  # Friday to Tuesday
        (utc(16, 12), utc(20, 8.5)),  # Saturday counts from Monday's opening
        (utc(11, 7), utc(13, 8.5)),  # before opening: from the opening
        (utc(11, 17.5), utc(14, 8.5)),  # at closing time nobody is there any more
        (utc(11, 17.5) - timedelta(seconds=1), utc(13, 17.5) - timedelta(seconds=1)),
        (
            datetime(2027, 3, 25, 10, tzinfo=UTC),
            datetime(2027, 3, 31, 9, tzinfo=UTC),
        ),  # Easter, and the clocks
        (datetime(2028, 2, 28, 10, tzinfo=UTC), datetime(2028, 3, 1, 10, tzinfo=UTC)),  # a leap day is a day
        (datetime(2027, 10, 29, 9, tzinfo=UTC), datetime(2027, 11, 2, 10, tzinfo=UTC)),  # the clocks go back
    ],
)
def test_two_working_days(asked: datetime, due_at: datetime) -> None:
    assert working_days_later(HUB, asked, 2) == due_at


def test_closures_of_the_facility_count_and_those_of_a_room_do_not() -> None:
    tuesday = date(2027, 1, 12)
    shut = replace(HUB, closures=(closed(tuesday, tuesday),))
    assert working_days_later(shut, MONDAY, 2) == utc(14, 9)
    room = replace(HUB, closures=(replace(closed(tuesday, tuesday), room_id=1),))
    assert working_days_later(room, MONDAY, 2) == utc(13, 9)


def test_a_short_day_ends_at_its_closing() -> None:
    hours = [h for h in HUB.hours if h.hours == "staffed" and h.weekday != 2]
    short = replace(HUB, hours=(*hours, Hours("staffed", 2, time(9), time(12))))
    assert working_days_later(short, utc(11, 15), 2) == utc(13, 12)


def test_a_facility_that_is_never_staffed_counts_every_day() -> None:
    assert working_days_later(replace(HUB, hours=()), MONDAY, 2) == utc(13, 9)


def test_when_a_request_goes_on_and_expires() -> None:
    far = MONDAY + timedelta(days=30)
    assert due(HUB, MONDAY, 2, far) == (utc(13, 9), utc(14, 9))
    assert due(HUB, MONDAY, 5, far) == (utc(18, 9), utc(19, 9))


def test_a_request_expires_when_its_time_comes_and_goes_on_half_way() -> None:
    assert due(HUB, MONDAY, 2, utc(13, 9)) == (utc(12, 9), utc(13, 9))
    assert due(HUB, MONDAY, 2, utc(13, 9) + timedelta(seconds=1))[0] == utc(13, 9)
    assert due(HUB, MONDAY, 2, MONDAY - timedelta(hours=1)) == (MONDAY, MONDAY)


# --- who is asked

NIGHT = Period(utc(11, 16), utc(11, 18))
DAY = Period(utc(11, 10), utc(11, 12))


def a_rule(*deciders: str, **more: Any) -> ApprovalPlace:
    return ApprovalPlace("A rule", "Safety office", deciders=deciders or ("staff",), **more)


def asked(*rules: ApprovalPlace, period: Period = DAY, role: str = "student", **machine: Any) -> list[str]:
    place: ResourcePlace = a_machine(approvals=rules, **machine)
    return [step.decider for step in steps_needed(period, role, 1, [place])]


def test_nothing_is_asked_without_a_rule() -> None:
    assert asked() == []
    assert asked(approval=True) == ["staff"]


def test_a_rule_for_a_role_is_for_that_role() -> None:
    assert asked(a_rule(role="student")) == ["staff"]
    assert asked(a_rule(role="researcher")) == []


def test_a_rule_for_long_bookings_begins_after_its_length() -> None:
    assert asked(a_rule(longer_than_minutes=120)) == []
    longer = Period(DAY.start, DAY.end + timedelta(seconds=1))
    assert asked(a_rule(longer_than_minutes=120), period=longer) == ["staff"]


def test_a_rule_for_hours_outside_the_staffed_ones() -> None:
    rule = a_rule(outside_hours=True)
    until = Period(utc(11, 8.5), utc(11, 17.5))
    assert asked(rule, period=until) == []
    for late in (
        Period(until.start, until.end + timedelta(seconds=1)),
        Period(until.start - timedelta(seconds=1), until.end),
    ):
        assert asked(rule, period=late) == ["staff"]


def test_unattended_running_asks_only_for_when_people_are_there() -> None:
    overnight = Period(utc(11, 16), utc(12, 10))
    assert asked(a_rule(outside_hours=True), period=overnight, running="ends") == []
    assert asked(a_rule(outside_hours=True), period=overnight) == ["staff"]


def test_rules_count_together_and_nobody_is_asked_twice() -> None:
    two = a_rule("quality_officer", "staff")
    assert asked(a_rule("staff"), two) == ["quality_officer", "staff"]
    assert asked(two, approval=True) == ["quality_officer", "staff"]
    assert asked(a_rule("owner"), two) == ["quality_officer", "staff", "owner"]


def test_the_stricter_rule_says_who_may_decide_for_themself() -> None:
    place = a_machine(approvals=(a_rule("staff"),), approval=True)
    (step,) = steps_needed(DAY, "student", 1, [place])
    assert not step.own


def test_each_facility_and_each_owned_resource_is_asked() -> None:
    other = replace(a_facility(), id=2, code="SUS")
    here = a_machine(approvals=(a_rule("staff"), a_rule("owner")))
    there = replace(here, id=2, facility=other)
    steps = steps_needed(DAY, "student", 1, [here, there])
    assert [(s.decider, s.facility_id, s.resource_id) for s in steps] == [
        ("staff", 1, None),
        ("owner", 1, 1),
        ("staff", 2, None),
        ("owner", 2, 2),
    ]


def test_a_rule_in_words() -> None:
    rule = a_rule("quality_officer", "staff", longer_than_minutes=480, outside_hours=True)
    assert in_words(rule) == (
        "by the quality officer, then the facility's staff; if longer than 8 h; "
        "if people are there outside staffed hours"
    )


# --- who may answer


def somebody(key: int, role: str = "researcher", kind: str = "host", company: int = 1, **more: Any) -> Viewer:
    return Viewer(key, str(key), f"P{key}", "", role, company, "", "", kind, **more)


ORGANISER = somebody(1, "student")
RIVALS = {"kind": "industry", "role": "industry"}


def waiting(decider: str = "staff", **more: Any) -> Waiting:
    relation = Relation(1, 1, True, None, False, 7, False, frozenset({1}))
    return replace(Waiting(1, 1, decider, 1, (8,), False, False, 1, 1, relation), **more)


PEOPLE = {
    "supervisor": somebody(7),
    "owner": somebody(8),
    "quality_officer": somebody(9, "staff", duties=(("quality_officer", 1),)),
    "staff": somebody(10, "staff", duties=(("technician", 1),)),
    "facility_manager": somebody(11, "staff", duties=(("facility_manager", 1),)),
    "elsewhere": somebody(12, "staff", duties=(("facility_manager", 2),)),
    "admin": somebody(13, "admin"),
    "organiser": ORGANISER,
}
ANSWERS = {
    "supervisor": {"supervisor", "admin"},
    "owner": {"owner", "admin"},
    "quality_officer": {"quality_officer", "admin"},
    "staff": {"staff", "quality_officer", "facility_manager", "admin"},
    "facility_manager": {"facility_manager", "admin"},
}


@pytest.mark.parametrize("decider", DECIDERS)
def test_who_answers_which_step(decider: str) -> None:
    assert {name for name, one in PEOPLE.items() if may_answer(one, waiting(decider))} == ANSWERS[decider]


@pytest.mark.parametrize("decider", DECIDERS)
def test_who_answers_as_well_once_it_is_passed_on(decider: str) -> None:
    found = {name for name, one in PEOPLE.items() if may_answer(one, waiting(decider, escalated=True))}
    assert found == ANSWERS[decider] | ANSWERS.get(NEXT[decider], set())


def test_nobody_decides_for_themself_unless_the_rule_says_so() -> None:
    staff = PEOPLE["staff"]
    for concerned in ({"organiser_id": 10}, {"made_by_id": 10}):
        assert not may_answer(staff, waiting(**concerned))
        assert may_answer(staff, waiting(own=True, **concerned))
    assert not may_answer(PEOPLE["admin"], waiting(organiser_id=13))


def test_two_steps_need_two_people() -> None:
    assert not may_answer(PEOPLE["admin"], waiting(answered_before=True))


def test_a_deputy_decides_what_the_person_decides_and_not_for_themself() -> None:
    deputy, person = somebody(20), PEOPLE["quality_officer"]
    assert may_answer(deputy, waiting("quality_officer"), person)
    assert not may_answer(deputy, waiting("owner"), person)
    assert not may_answer(deputy, waiting("quality_officer", organiser_id=20), person)
    assert not may_answer(deputy, waiting("quality_officer", organiser_id=9), person)


def test_an_owner_does_not_answer_what_they_may_not_see() -> None:
    partner = Relation(1, 5, False, None, False, None, False, frozenset({1}))
    assert not may_answer(PEOPLE["owner"], waiting("owner", relation=partner))
    secret = Relation(1, 1, True, 3, True, None, False, frozenset({1}))
    assert not may_answer(PEOPLE["owner"], waiting("owner", relation=secret))
    assert may_answer(PEOPLE["owner"], waiting("owner"))


def test_who_may_stand_in_for_whom() -> None:
    host, other = somebody(1), somebody(2, "staff")
    amber, amber2, birch = (somebody(k, company=c, **RIVALS) for k, c in ((3, 5), (4, 5), (5, 6)))
    inside = somebody(6, "industry", "host")
    assert may_stand_in(host, other)
    assert may_stand_in(amber, amber2)
    for deputy, person in ((amber, birch), (amber, host), (host, amber), (inside, host)):
        assert not may_stand_in(deputy, person)
