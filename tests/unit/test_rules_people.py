"""The rules of competence, permits and certificates, each at its edge."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.base.errors import Refusal
from booking.base.period import Period, midnight
from booking.bookings.rules import check
from booking.facilities.places import CertificatePlace, ResourcePlace
from booking.training.standing import (
    Engaged,
    Held,
    HeldPermit,
    Holdings,
    ModuleAsked,
    NextSession,
    PermitAsked,
    Requirements,
    Standing,
    add_months,
    covered_through,
    session_that_cures,
)
from tests.unit.machines import LONDON, NOW, a_facility, a_machine, facts, local, span

CL2 = ModuleAsked(7, "T-CL2", "CL2 practice", "competent", 24, 6, "")
ME, THEY = 1, 2
TUE = date(2026, 11, 24)
SECOND = timedelta(seconds=1)
LONG = {"max_minutes": 40 * 24 * 60, "horizon_days": 3000}


def held(through: date | None = None, level: str = "competent", used: date = date(2026, 11, 1)) -> Held:
    return Held(level, through, used)


def a_permit(kind: str = "Risk assessment", **more: Any) -> HeldPermit:
    standard = HeldPermit(
        kind, "RA-1", ME, None, None, frozenset(), date(2026, 1, 1), more.pop("through", date(2030, 1, 1))
    )
    return replace(standard, **more)


def need(kind: str = "Risk assessment", at_times: str = "always", **more: Any) -> PermitAsked:
    standard = PermitAsked(1, kind, "Hub facility manager", 1, None, None, None, None, at_times)
    return replace(standard, **more)


def standing(
    mine: Held | None = None, theirs: Held | None = None, asked: ModuleAsked | None = CL2, **more: Any
) -> Standing:
    competences = {person: {CL2.id: one} for person, one in ((ME, mine), (THEY, theirs)) if one is not None}
    standard = Standing(
        Requirements(1, {1: (asked,)} if asked else {}, more.pop("needs", ())),
        Holdings(competences, more.pop("permits", ())),
        organiser_id=ME,
    )
    return replace(standard, **more)


def machine(running: str = "free", **more: Any) -> ResourcePlace:
    no_holidays = a_facility(holidays="")
    return a_machine(running, policy=LONG | more.pop("policy", {}), facility=no_holidays, **more)


def refused(period: Period, one: Standing, role: str = "researcher", **more: Any) -> list[Refusal]:
    return check(period, facts(more.pop("machine", machine()), role, standing=one, **more))


def codes(period: Period, one: Standing, role: str = "researcher", **more: Any) -> list[str]:
    return [refusal.code for refusal in refused(period, one, role, **more)]


# --- competence


@pytest.mark.parametrize("role", ["student", "researcher", "industry", "staff", "admin"])
def test_everybody_must_be_trained_staff_too(role: str) -> None:
    assert codes(span(TUE, 10, 11), standing(), role) == ["training_missing"]
    assert codes(span(TUE, 10, 11), standing(held()), role) == []
    assert codes(span(TUE, 10, 11), standing(), role, people=0) == ["training_missing"]


def test_a_run_of_twelve_days_is_refused_for_a_certificate_that_ends_on_day_nine() -> None:
    run = span(TUE, 9, 9, days=11)
    ninth = TUE + timedelta(days=8)
    renewal = NextSession(3, local(TUE - timedelta(days=1), 13), local(TUE - timedelta(days=1), 17), 2)
    (refusal,) = refused(run, standing(held(ninth), sessions={CL2.id: (renewal,)}))
    assert refusal.code == "training_expires"
    assert (refusal.resource, refusal.rule, refusal.set_by) == (
        "H-BSC1",
        "T-CL2 CL2 practice",
        "HUB trainers",
    )
    assert "Wed 2 Dec 2026" in refusal.message
    assert "Mon 23 Nov 2026, 13:00" in refusal.fix
    assert refusal.ok_from is None  # the session is before the run


def test_valid_through_a_day_means_to_its_last_second() -> None:
    end_of_day = midnight(TUE + timedelta(days=1), LONDON)
    start = local(TUE, 10)
    assert codes(Period(start, end_of_day - SECOND), standing(held(TUE))) == ["off_grid"]
    assert codes(Period(start, end_of_day), standing(held(TUE))) == []
    assert codes(Period(start, end_of_day + timedelta(minutes=15)), standing(held(TUE))) == [
        "training_expires"
    ]


@pytest.mark.parametrize(
    "day", [date(2027, 3, 28), date(2026, 10, 25) + timedelta(days=371), date(2028, 2, 29)]
)
def test_the_end_of_a_day_is_local_when_the_clocks_change_and_on_leap_days(day: date) -> None:
    end_of_day = midnight(day + timedelta(days=1), LONDON)
    start = end_of_day - timedelta(hours=8)
    assert codes(Period(start, end_of_day), standing(held(day))) == []
    late = Period(start, end_of_day + timedelta(minutes=15))
    assert codes(late, standing(held(day))) == ["training_expires"]


@given(st.integers(1, 400), st.integers(0, 400))
def test_a_competence_holds_exactly_to_its_end(days: int, through: int) -> None:
    end = midnight(NOW.date() + timedelta(days=days), LONDON)
    period = Period(end - timedelta(hours=1), end)
    last = NOW.date() + timedelta(days=through)
    assert (codes(period, standing(held(last))) == []) == (days - 1 <= through)


def test_a_lapse_by_disuse_counts_once_it_has_happened() -> None:
    today = NOW.date()
    far = span(date(2027, 9, 28), 10, 11)
    assert codes(far, standing(held(used=add_months(today, -6)))) == []  # it is the last day
    (refusal,) = refused(far, standing(held(used=add_months(today, -6) - timedelta(days=1))))
    assert refusal.code == "training_expires"
    assert "not used for 6 months" in refusal.message
    never = replace(CL2, lapse_months=0)
    assert codes(far, standing(held(used=date(2001, 1, 1)), asked=never)) == []


def test_who_may_not_book_at_all_is_told_only_that() -> None:
    closed = machine(policy={"roles": ("researcher",)})
    assert codes(span(TUE, 10, 11), standing(), "student", machine=closed) == ["not_allowed"]


def test_the_organiser_is_named_if_somebody_else_books() -> None:
    (refusal,) = refused(span(TUE, 10, 11), standing(organiser="Stella Student"))
    assert "Stella Student" in refusal.message
    (mine,) = refused(span(TUE, 10, 11), standing())
    assert mine.message.endswith("for you.")


def test_a_session_after_the_start_says_from_when_on_it_would_be_possible() -> None:
    later = NextSession(3, local(TUE, 13), local(TUE, 17), 1)
    (refusal,) = refused(span(TUE, 10, 11), standing(sessions={CL2.id: (later,)}))
    assert refusal.ok_from == later.ends_at
    (without,) = refused(span(TUE, 10, 11), standing())
    assert "Ask the trainers of HUB" in without.fix


def test_the_session_offered_gives_a_certificate_that_lasts() -> None:
    first, second = (
        NextSession(n, local(day, 9), local(day, 11), 1)
        for n, day in ((1, TUE), (2, TUE + timedelta(days=200)))
    )
    run = local(TUE + timedelta(days=300), 9)
    assert session_that_cures((first, second), 12, run, TUE + timedelta(days=301)) == first
    assert session_that_cures((first, second), 6, run, TUE + timedelta(days=301)) == second
    assert session_that_cures((first, second), 1, run, TUE + timedelta(days=301)) is None
    assert session_that_cures((first, second), 0, run, TUE + timedelta(days=3000)) == first


# --- supervisors

TEN = span(TUE, 10, 12)
TRAINEE = held(level="trainee")


def test_a_trainee_needs_a_supervisor_who_is_competent_through_the_end() -> None:
    assert codes(TEN, standing(TRAINEE)) == ["supervisor_needed"]
    assert codes(TEN, standing(TRAINEE, held(), supervisor_id=THEY)) == []
    assert codes(TEN, standing(TRAINEE, None, supervisor_id=THEY)) == ["supervisor_needed"]
    assert codes(TEN, standing(TRAINEE, TRAINEE, supervisor_id=THEY)) == ["supervisor_needed"]
    assert codes(TEN, standing(TRAINEE, held(TUE), supervisor_id=THEY)) == []
    yesterday = TUE - timedelta(days=1)
    assert codes(TEN, standing(TRAINEE, held(yesterday), supervisor_id=THEY)) == ["supervisor_needed"]


def test_a_resource_may_let_trainees_work_alone_or_ask_for_trainers() -> None:
    assert codes(TEN, standing(TRAINEE, asked=replace(CL2, level="trainee"))) == []
    assert codes(TEN, standing(held(), asked=replace(CL2, level="trainer"))) == ["supervisor_needed"]
    assert codes(TEN, standing(held(level="trainer"), asked=replace(CL2, level="trainer"))) == []


@pytest.mark.parametrize(
    ("start", "end", "room", "busy"),
    [
        (8, 10, 2, False),  # they come from there
        (8, 10.25, 2, True),
        (11.75, 13, 2, True),
        (12, 13, 2, False),
        (10, 12, 1, False),  # the same room
        (10, 12, None, True),
    ],
)
def test_a_supervisor_must_not_have_to_be_elsewhere(
    start: float, end: float, room: int | None, busy: bool
) -> None:
    engaged = (Engaged(span(TUE, start, end), room),)
    attended = machine("attended")
    one = standing(TRAINEE, held(), supervisor_id=THEY, supervisor="Rhona", supervisor_engaged=engaged)
    assert codes(TEN, one, machine=attended) == ["supervisor_needed"] * busy


def test_of_a_long_run_a_supervisor_is_needed_at_its_ends() -> None:
    run = span(TUE, 10, 10, days=3)
    between = (Engaged(span(TUE + timedelta(days=1), 9, 12), 2),)
    at_end = (Engaged(span(TUE + timedelta(days=3), 9, 9.75), 2),)
    for engaged, wrong in ((between, []), (at_end, ["supervisor_needed"])):
        one = standing(TRAINEE, held(), supervisor_id=THEY, supervisor_engaged=engaged)
        assert codes(run, one) == wrong


# --- permits


def test_a_permit_must_be_there_and_last_through_the_end() -> None:
    asked = {"asked": None, "needs": (need(),)}
    run = span(TUE, 9, 9, days=11)
    last = TUE + timedelta(days=11)
    assert codes(run, standing(**asked)) == ["permit_missing"]
    assert codes(run, standing(**asked, permits=(a_permit(through=last),))) == []
    (refusal,) = refused(run, standing(**asked, permits=(a_permit(through=last - timedelta(days=1)),)))
    assert (refusal.code, refusal.rule, refusal.set_by) == (
        "permit_expires",
        "Risk assessment",
        "Hub facility manager",
    )
    assert codes(run, standing(**asked, permits=(a_permit(through=TUE - timedelta(days=1)),))) == [
        "permit_expires"
    ]
    (later,) = refused(run, standing(**asked, permits=(a_permit(valid_from=last),)))
    assert (later.code, later.ok_from) == ("permit_missing", midnight(last, LONDON))


def test_permits_that_follow_each_other_count_as_one() -> None:
    def days(first: int, last: int) -> HeldPermit:
        return a_permit(valid_from=date(2027, 1, first), valid_through=date(2027, 1, last))

    assert covered_through([days(6, 9), days(1, 5)], date(2027, 1, 2)) == date(2027, 1, 9)
    assert covered_through([days(1, 5), days(7, 9)], date(2027, 1, 2)) == date(2027, 1, 5)
    assert covered_through([days(3, 5)], date(2027, 1, 2)) is None
    assert covered_through([days(1, 9), days(2, 4)], date(2027, 1, 3)) == date(2027, 1, 9)


@pytest.mark.parametrize(
    ("scope", "fits"),
    [
        ({}, True),
        ({"user_id": None, "project_id": 5}, True),
        ({"user_id": None, "project_id": 6}, False),
        ({"user_id": THEY}, False),
        ({"room_id": 1}, True),
        ({"room_id": 2}, False),
        ({"resources": frozenset({1, 9})}, True),
        ({"resources": frozenset({9})}, False),
        ({"kind": "GM project, class 1"}, False),
    ],
)
def test_a_permit_counts_within_its_scope(scope: dict[str, Any], fits: bool) -> None:
    one = standing(asked=None, needs=(need(),), permits=(a_permit(**scope),), project_id=5)
    assert codes(TEN, one) == ["permit_missing"] * (not fits)


@pytest.mark.parametrize(
    ("scope", "asks"),
    [
        ({}, True),
        ({"facility_id": 2}, False),
        ({"resource_id": 1}, True),
        ({"resource_id": 2}, False),
        ({"room_id": 1}, True),
        ({"room_id": 2}, False),
        ({"resource_kind": "workstation"}, True),
        ({"resource_kind": "storage"}, False),
        ({"work": "Human donor material"}, True),
        ({"work": "Animal cells"}, False),
    ],
)
def test_a_permit_is_asked_for_where_and_for_the_work_that_it_says(scope: dict[str, Any], asks: bool) -> None:
    asked = Requirements(1, {}, (need(**scope),), {5: frozenset({"Human donor material"})})
    one = Standing(asked, organiser_id=ME, project_id=5)
    assert codes(TEN, one) == ["permit_missing"] * asks
    if "work" in scope:
        assert codes(TEN, replace(one, project_id=None)) == []


@pytest.mark.parametrize(
    ("start", "end", "people", "asks"),
    [
        (8.5, 17.5, 1, False),
        (8, 9, 1, True),
        (17, 18, 1, True),
        (17, 18, 0, False),  # nobody is there
    ],
)
def test_out_of_hours_is_outside_staffed_hours_with_people_there(
    start: float, end: float, people: int, asks: bool
) -> None:
    one = standing(asked=None, needs=(need(at_times="out_of_hours"),))
    assert (
        codes(span(TUE, start, end), one, people=people, machine=machine("attended"))
        == ["permit_missing"] * asks
    )
    weekend = span(TUE + timedelta(days=4), 10, 11)
    assert codes(weekend, one, people=1) == ["permit_missing"]


def test_of_a_run_over_night_only_its_ends_are_out_of_hours() -> None:
    one = standing(asked=None, needs=(need(at_times="out_of_hours"),))
    assert codes(span(TUE, 9, 10, days=2), one, machine=machine("ends")) == []
    assert codes(span(TUE, 18, 10, days=2), one, machine=machine("ends")) == ["permit_missing"]


def test_overnight_is_past_the_end_of_a_day() -> None:
    one = standing(asked=None, needs=(need(at_times="overnight"),))
    assert codes(span(TUE, 7, 19), one, machine=machine("ends")) == []
    assert codes(span(TUE, 9, 10, days=1), one, machine=machine("ends")) == ["permit_missing"]


# --- certificates


def test_no_booking_may_run_past_serviceable_until() -> None:
    certificates = (
        CertificatePlace("Calibration", "", date(2030, 1, 1), ""),
        CertificatePlace("Cabinet examination", "LEV-2", TUE, "Examiners"),
    )
    one = machine(certificates=certificates)
    assert (
        codes(Period(local(TUE, 22), midnight(TUE + timedelta(days=1), LONDON)), Standing(), machine=one)
        == []
    )
    (refusal,) = refused(span(TUE, 22, 1, days=1), Standing(), machine=one)
    assert refusal.code == "certificate_expires"
    assert "cabinet examination" in refusal.message
    assert refusal.rule == "serviceable until: Cabinet examination"


# --- changes


def test_what_keeps_its_people_and_its_time_is_not_judged_anew() -> None:
    run = span(TUE, 9, 9, days=11)
    lapsed = standing(same_people=True)
    before = {"before": run, "before_resources": frozenset({1})}
    one = machine(certificates=(CertificatePlace("Calibration", "", TUE, ""),))
    assert codes(run, lapsed, machine=one, **before) == []
    assert codes(span(TUE, 9, 9, days=9), lapsed, machine=one, **before) == []
    longer = span(TUE, 9, 9, days=12)
    assert codes(longer, lapsed, machine=one, **before) == ["training_missing", "certificate_expires"]
    assert "training_missing" in codes(run, standing(), machine=one, **before)  # other people
    other = {"before": run, "before_resources": frozenset({9})}
    assert "training_missing" in codes(run, lapsed, machine=one, **other)


def test_months_end_on_the_last_day_where_there_is_no_such_day() -> None:
    assert add_months(date(2028, 2, 29), 12) == date(2029, 2, 28)
    assert add_months(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert add_months(date(2026, 11, 23), 24) == date(2028, 11, 23)
    assert datetime(2026, 11, 23, tzinfo=UTC) < NOW
