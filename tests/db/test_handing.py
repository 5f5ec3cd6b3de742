"""To hand a booking over: who may, to whom, and that the new organiser is judged as if they booked it."""

import pytest

from booking.base import audit
from booking.base.errors import Forbidden, Invalid, NotChangeable, NotFound, Refused
from booking.bookings.actions import book, cancel, change, find
from booking.bookings.handing import hand_over
from booking.bookings.models import Booking
from booking.bookings.queries import detail, request_of
from booking.facilities.rule_actions import PolicyDetails, add_policy
from tests.db.ledger import afresh, held, messages
from tests.db.training_world import a_module, competent, today
from tests.factories import World, next_weekday, request


@pytest.fixture
def booking(world: World) -> Booking:
    return book(request(hours=2, title="Passage 12"), world.viewer("student"))


def email(world: World, name: str) -> str:
    return world.viewer(name).email


def test_the_same_booking_has_another_organiser(world: World, booking: Booking) -> None:
    units = [(row.unit_id, row.starts_at) for row in held(booking)]
    after = afresh(
        hand_over(booking.public_id, email(world, "colleague"), world.viewer("student"), "Holiday")
    )
    assert after.organiser_id == world.users["colleague"]
    assert (after.uid, [(row.unit_id, row.starts_at) for row in held(after)]) == (booking.uid, units)
    newest = audit.history("booking", booking.id)[0]
    assert (newest.action, newest.reason) == ("changed", "Holiday")
    assert (newest.before, newest.after) == (
        {"organiser": "Stella Student"},
        {"organiser": "Colin Colleague"},
    )
    told = messages(booking)
    assert ("booking_changed", world.users["colleague"]) in told
    assert ("booking_left", world.users["student"]) in told
    with pytest.raises(Forbidden):
        cancel(booking.public_id, world.viewer("student"))
    cancel(booking.public_id, world.viewer("colleague"))


def test_the_former_organiser_may_stay(world: World, booking: Booking) -> None:
    hand_over(booking.public_id, email(world, "colleague"), world.viewer("student"), stays=True)
    seen = detail(find(booking.public_id, world.viewer("student")), world.viewer("student"))
    assert [person.id for person in seen.participants] == [world.users["student"]]


@pytest.mark.parametrize(
    ("owner", "by", "to", "allowed"),
    [
        ("student", "student", "colleague", True),
        ("student", "student", "amber", False),
        ("student", "student", "staff", True),
        ("amber", "amber", "amber2", True),
        ("amber", "amber", "birch", False),
        ("amber", "amber", "colleague", False),
        ("amber", "coordinator", "amber2", True),
        ("amber", "coordinator", "colleague", False),
        ("student", "leader", "researcher", True),
        ("student", "leader", "colleague", False),
        ("student", "staff", "colleague", True),
        ("amber", "staff", "colleague", True),
    ],
)
def test_who_may_hand_over_to_whom(world: World, owner: str, by: str, to: str, allowed: bool) -> None:
    made = book(request(), world.viewer(owner))
    if allowed:
        after = hand_over(made.public_id, email(world, to), world.viewer(by), "Shift")
        assert after.organiser_id == world.users[to]
        return
    with pytest.raises(Invalid) as invalid:
        hand_over(made.public_id, email(world, to), world.viewer(by), "Shift")
    assert list(invalid.value.errors) == ["handed_to"]


def test_others_may_not_hand_it_over(world: World, booking: Booking) -> None:
    for name, error in (("colleague", Forbidden), ("birch", NotFound)):
        with pytest.raises(error):
            hand_over(booking.public_id, email(world, "staff"), world.viewer(name))
    with pytest.raises(Invalid):
        hand_over(booking.public_id, "  ", world.viewer("student"))
    with pytest.raises(Invalid):
        hand_over(booking.public_id, "nobody@nowhere.example", world.viewer("student"))
    cancel(booking.public_id, world.viewer("student"))
    with pytest.raises(NotChangeable):
        hand_over(booking.public_id, email(world, "colleague"), world.viewer("student"))


def test_a_participant_may_take_it_over(world: World) -> None:
    made = book(request(participants=(email(world, "colleague"),)), world.viewer("student"))
    hand_over(made.public_id, email(world, "colleague"), world.viewer("student"))
    assert detail(afresh(made), None).participants == ()


def test_what_a_colleague_lacks_stays_theirs(world: World, booking: Booking) -> None:
    module = a_module("T-1", world, "H-BSC1", valid_months=12)
    competent(world, "colleague", module, today())
    with pytest.raises(Refused) as refused:
        hand_over(booking.public_id, email(world, "colleague"), world.viewer("student"))
    assert [one.code for one in refused.value.refusals] == ["not_allowed"]
    assert "T-1" not in str(refused.value.refusals)
    with pytest.raises(Refused) as told:
        hand_over(booking.public_id, email(world, "colleague"), world.viewer("staff"), "Shift")
    assert [one.code for one in told.value.refusals] == ["training_expires"]
    competent(world, "researcher", module)
    hand_over(booking.public_id, email(world, "researcher"), world.viewer("student"))


def test_limits_of_the_new_organiser_count(world: World) -> None:
    """Nobody books for somebody else what they may not book, by handing it over."""
    short = PolicyDetails(
        "Short for students", "Simon", "HUB", resource="H-BSC1", role="student", max_minutes=60
    )
    add_policy(short, world.viewer("staff"))
    made = book(request(hours=2), world.viewer("researcher"))
    with pytest.raises(Refused) as refused:
        hand_over(made.public_id, email(world, "student"), world.viewer("researcher"))
    assert [one.code for one in refused.value.refusals] == ["too_long"]
    by_staff = request_of(made)
    assert by_staff.handed_to is None
    change(made.public_id, by_staff, world.viewer("researcher"))
    start = next_weekday(14)
    shorter = book(request(start=start), world.viewer("researcher"))
    hand_over(shorter.public_id, email(world, "student"), world.viewer("researcher"))
