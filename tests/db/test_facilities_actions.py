"""Facilities, rooms, resources, units, policies, closures, duties: who changes them and what is refused."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking.base import audit, clock
from booking.base.db import db
from booking.base.edits import as_read
from booking.base.errors import Forbidden, Invalid, NotFound, Refused, Stale
from booking.base.period import Period
from booking.bookings import actions as bookings
from booking.bookings.affected import count_ahead, held_units, outside, touching
from booking.bookings.request import Wanted
from booking.facilities import actions, lists, pictures, resource_actions, rule_actions
from booking.facilities.actions import FacilityDetails, RoomDetails, Span
from booking.facilities.models import Policy, Resource, Unit
from booking.facilities.places import Step
from booking.facilities.queries import places
from booking.facilities.resource_actions import ResourceDetails, UnitDetails
from booking.facilities.rule_actions import ClosureDetails, PolicyDetails
from booking.people.models import User
from tests.factories import LONDON, MONDAY, World, next_weekday, request

EAST = FacilityDetails("EAST", "Campus East", "Europe/London", "GB-ENG", "A new one")
ROOM = RoomDetails("H-20", "HUB", "New laboratory", 4)
MIXER = ResourceDetails("H-MIX", "HUB", "Mixer", "support", "H-01", units=2, unit_name="vessel")
RULE = PolicyDetails("Mixers", "Simon Staff", "HUB", kind="support", max_minutes=120)
TODAY = MONDAY.date()
CLOSED = ClosureDetails("HUB", "Deep clean", TODAY + timedelta(days=7), TODAY + timedelta(days=8), "Floors")


def faults_of(error: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return set(error.value.errors)


def resource(code: str) -> Resource:
    return db.session.scalars(select(Resource).where(Resource.code == code)).one()


def same(code: str, **changes: Any) -> ResourceDetails:
    """Return a resource's details as they stand, with some changed."""
    picture = pictures.of_resource(resource(code))
    picture["twins"] = tuple(picture["twins"])
    del picture["long_stay"]
    return ResourceDetails(facility="", **(picture | changes))


# --- facilities ------------------------------------------------------------------------------------


def test_an_admin_adds_a_facility_and_its_manager_changes_it(world: World) -> None:
    with pytest.raises(Forbidden):
        actions.add_facility(EAST, world.viewer("staff"))
    facility = actions.add_facility(EAST, world.viewer("admin"))
    assert places().facility("EAST") is not None
    with pytest.raises(Forbidden):
        actions.change_facility("EAST", EAST, world.viewer("staff"))
    user = db.session.get_one(User, world.users["technician"])
    actions.set_duties(user.public_id, {"EAST": ["facility_manager"]}, world.viewer("admin"))
    changed = replace(EAST, name="Campus East, phase 2", timezone="Asia/Tokyo")
    actions.change_facility("EAST", changed, world.viewer("technician"))
    assert places().facilities[facility.id].name == "Campus East, phase 2"
    assert places().facilities[facility.id].timezone == "Europe/London", "the zone is fixed"
    assert audit.history("facility", facility.id)[0].after == {"name": "Campus East, phase 2"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "HUB"}, "code"),
        ({"code": "a b"}, "code"),
        ({"code": "\x00"}, "code"),
        ({"name": ""}, "name"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"holidays": "XX-YY"}, "holidays"),
        ({"holidays": "GB-ATLANTIS"}, "holidays"),
        ({"description": "\x07"}, "description"),
        ({"position": -1}, "position"),
    ],
)
def test_what_is_wrong_with_a_facility(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        actions.add_facility(replace(EAST, **changes), world.viewer("admin"))
    assert faults_of(error) == {field}


def test_hours_are_replaced_and_count_at_once(world: World) -> None:
    spans = [Span("staffed", 0, time(8), time(12)), Span("staffed", 0, time(13), time(18))]
    before = pictures.of_hours(world.facilities["HUB"])
    actions.set_hours("HUB", spans, world.viewer("staff"), as_read(before))
    hub = places().facilities[world.facilities["HUB"]]
    assert len(hub.opening(TODAY, frozenset({"staffed"}))) == 2
    assert hub.opening(TODAY + timedelta(days=1), frozenset({"staffed"})) == []
    assert audit.history("facility", hub.id)[0].after["staffed_0"] == "08:00-12:00, 13:00-18:00"
    with pytest.raises(Stale):
        actions.set_hours("HUB", [], world.viewer("staff"), as_read(before))


@pytest.mark.parametrize(
    "spans",
    [
        [Span("staffed", 0, time(9), time(9))],
        [Span("staffed", 0, time(18), time(9))],
        [Span("staffed", 0, time(8), time(12)), Span("staffed", 0, time(11), time(13))],
        [Span("staffed", 0, time(n), time(n, 30)) for n in range(6)],
    ],
)
def test_hours_that_cannot_be_are_refused(world: World, spans: list[Span]) -> None:
    with pytest.raises(Invalid) as error:
        actions.set_hours("HUB", spans, world.viewer("staff"))
    assert faults_of(error) == {"staffed_0"}
    assert pictures.of_hours(world.facilities["HUB"])["staffed_1"] == "08:30-17:30"


# --- lifecycle -------------------------------------------------------------------------------------


def test_moving_the_day_of_going_live_lists_bookings_and_changes_none(world: World) -> None:
    live = TODAY + timedelta(days=44)
    made = bookings.book(request("S-BSC", next_weekday(10, days=45)), world.viewer("researcher"))
    sus = places().facilities[world.facilities["SUS"]]
    concerned = [world.resources["S-BSC"]]
    assert outside(concerned, sus.steps, LONDON).count == 0
    steps: dict[str, date | None] = {step.state: step.starts_on for step in sus.steps}
    later = live + timedelta(days=60)
    with pytest.raises(Forbidden):
        actions.set_facility_steps("SUS", steps | {"live": later, "pilot": None}, world.viewer("staff"))
    actions.set_facility_steps("SUS", steps | {"live": later, "pilot": None}, world.viewer("sus_staff"))
    sus = places().facilities[world.facilities["SUS"]]
    listed = outside(concerned, sus.steps, LONDON)
    assert (listed.count, [one.id for one in listed.first]) == (1, [made.id])
    assert made.status == "confirmed"
    assert audit.history("facility", sus.id)[0].after == {"live": later.isoformat()}
    with pytest.raises(Refused):
        bookings.book(request("S-BSC", next_weekday(12, days=46)), world.viewer("researcher"))


def test_what_a_state_allows_is_not_listed(world: World) -> None:
    bookings.book(request("S-BSC", next_weekday(10, days=45)), world.viewer("researcher"))
    concerned = [world.resources["S-BSC"]]
    pilot = [Step(TODAY, "pilot")]
    assert outside(concerned, pilot, LONDON).count == 0
    assert outside(concerned, [Step(TODAY, "commissioning")], LONDON).count == 1
    assert outside(concerned, [*pilot, Step(TODAY + timedelta(days=40), "closed")], LONDON).count == 1
    assert outside([world.resources["H-BSC1"]], [Step(TODAY, "planned")], LONDON).count == 0


def test_what_runs_on_after_the_closing_day_is_listed(world: World) -> None:
    start = next_weekday(10)
    bookings.book(request("H-INC1", start, hours=7 * 24), world.viewer("researcher"))
    concerned, first = [world.resources["H-INC1"]], start.date()
    for days, count in ((1, 1), (6, 1), (9, 0)):
        steps = [Step(TODAY, "live"), Step(first + timedelta(days=days), "closed")]
        assert outside(concerned, steps, LONDON).count == count, days


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ({"live": date(2027, 1, 1), "pilot": date(2027, 2, 1)}, "live"),
        ({"live": date(2027, 1, 1), "pilot": date(2027, 1, 1)}, "live"),
        ({"live": date(1, 1, 1)}, "live"),
        ({"live": date(9999, 12, 31)}, "live"),
    ],
)
def test_states_follow_each_other(world: World, steps: dict[str, date | None], field: str) -> None:
    with pytest.raises(Invalid) as error:
        actions.set_facility_steps("HUB", steps, world.viewer("staff"))
    assert faults_of(error) == {field}


def test_one_resource_retires_on_its_own(world: World) -> None:
    steps = {"live": TODAY, "closed": TODAY + timedelta(days=3)}
    actions.set_resource_steps("H-BSC1", steps, world.viewer("staff"))
    place = places().by_code["H-BSC1"]
    assert place.state_on(TODAY) == "live"
    assert place.state_on(TODAY + timedelta(days=3)) == "closed"
    assert places().by_code["H-BSC2"].state_on(TODAY + timedelta(days=3)) == "live"


# --- rooms -----------------------------------------------------------------------------------------


def test_a_room_is_added_and_changed_by_its_manager(world: World) -> None:
    room = actions.add_room(ROOM, world.viewer("staff"))
    for name in ("technician", "sus_staff", "researcher"):
        with pytest.raises(Forbidden):
            actions.change_room("H-20", ROOM, world.viewer(name))
    mark = as_read(pictures.of_room(room))
    actions.change_room("H-20", replace(ROOM, max_persons=2), world.viewer("staff"), mark)
    assert places().rooms[room.id].max_persons == 2
    with pytest.raises(Stale):
        actions.change_room("H-20", replace(ROOM, max_persons=3), world.viewer("staff"), mark)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "H-01"}, "code"),
        ({"facility": "NONE"}, "facility"),
        ({"name": ""}, "name"),
        ({"max_persons": -1}, "max_persons"),
        ({"max_persons": 10**12}, "max_persons"),
        ({"room_class": "x" * 201}, "room_class"),
    ],
)
def test_what_is_wrong_with_a_room(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        actions.add_room(replace(ROOM, **changes), world.viewer("admin"))
    assert faults_of(error) == {field}


# --- resources -------------------------------------------------------------------------------------


def test_a_new_resource_can_be_booked_at_once(world: World) -> None:
    resource_actions.add_resource(replace(MIXER, twins=("H-BSC1",)), world.viewer("staff"))
    place = places().by_code["H-MIX"]
    assert [unit.name for unit in place.units] == ["1", "2"]
    assert place.twins == (world.resources["H-BSC1"],)
    assert place.id in places().by_code["H-BSC1"].twins
    assert bookings.book(request("H-MIX"), world.viewer("researcher")).status == "confirmed"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "H-BSC1"}, "code"),
        ({"code": "x/y"}, "code"),
        ({"facility": ""}, "facility"),
        ({"name": ""}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"kind": "toy"}, "kind"),
        ({"room": "S-01"}, "room"),
        ({"room": "\x00"}, "room"),
        ({"running": "never"}, "running"),
        ({"units": 0}, "units"),
        ({"units": 10**9}, "units"),
        ({"unit_name": ""}, "unit_name"),
        ({"twins": ("NONE",)}, "twins"),
        ({"twins": ("\x00",)}, "twins"),
    ],
)
def test_what_is_wrong_with_a_resource(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        resource_actions.add_resource(replace(MIXER, **changes), world.viewer("staff"))
    assert faults_of(error) == {field}
    assert "H-MIX" not in places().by_code


def test_a_new_name_of_a_resource_is_remembered_with_its_moment(world: World) -> None:
    with clock.travel(MONDAY + timedelta(hours=1)):
        changed = same("H-BSC1", name="Cabinet One")
        resource_actions.change_resource("H-BSC1", changed, world.viewer("staff"), count_ahead)
        assert resource("H-BSC1").renamed_at == clock.now()
    with pytest.raises(Forbidden):
        resource_actions.change_resource("H-BSC1", changed, world.viewer("sus_staff"), count_ahead)
    entry = audit.history("resource", world.resources["H-BSC1"])[0]
    assert (entry.before, entry.after) == ({"name": "Cabinet 1"}, {"name": "Cabinet One"})
    assert places().by_code["H-BSC1"].twins == (world.resources["H-BSC2"],), "its twin stays"


def test_a_resource_with_bookings_ahead_stays_in_its_room(world: World) -> None:
    moved = same("H-BSC1", room="H-02")
    made = bookings.book(request("H-BSC1"), world.viewer("researcher"))
    with pytest.raises(Invalid, match="1 booking lies ahead") as error:
        resource_actions.change_resource("H-BSC1", moved, world.viewer("staff"), count_ahead)
    assert faults_of(error) == {"room"}
    bookings.cancel(made.public_id, world.viewer("researcher"))
    resource_actions.change_resource("H-BSC1", moved, world.viewer("staff"), count_ahead)
    assert places().by_code["H-BSC1"].room == places().rooms[world.rooms["H-02"]]


# --- units -----------------------------------------------------------------------------------------


def unit_details(code: str, **names: str | bool) -> list[UnitDetails]:
    """Return a resource's units as they stand; `u3` names the third anew or, if False, retires it."""
    details = []
    for unit in resource_actions.units_of(resource(code).id):
        change = names.get(f"u{unit.number}", unit.name)
        active = change if isinstance(change, bool) else unit.active
        details.append(UnitDetails(unit.id, change if isinstance(change, str) else unit.name, active))
    return details


def change_units(world: World, units: list[UnitDetails], add: int = 0, by: str = "staff") -> None:
    resource_actions.change_units("H-INC1", units, add, world.viewer(by), held_units)


def test_units_are_named_retired_brought_back_and_added(world: World) -> None:
    change_units(world, unit_details("H-INC1", u1="top shelf", u8=False), add=2)
    names = [unit.name for unit in places().by_code["H-INC1"].units]
    assert names == ["top shelf", *(f"shelf {n}" for n in range(2, 8)), "9", "10"]
    change_units(world, unit_details("H-INC1", u8=True))
    assert len(places().by_code["H-INC1"].units) == 10


def test_a_unit_that_is_still_needed_cannot_be_retired(world: World) -> None:
    units = [unit.id for unit in resource_actions.units_of(world.resources["H-INC1"])]
    wanted = Wanted("H-INC1", unit_names=("shelf 8",))
    made = bookings.book(request(wanted, next_weekday(10), hours=24), world.viewer("researcher"))
    with pytest.raises(Invalid) as error:
        change_units(world, unit_details("H-INC1", u8=False))
    assert faults_of(error) == {f"name-{units[7]}"}
    assert db.session.get_one(Unit, units[7]).active
    bookings.cancel(made.public_id, world.viewer("researcher"))
    change_units(world, unit_details("H-INC1", u8=False))
    assert not db.session.get_one(Unit, units[7]).active


def test_units_that_cannot_be_are_refused(world: World) -> None:
    first = resource_actions.units_of(world.resources["H-INC1"])[0].id
    second = resource_actions.units_of(world.resources["H-INC1"])[1].id
    cases: list[tuple[list[UnitDetails], int, str]] = [
        (unit_details("H-INC1", u1=""), 0, f"name-{first}"),
        (unit_details("H-INC1", u1="a\x00"), 0, f"name-{first}"),
        (unit_details("H-INC1", u2="shelf 1"), 0, f"name-{second}"),
        (unit_details("H-INC1"), -1, "add"),
        (unit_details("H-INC1"), 10**9, "add"),
        ([UnitDetails(10**6, "ghost")], 0, "units"),
        (unit_details("H-INC1", **{f"u{n}": False for n in range(1, 9)}), 0, "units"),
    ]
    for units, add, field in cases:
        with pytest.raises(Invalid) as error:
            change_units(world, units, add)
        assert faults_of(error) == {field}
    with pytest.raises(Forbidden):
        change_units(world, unit_details("H-INC1"), 0, by="sus_staff")


# --- policies --------------------------------------------------------------------------------------


def test_a_policy_counts_at_once_and_its_removal_too(world: World) -> None:
    policy = rule_actions.add_policy(replace(RULE, kind="workstation", max_minutes=60), world.viewer("staff"))
    cabinet = places().by_code["H-BSC1"]
    assert cabinet.effective("student")["max_minutes"].value == 240, "its own policy is more specific"
    narrow = replace(RULE, kind=None, resource="H-BSC1", role="student", max_minutes=60, roles=())
    rule_actions.change_policy(policy.id, narrow, world.viewer("staff"))
    effective = places().by_code["H-BSC1"].effective("student")
    assert (effective["max_minutes"].value, effective["roles"].value) == (60, ())
    assert places().by_code["H-BSC1"].effective("researcher")["max_minutes"].value == 240
    with pytest.raises(Refused):
        bookings.book(request("H-BSC1", hours=2), world.viewer("student"))
    rule_actions.remove_policy(policy.id, world.viewer("staff"))
    assert places().by_code["H-BSC1"].effective("student")["max_minutes"].value == 240
    assert audit.history("facility", world.facilities["HUB"])[0].action == "policy_removed"
    with pytest.raises(NotFound):
        rule_actions.remove_policy(policy.id, world.viewer("staff"))


def test_a_role_can_be_let_in_later(world: World) -> None:
    day = TODAY + timedelta(days=60)
    opening = replace(RULE, facility="SUS", kind=None, role="industry", max_minutes=None, opens_on=day)
    rule_actions.add_policy(opening, world.viewer("sus_staff"))
    place = places().by_code["S-BSC"]
    assert place.effective("industry")["opens_on"].value == day
    assert place.effective("researcher")["opens_on"].value is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"set_by": ""}, "set_by"),
        ({"facility": "NONE"}, "facility"),
        ({"kind": "toy"}, "kind"),
        ({"resource": "H-BSC1"}, "resource"),
        ({"kind": None, "resource": "S-BSC"}, "resource"),
        ({"role": "king"}, "role"),
        ({"roles": ("admin",)}, "roles"),
        ({"max_minutes": None}, "name"),
        ({"max_minutes": 0}, "max_minutes"),
        ({"max_minutes": 10**12}, "max_minutes"),
        ({"max_minutes": 36 * 24 * 60}, "max_minutes"),
        ({"max_minutes": 35 * 24 * 60, "setup_minutes": 1}, "max_minutes"),
        ({"min_minutes": 121}, "max_minutes"),
        ({"grid_minutes": 1441}, "grid_minutes"),
        ({"clearance_minutes": 7 * 24 * 60 + 1}, "clearance_minutes"),
        ({"horizon_days": -1}, "horizon_days"),
        ({"opens_on": date(9999, 1, 1)}, "opens_on"),
    ],
)
def test_what_is_wrong_with_a_policy(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        rule_actions.add_policy(replace(RULE, **changes), world.viewer("admin"))
    assert faults_of(error) == {field}
    assert db.session.scalar(select(Policy).where(Policy.name == RULE.name)) is None


def test_long_stays_may_be_long(world: World) -> None:
    rack = replace(RULE, kind=None, resource="H-LN2", max_minutes=700 * 24 * 60)
    assert rule_actions.add_policy(rack, world.viewer("staff")).max_minutes == 700 * 24 * 60


def test_policies_come_by_page(world: World) -> None:
    first = lists.policies(limit=3)
    assert len(first) == 4
    rest = lists.policies(after=first[2][0].id)
    assert len({policy.id for policy, _ in [*first[:3], *rest]}) == 3 + len(rest) == 9


# --- closures --------------------------------------------------------------------------------------


def test_a_closure_lists_bookings_and_changes_none(world: World) -> None:
    start = datetime(2027, 1, 19, 10, tzinfo=LONDON)
    made = bookings.book(request("H-BSC1", start), world.viewer("researcher"))
    day = start.date()
    closure = rule_actions.add_closure(replace(CLOSED, first_day=day, last_day=day), world.viewer("staff"))
    window = Period(start.replace(hour=0), start.replace(hour=0) + timedelta(days=1))
    listed = touching([world.resources["H-BSC1"]], window)
    assert (listed.count, listed.first[0].id, made.status) == (1, made.id, "confirmed")
    assert touching([world.resources["H-BSC2"]], window).count == 0
    with pytest.raises(Refused):
        bookings.book(request("H-BSC2", start), world.viewer("researcher"))
    rule_actions.change_closure(closure.id, replace(CLOSED, resource="H-BSC1"), world.viewer("staff"))
    assert bookings.book(request("H-BSC2", start), world.viewer("researcher")).status == "confirmed"
    rule_actions.remove_closure(closure.id, world.viewer("staff"))
    assert places().facilities[world.facilities["HUB"]].closures == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"facility": "\x00"}, "facility"),
        ({"first_day": None}, "first_day"),
        ({"last_day": TODAY}, "last_day"),
        ({"first_day": date(1, 1, 1)}, "first_day"),
        ({"last_day": date(9999, 12, 31)}, "last_day"),
        ({"last_day": date(2037, 1, 1)}, "last_day"),
        ({"room": "S-01"}, "room"),
        ({"resource": "S-BSC"}, "resource"),
        ({"room": "H-01", "resource": "H-BSC1"}, "resource"),
        ({"reason": "x" * 1001}, "reason"),
    ],
)
def test_what_is_wrong_with_a_closure(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        rule_actions.add_closure(replace(CLOSED, **changes), world.viewer("staff"))
    assert faults_of(error) == {field}


@pytest.mark.parametrize("name", ["researcher", "technician", "sus_staff"])
def test_others_close_and_rule_nothing_at_the_hub(world: World, name: str) -> None:
    by = world.viewer(name)
    closure = rule_actions.add_closure(CLOSED, world.viewer("staff"))
    policy = rule_actions.add_policy(RULE, world.viewer("staff"))
    attempts = [
        lambda: rule_actions.add_closure(CLOSED, by),
        lambda: rule_actions.change_closure(closure.id, CLOSED, by),
        lambda: rule_actions.remove_closure(closure.id, by),
        lambda: rule_actions.add_policy(RULE, by),
        lambda: rule_actions.change_policy(policy.id, RULE, by),
        lambda: rule_actions.remove_policy(policy.id, by),
        lambda: resource_actions.add_resource(MIXER, by),
        lambda: actions.add_room(ROOM, by),
        lambda: actions.set_hours("HUB", [], by),
        lambda: actions.set_resource_steps("H-BSC1", {}, by),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()


# --- duties ----------------------------------------------------------------------------------------


def test_a_manager_gives_duties_at_their_own_facility_only(world: World) -> None:
    person = db.session.get_one(User, world.users["technician"])
    actions.set_duties(person.public_id, {"HUB": ["trainer", "technician"]}, world.viewer("staff"))
    hub, sus = world.facilities["HUB"], world.facilities["SUS"]
    assert set(world.viewer("technician").duties) == {("trainer", hub), ("technician", hub)}
    with pytest.raises(Forbidden):
        actions.set_duties(person.public_id, {"SUS": ["trainer"]}, world.viewer("staff"))
    actions.set_duties(person.public_id, {"SUS": ["trainer"]}, world.viewer("sus_staff"))
    actions.set_duties(person.public_id, {"HUB": []}, world.viewer("staff"))
    assert world.viewer("technician").duties == (("trainer", sus),)
    entry = audit.history("user", person.id)[0]
    assert (entry.action, entry.before) == ("duties_changed", {"HUB": ["technician", "trainer"]})


def test_nobody_but_an_admin_changes_an_admin(world: World) -> None:
    admin = db.session.get_one(User, world.users["admin"]).public_id
    with pytest.raises(Forbidden):
        actions.set_duties(admin, {"HUB": ["trainer"]}, world.viewer("staff"))
    actions.set_duties(admin, {"HUB": ["trainer"]}, world.viewer("admin"))
    with pytest.raises(Invalid):
        actions.set_duties(admin, {"HUB": ["king"]}, world.viewer("admin"))
