"""Quotas through every way to a booking: book, check, change, alternatives, find, on behalf, groups."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.base import clock
from booking.base.errors import Forbidden, Invalid, NotFound, Refusal, Refused, Stale
from booking.bookings.actions import (
    advised,
    approve,
    book,
    cancel,
    change,
    check_only,
    decline,
)
from booking.bookings.finding import SlotSearch, find_slots
from booking.bookings.queries import request_of
from booking.bookings.quotas_now import quotas_now
from booking.bookings.request import BookingRequest, Wanted
from booking.facilities.queries import directory_version, places
from booking.facilities.quota_actions import (
    QuotaDetails,
    add_quota,
    change_quota,
    find_quota,
    picture,
    remove_quota,
)
from booking.training.queries import requirements
from tests.db.quota_world import a_quota, prime_time
from tests.db.statements import recorded, recorded_with_values
from tests.db.test_plans import whole_tables_read
from tests.factories import LONDON, MONDAY, World, local, next_weekday, request

TUE, WED, FRI = date(2027, 1, 12), date(2027, 1, 13), date(2027, 1, 15)


def at(hour: float, day: date = TUE) -> datetime:
    return local(day, hour)


def refusals(world: World, wanted: BookingRequest, name: str = "student") -> list[Refusal]:
    """Return why a booking is refused; looking first and booking then must say the same."""
    viewer = world.viewer(name)
    checked = check_only(wanted, viewer)[0]
    if not checked:
        cancel(book(wanted, viewer).public_id, viewer)
        return []
    with pytest.raises(Refused) as caught:
        book(wanted, viewer)
    assert caught.value.refusals == checked
    return checked


def codes(world: World, wanted: BookingRequest, name: str = "student") -> list[str]:
    return [refusal.code for refusal in refusals(world, wanted, name)]


# --- who and what counts


def test_five_hours_a_day_are_not_exceeded(world: World) -> None:
    a_quota(world)
    student = world.viewer("student")
    book(request("H-BSC1", at(9), hours=3), student)
    assert codes(world, request("H-BSC2", at(13), hours=2)) == []
    (refusal,) = refusals(world, request("H-BSC2", at(13), hours=2.5))
    assert (refusal.code, refusal.resource, refusal.rule) == ("quota", "H-BSC2", "Five hours")
    assert refusal.ok_from == local(WED, 0)
    assert codes(world, request("H-BSC2", at(13, WED), hours=2.5)) == []
    assert codes(world, request("H-BSC2", at(13), hours=2.5), "researcher") == []


def test_each_resource_may_be_counted_apart(world: World) -> None:
    a_quota(world, minutes=180, each_resource=True)
    student = world.viewer("student")
    book(request("H-BSC1", at(9), hours=3), student)
    assert codes(world, request("H-BSC1", at(13), hours=0.5)) == ["quota"]
    assert codes(world, request("H-BSC2", at(13), hours=3)) == []


def test_what_is_of_another_kind_does_not_count(world: World) -> None:
    a_quota(world)
    book(request("H-HALL", at(9), hours=5), world.viewer("student"))
    assert codes(world, request("H-BSC1", at(9), hours=4)) == []


def test_units_count_each(world: World) -> None:
    a_quota(world, kind=None, resource="H-HALL")
    assert codes(world, request(Wanted("H-HALL", 5), at(9), hours=1)) == []
    assert codes(world, request(Wanted("H-HALL", 6), at(9), hours=1)) == ["quota"]


def test_prime_time_counts_apart(world: World) -> None:
    prime_time(world)
    a_quota(world, minutes=120, prime=True)
    student = world.viewer("student")
    book(request("H-BSC1", at(10), hours=2), student)
    (refusal,) = refusals(world, request("H-BSC2", at(9), hours=1.5))
    assert "2 h used, 0 h left; this takes 30 min" in refusal.message
    assert codes(world, request("H-BSC2", at(9), hours=1)) == []


def test_a_cancelled_booking_gives_back(world: World) -> None:
    a_quota(world)
    student = world.viewer("student")
    booking = book(request("H-BSC1", at(9), hours=4), student)
    wanted = request("H-BSC2", at(13), hours=2)
    assert codes(world, wanted) == ["quota"]
    cancel(booking.public_id, student)
    assert codes(world, wanted) == []


def test_what_ran_counts_and_what_ended_early_gives_back_the_rest(world: World) -> None:
    a_quota(world)
    student = world.viewer("student")
    early = book(request("H-BSC1", at(9), hours=4), student)
    later = request("H-BSC2", at(13.5), hours=2)
    with clock.travel(at(11)):
        assert codes(world, later) == ["quota"]
        cancel(early.public_id, student)  # it runs: this ends it now
        assert codes(world, later) == []
    with clock.travel(at(13)):
        assert codes(world, replace(later, ends_at=later.ends_at + timedelta(hours=1.5))) == ["quota"]


def test_a_request_counts_until_it_is_declined(world: World) -> None:
    a_quota(world, "open", None, bookings=1, kind="bioreactor")
    student, staff = world.viewer("student"), world.viewer("staff")
    start = next_weekday(9.5, days=7)
    asked = book(request("H-BR1", start, hours=24), student)
    assert asked.status == "requested"
    later = request("H-BR1", start + timedelta(days=7), hours=24)
    assert codes(world, later) == ["quota"]
    decline(asked.public_id, staff, "no")
    again = book(later, student)
    approve(again.public_id, staff)
    assert codes(world, request("H-BR1", start + timedelta(days=14), hours=24)) == ["quota"]


def test_open_bookings_end(world: World) -> None:
    a_quota(world, "open", None, bookings=2)
    student = world.viewer("student")
    for day in (TUE, WED):
        book(request("H-BSC1", at(10, day)), student)
    wanted = request("H-BSC1", at(10, FRI))
    (refusal,) = refusals(world, wanted)
    assert refusal.ok_from is None
    with clock.travel(at(11) - timedelta(seconds=1)):
        assert codes(world, wanted) == ["quota"]
    with clock.travel(at(11)):
        assert codes(world, wanted) == []


def test_the_organiser_is_charged_whoever_books(world: World) -> None:
    a_quota(world)
    book(request("H-BSC1", at(9), hours=4, on_behalf_of="student@hub.example"), world.viewer("staff"))
    assert codes(world, request("H-BSC2", at(13), hours=2)) == ["quota"]
    assert codes(world, request("H-BSC2", at(13), hours=2), "staff") == []
    for_them = request("H-BSC2", at(13), hours=2, on_behalf_of="student@hub.example")
    (refusal,) = refusals(world, for_them, "staff")
    assert "Stella Student has 5 h a day" in refusal.message


def test_a_role_an_organisation_and_a_project_may_be_meant(world: World) -> None:
    a_quota(world, name="a", minutes=60, role="industry")
    a_quota(world, name="b", minutes=120, organisation="UNI")
    a_quota(world, name="c", minutes=90, project="P-OPEN")
    wanted = request("H-BSC1", at(9), hours=2)
    assert codes(world, wanted, "researcher") == []
    assert [one.rule for one in refusals(world, replace(wanted, project="P-OPEN"))] == ["c"]
    assert [one.rule for one in refusals(world, wanted, "amber")] == ["a"]
    longer = replace(wanted, ends_at=at(11.5))
    assert [one.rule for one in refusals(world, longer)] == ["b"]


def test_a_project_shares_what_it_has(world: World) -> None:
    a_quota(world, "week", 300, shared_by="project")
    book(request("H-BSC1", at(9), hours=4, project="P-OPEN"), world.viewer("student"))
    wanted = request("H-BSC2", at(9, WED), hours=2)
    assert codes(world, wanted, "researcher") == []
    (refusal,) = refusals(world, replace(wanted, project="P-OPEN"), "researcher")
    assert "P-OPEN has 5 h a week for each project" in refusal.message
    assert codes(world, replace(wanted, project="P-SECRET"), "researcher") == []


def test_a_booking_may_not_be_brought_into_a_full_project(world: World) -> None:
    a_quota(world, "week", 300, shared_by="project")
    book(request("H-BSC1", at(9), hours=4, project="P-OPEN"), world.viewer("student"))
    researcher = world.viewer("researcher")
    mine = book(request("H-BSC2", at(9, WED), hours=2), researcher)
    with pytest.raises(Refused, match="P-OPEN has 5 h a week"):
        change(mine.public_id, replace(request_of(mine), project="P-OPEN"), researcher)


def test_an_organisation_shares_what_it_has(world: World) -> None:
    a_quota(world, "week", 300, shared_by="organisation")
    book(request("H-BSC1", at(9), hours=4), world.viewer("amber"))
    wanted = request("H-BSC2", at(9, WED), hours=2)
    (refusal,) = refusals(world, wanted, "amber2")
    assert "Northwind Therapeutics has 5 h a week" in refusal.message
    assert codes(world, wanted, "birch") == []


# --- weeks, months, the clocks


@pytest.mark.parametrize(
    ("now", "sunday"),
    [(date(2026, 10, 14), date(2026, 10, 25)), (date(2027, 3, 15), date(2027, 3, 28))],
)
def test_a_week_ends_at_midnight_by_the_clock(world: World, now: date, sunday: date) -> None:
    with clock.travel(local(now, 9)):
        a_quota(world, "week", 240, kind="analytical")
        student = world.viewer("student")
        monday = sunday + timedelta(days=1)
        midnight = local(monday, 0)
        book(request("H-LC", midnight - timedelta(hours=2), hours=2), student)
        assert codes(world, request("H-LC", local(sunday, 15), hours=2)) == []
        assert codes(world, request("H-LC", local(sunday, 15), hours=3)) == ["quota"]
        assert codes(world, request("H-LC", local(monday + timedelta(days=1), 6), hours=4)) == []


def test_a_month_counts_from_its_first_day(world: World) -> None:
    a_quota(world, "month", 600, kind="analytical")
    student = world.viewer("student")
    book(request("H-LC", local(date(2027, 1, 31), 18), hours=12), student)  # six of them in February
    january = request("H-LC", local(date(2027, 1, 20), 10), hours=4)
    assert codes(world, january) == []
    assert codes(world, replace(january, ends_at=january.ends_at + timedelta(hours=1))) == ["quota"]
    february = request("H-LC", local(date(2027, 2, 27), 10), hours=4)
    assert codes(world, february) == []
    assert codes(world, replace(february, ends_at=february.ends_at + timedelta(hours=1))) == ["quota"]


def test_long_stays_count_for_as_long_as_they_last(world: World) -> None:
    a_quota(world, "day", 25 * 60, kind="storage")  # the longest day
    researcher = world.viewer("researcher")
    start = next_weekday(10)
    book(replace(request("H-LN2", start), ends_at=start + timedelta(days=364)), researcher)
    late = local((start + timedelta(days=280)).astimezone(LONDON).date(), 10)
    while late.astimezone(LONDON).weekday() > 3:
        late += timedelta(days=1)
    wanted = replace(request("H-LN2", late), ends_at=late + timedelta(days=7))
    assert "quota" in codes(world, wanted, "researcher")
    assert "quota" not in codes(world, wanted, "leader")


# --- changes


def test_a_change_does_not_count_itself(world: World) -> None:
    a_quota(world)
    student = world.viewer("student")
    booking = book(request("H-BSC1", at(9), hours=4), student)
    wanted = request_of(booking)
    moved = replace(wanted, starts_at=at(13), ends_at=at(17))
    assert check_only(moved, student, booking.public_id)[0] == []
    assert change(booking.public_id, moved, student).starts_at == at(13)


def test_a_smaller_quota_lets_a_booking_shrink_and_not_grow(world: World) -> None:
    quota = a_quota(world)
    student = world.viewer("student")
    booking = book(request("H-BSC1", at(9), hours=3), student)
    details = QuotaDetails("Two hours", "Simon Staff", "HUB", "day", 120, kind="workstation")
    change_quota(quota.id, details, world.viewer("admin"))
    wanted = request_of(booking)
    with pytest.raises(Refused):
        change(booking.public_id, replace(wanted, ends_at=at(13)), student)
    assert change(booking.public_id, replace(wanted, ends_at=at(11.5)), student).ends_at == at(11.5)


def test_handing_a_booking_over_charges_the_other(world: World) -> None:
    a_quota(world)
    student, staff = world.viewer("student"), world.viewer("staff")
    book(request("H-BSC1", at(9), hours=3), world.viewer("researcher"))
    booking = book(request("H-BSC2", at(9), hours=3), student)
    given = replace(request_of(booking), on_behalf_of="researcher@hub.example")
    with pytest.raises(Refused, match="Rhona Researcher has 5 h a day"):
        change(booking.public_id, given, staff, "please")


# --- alternatives and finding


def test_alternatives_keep_to_the_quota_and_are_accepted(world: World) -> None:
    a_quota(world)
    student = world.viewer("student")
    book(request("H-BSC1", at(9), hours=3), student)
    wanted = request("H-BSC1", at(13), hours=3)
    with pytest.raises(Refused) as caught, advised(wanted, student):
        book(wanted, student)
    offered = caught.value.alternatives
    assert offered
    for one in offered:
        assert one.starts_at.astimezone(LONDON).date() != TUE
        resources = tuple(Wanted(code, units) for code, units in one.resources)
        taken = replace(wanted, starts_at=one.starts_at, ends_at=one.ends_at, resources=resources)
        assert codes(world, taken) == []


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    st.sampled_from([60, 180, 330]),
    st.sampled_from(["day", "week", "open"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.5, 1.5, 3]),
)
def test_what_is_found_or_offered_is_accepted(
    world: World, minutes: int, kind: str, prime: bool, apart: bool, hours: float
) -> None:
    if not places().facilities[world.facilities["HUB"]].prime:
        prime_time(world)
    quota = a_quota(world, kind, minutes, prime=prime, each_resource=apart)
    student = world.viewer("student")
    made = [book(request("H-BSC1", at(9.5), hours=1), student)]
    search = SlotSearch(
        ((Wanted("H-BSC1"), Wanted("H-BSC2")),), timedelta(hours=hours), MONDAY, MONDAY + timedelta(days=5)
    )
    found = find_slots(search, student)
    for slot in found.slots:
        what = tuple(Wanted(code, units) for code, units in slot.resources)
        wanted = BookingRequest(slot.period.start, slot.period.end, what, "Found")
        assert codes(world, wanted) == []
    if not found.slots:
        assert "quota" in dict(found.blocked_by)
    wanted = request("H-BSC2", at(10), hours=hours)
    with pytest.raises(Refused) if codes(world, wanted) else _nothing() as caught, advised(wanted, student):
        made.append(book(wanted, student))
    for one in caught.value.alternatives if caught else ():
        what = tuple(Wanted(code, units) for code, units in one.resources)
        taken = replace(wanted, starts_at=one.starts_at, ends_at=one.ends_at, resources=what)
        assert codes(world, taken) == []
    for booking in made:
        cancel(booking.public_id, student)
    remove_quota(quota.id, world.viewer("admin"))


class _nothing:
    """A block that is not expected to raise."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: Any) -> None:
        return None


# --- what it costs


def test_no_quota_costs_no_statement_and_many_cost_one(world: World) -> None:
    def statements(name: str) -> int:
        viewer = world.viewer(name)
        requirements(places())
        with recorded() as sent:
            check_only(request("H-BSC1", at(9), project="P-OPEN"), viewer)
        return len(sent)

    without = statements("student")
    a_quota(world, name="for others", role="industry")
    assert statements("student") == without
    for n, shared_by in enumerate(("user", "project", "organisation")):
        a_quota(world, "week", name=f"Quota {n}", shared_by=shared_by)
    names = statements("student")  # names of groups are read once
    assert statements("student") == without + 1 <= names


def test_counting_reads_no_history(world: World) -> None:
    for n, shared_by in enumerate(("user", "project", "organisation")):
        a_quota(world, "open", 10**6, name=f"Quota {n}", shared_by=shared_by, kind=None)
    with recorded_with_values() as statements:
        book(request("H-LN2", at(10), hours=24 * 7, project="P-OPEN"), world.viewer("researcher"))
    counting = [(s, v) for s, v in statements if "UNION" in s and "booking_resources" in s]
    assert counting
    assert [fault for s, v in counting for fault in whole_tables_read(s, v)] == []


# --- how I stand


def test_how_somebody_stands(world: World) -> None:
    prime_time(world)
    a_quota(world, name="A day", prime=True, each_resource=True)
    a_quota(world, "week", 600, name="Group", shared_by="project")
    student = world.viewer("student")
    assert [(one.rule, one.used, one.left) for one in quotas_now(student)] == [
        ("A day", 0, 5 * 3600),
        ("Group (P-OPEN)", 0, 10 * 3600),
    ]
    book(request("H-BSC1", at(9.5, MONDAY.date()), hours=2, project="P-OPEN"), student)
    book(request("H-BSC2", at(9.5), hours=2), student)
    day, group = quotas_now(student)
    assert (day.rule, day.used, day.left) == ("A day (H-BSC1)", 1.5 * 3600, 3.5 * 3600)
    assert day.resets_at == local(TUE, 0)
    assert (group.rule, group.used, group.left) == ("Group (P-OPEN)", 2 * 3600, 8 * 3600)
    assert group.resets_at == local(date(2027, 1, 18), 0)
    assert [one.used for one in quotas_now(world.viewer("researcher"))] == [0, 2 * 3600, 0]
    assert quotas_now(student, [places().by_code["H-HALL"]]) == []


# --- what staff do with them


def test_quotas_are_added_changed_and_removed(world: World) -> None:
    staff = world.viewer("staff")
    before = directory_version()
    quota = add_quota(QuotaDetails("Ten", "Simon", "HUB", "week", bookings=10, resource="H-BSC1"), staff)
    assert directory_version() > before
    assert picture(quota)["resource"] == "H-BSC1"
    mark = "another"
    with pytest.raises(Stale):
        change_quota(quota.id, QuotaDetails("Ten", "Simon", "HUB", "week", bookings=9), staff, mark)
    change_quota(quota.id, QuotaDetails("Nine", "Simon", "HUB", "week", bookings=9), staff)
    assert [one.name for one in places().by_code["H-LC"].quotas] == ["Nine"]
    remove_quota(quota.id, staff)
    assert places().by_code["H-LC"].quotas == ()
    with pytest.raises(NotFound):
        find_quota(quota.id)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": " "}, "name"),
        ({"set_by": ""}, "set_by"),
        ({"minutes": None}, "minutes"),
        ({"bookings": 3}, "minutes"),
        ({"minutes": -1}, "minutes"),
        ({"minutes": None, "bookings": -1}, "bookings"),
        ({"span": "year"}, "span"),
        ({"kind": "magic"}, "kind"),
        ({"running": "away"}, "running"),
        ({"role": "king"}, "role"),
        ({"shared_by": "all"}, "shared_by"),
        ({"resource": "S-BSC"}, "resource"),
        ({"resource": "H-BSC1", "kind": "workstation"}, "resource"),
        ({"project": "P-\x00"}, "project"),
        ({"organisation": "nobody"}, "organisation"),
    ],
)
def test_a_bad_quota_is_named_at_its_field(world: World, more: dict[str, Any], field: str) -> None:
    details = replace(QuotaDetails("Five", "Simon", "HUB", "day", 300), **more)
    with pytest.raises(Invalid) as caught:
        add_quota(details, world.viewer("admin"))
    assert field in caught.value.errors


def test_two_quotas_of_a_facility_have_two_names(world: World) -> None:
    a_quota(world)
    with pytest.raises(Invalid) as caught:
        a_quota(world, "week")
    assert caught.value.errors == {"name": ["Another quota of this facility has this name."]}


@pytest.mark.parametrize("name", ["student", "technician", "sus_staff"])
def test_only_who_may_change_the_facility_changes_its_quotas(world: World, name: str) -> None:
    quota, by = a_quota(world), world.viewer(name)
    details = QuotaDetails("Mine", "Me", "HUB", "day", 300)
    for act in (
        lambda: add_quota(details, by),
        lambda: change_quota(quota.id, details, by),
        lambda: remove_quota(quota.id, by),
    ):
        with pytest.raises(Forbidden):
            act()
