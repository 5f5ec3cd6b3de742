"""What managers overrule, with a reason: which refusals, where, for whom, and for how long it counts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking.base import audit
from booking.base.db import db
from booking.base.errors import Forbidden, Invalid, Refused, SlotTaken
from booking.bookings.actions import book, change, check_only
from booking.bookings.models import Booking, Overruled
from booking.bookings.overruling import overruled_at, overruled_of
from booking.bookings.queries import request_of
from booking.bookings.request import BookingRequest, Override
from booking.facilities.models import OVERRIDABLE
from booking.facilities.places import POLICY_DEFAULTS
from booking.facilities.rule_actions import PolicyDetails, add_policy
from tests.db.ledger import everything, held
from tests.db.training_world import a_module
from tests.factories import World, next_weekday, request

NEVER = ("slot_taken", "changeover", "segregation", "room_full", "out_of_service", "retired", "in_past")


def overruling(*codes: str, reason: str = "The audit is that day") -> Override:
    return Override(codes, reason)


def long(**more: Any) -> BookingRequest:
    """Ask for the cabinet for longer than it is booked."""
    return request(start=next_weekday(9), hours=8, **more)


def codes(booking: Booking) -> list[str]:
    return [row.code for row in overruled_of(booking.id)]


def test_a_manager_overrules_with_a_reason(world: World) -> None:
    made = book(long(override=overruling("too_long")), world.viewer("staff"))
    (row,) = overruled_of(made.id)
    assert (row.code, row.reason, row.by_id) == ("too_long", "The audit is that day", world.users["staff"])
    assert row.resource_id == world.resources["H-BSC1"]
    assert "4 h at most" in row.message
    newest = audit.history("booking", made.id)[0]
    assert (newest.action, newest.actor_id, newest.reason) == ("overruled", row.by_id, row.reason)


def test_nothing_is_stored_where_nothing_was_in_the_way(world: World) -> None:
    made = book(request(override=overruling("too_long")), world.viewer("staff"))
    assert codes(made) == []


def the_wish(code: str) -> BookingRequest:
    """Return a request that is refused for one reason only."""
    wishes = {
        "too_long": long(),
        "off_grid": request(start=next_weekday(10) + timedelta(minutes=10)),
        "outside_hours": request(start=next_weekday(6.5)),
        "horizon": request(start=next_weekday(10, days=120)),
        "notice": request("H-BR1", next_weekday(10), hours=24),
    }
    return wishes[code]


WISHES = ("too_long", "off_grid", "outside_hours", "horizon", "notice")


@pytest.mark.parametrize("code", WISHES)
def test_each_rule_that_may_be_overruled(world: World, code: str) -> None:
    wish, viewer = the_wish(code), world.viewer("staff")
    assert [one.code for one in check_only(wish, viewer)[0]] == [code]
    before = everything()
    with pytest.raises(Refused):
        book(wish, viewer)
    assert everything() == before
    overruled = replace(wish, override=overruling(code))
    assert check_only(overruled, viewer)[0] == []
    assert codes(book(overruled, viewer)) == [code]


@pytest.mark.parametrize("code", WISHES)
def test_another_code_does_not_help(world: World, code: str) -> None:
    others = tuple(one for one in OVERRIDABLE if one != code)
    wish, viewer = replace(the_wish(code), override=overruling(*others)), world.viewer("staff")
    assert [one.code for one in check_only(wish, viewer)[0]] == [code]
    with pytest.raises(Refused):
        book(wish, viewer)


def test_the_guard_is_never_overruled(world: World) -> None:
    book(request(hours=2), world.viewer("student"))
    wish = request(hours=1, override=overruling(*OVERRIDABLE, *NEVER))
    with pytest.raises(SlotTaken) as refused:
        book(wish, world.viewer("admin"))
    assert [one.code for one in refused.value.refusals] == ["slot_taken"]
    assert not set(NEVER) & set(OVERRIDABLE)


def test_what_the_database_cannot_hold_is_never_overruled(world: World) -> None:
    """Longer than any hold may be: the product says no, whatever the policy says."""
    start = next_weekday(10, days=7)
    wish = request("H-BR1", start, hours=24 * 42, override=overruling(*OVERRIDABLE))
    with pytest.raises(Refused) as refused:
        book(wish, world.viewer("admin"))
    assert [(one.code, one.set_by) for one in refused.value.refusals] == [("too_long", "the product")]


def test_the_past_is_never_overruled(world: World) -> None:
    wish = request(start=next_weekday(10) - timedelta(days=7), override=overruling(*OVERRIDABLE, "in_past"))
    with pytest.raises(Refused) as refused:
        book(wish, world.viewer("admin"))
    assert "in_past" in {one.code for one in refused.value.refusals}


@pytest.mark.parametrize("name", ["student", "technician", "sus_staff", "amber", "coordinator"])
def test_nobody_else_overrules(world: World, name: str) -> None:
    wish = long(override=overruling("too_long"))
    with pytest.raises(Forbidden):
        check_only(wish, world.viewer(name))
    with pytest.raises(Forbidden):
        book(wish, world.viewer(name))


def test_a_manager_overrules_only_at_home(world: World) -> None:
    """Both facilities' cabinets are asked for: what is refused at the other one stays."""
    wish = request(("H-BSC1", "S-BSC"), next_weekday(9, days=50), hours=8, override=overruling("too_long"))
    left = check_only(wish, world.viewer("staff"))[0]
    assert [(one.code, one.resource) for one in left] == [("too_long", "S-BSC")]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001, "a\x00b"])
def test_a_reason_is_needed(world: World, reason: str) -> None:
    with pytest.raises(Invalid) as invalid:
        book(long(override=overruling("too_long", reason=reason)), world.viewer("staff"))
    assert list(invalid.value.errors) == ["override"]


def test_the_policy_says_which(world: World) -> None:
    details = PolicyDetails("Strict", "Ada", "HUB", resource="H-BSC1", role="staff", overridable=("notice",))
    add_policy(details, world.viewer("admin"))
    wish = long(override=overruling("too_long"))
    with pytest.raises(Refused):
        book(wish, world.viewer("staff"))
    everybody = replace(wish, on_behalf_of="student@hub.example")
    assert codes(book(everybody, world.viewer("staff"))) == ["too_long"]  # strict only for staff


def test_the_default_is_among_what_can_be(world: World) -> None:
    default = POLICY_DEFAULTS["overridable"]
    assert isinstance(default, tuple)
    assert set(default) <= set(OVERRIDABLE)


def test_training_is_overruled_only_for_oneself(world: World) -> None:
    a_module("T-1", world, "H-BSC1")
    mine = request(override=overruling("training_missing"))
    assert codes(book(mine, world.viewer("staff"))) == ["training_missing"]
    theirs = replace(
        mine, starts_at=next_weekday(14), ends_at=next_weekday(15), on_behalf_of="student@hub.example"
    )
    with pytest.raises(Refused):
        book(theirs, world.viewer("staff"))


# --- later changes


@pytest.fixture
def made(world: World) -> Booking:
    """The student's booking of eight hours, which a manager made for them."""
    wish = long(on_behalf_of="student@hub.example", override=overruling("too_long"))
    return book(wish, world.viewer("staff"))


def test_who_keeps_time_and_resources_need_not_overrule_again(world: World, made: Booking) -> None:
    for new in ({"title": "Another"}, {"people": 2}, {"supervisor": "leader@hub.example"}):
        change(made.public_id, replace(request_of(made), **new), world.viewer("student"))
    assert codes(made) == ["too_long"]


def test_who_moves_it_needs_it_again(world: World, made: Booking) -> None:
    later = request_of(made)
    later = replace(
        later, starts_at=later.starts_at + timedelta(days=1), ends_at=later.ends_at + timedelta(days=1)
    )
    assert [one.code for one in check_only(later, world.viewer("student"), made.public_id)[0]] == ["too_long"]
    with pytest.raises(Refused):
        change(made.public_id, later, world.viewer("student"))
    assert codes(made) == ["too_long"]
    again = replace(later, override=overruling("too_long", reason="Still"))
    change(made.public_id, again, world.viewer("staff"), "Moved")
    assert [row.reason for row in overruled_of(made.id)] == ["Still"]
    assert len(db.session.scalars(select(Overruled)).all()) == 2


def test_a_booking_that_needs_it_no_more_shows_it_no_more(world: World, made: Booking) -> None:
    shorter = replace(request_of(made), ends_at=made.starts_at + timedelta(hours=2))
    change(made.public_id, shorter, world.viewer("student"))
    assert codes(made) == []
    assert len(held(made)) == 1


def test_training_that_was_overruled_counts_for_the_same_person(world: World) -> None:
    a_module("T-1", world, "H-BSC1")
    mine = book(request(override=overruling("training_missing")), world.viewer("staff"))
    change(mine.public_id, replace(request_of(mine), people=2), world.viewer("staff"))
    handed = replace(request_of(mine), on_behalf_of="student@hub.example")
    with pytest.raises(Refused):
        change(mine.public_id, handed, world.viewer("staff"), "Handed over")


# --- the report


def test_staff_read_what_was_overruled_at_their_facility(world: World, made: Booking) -> None:
    def read(name: str) -> list[tuple[str, str]]:
        rows = overruled_at(world.viewer(name), None, None, 10)
        return [(one.code, who) for one, _, who in rows]

    for name in ("technician", "staff", "admin"):
        assert read(name) == [("too_long", "Simon Staff")]
    assert read("sus_staff") == []
