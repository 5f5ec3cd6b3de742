"""To hand a booking over on its page."""

from collections.abc import Callable

from booking.bookings.actions import book
from booking.bookings.models import Booking
from tests.db.training_world import a_module
from tests.factories import World, request
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


def a_booking(world: World, name: str = "student") -> Booking:
    return book(request(title="Passage 12"), world.viewer(name))


def test_a_colleague_takes_it_over(visit: Visit, world: World) -> None:
    made = a_booking(world)
    student, to = visit("student"), world.viewer("colleague").email
    link = student.get(f"/bookings/{made.public_id}").find("a", string="Hand over")
    assert link is not None
    answer = student.send(link["href"], student.get(link["href"]), {"handed_to": to})
    assert answer.status_code == 303
    page = student.get(answer.location)
    assert "Handed over" in page.get_text()
    assert "Colin Colleague" in page.get_text()
    assert "Passage 12" in visit("colleague").get("/bookings").get_text()


def test_who_sees_it_no_more_lands_on_their_list(visit: Visit, world: World) -> None:
    made = a_booking(world, "amber")
    staff = visit("staff")
    path = f"/bookings/{made.public_id}/hand-over"
    sent = {"handed_to": world.viewer("birch").email, "reason": "Slot swapped", "stays": []}
    assert staff.send(path, staff.get(path), sent).location == f"/bookings/{made.public_id}"
    visit("amber").get(f"/bookings/{made.public_id}", status=404)


def test_what_is_wrong_is_said_at_its_field(visit: Visit, world: World) -> None:
    made = a_booking(world)
    path = f"/bookings/{made.public_id}/hand-over"
    student = visit("student")
    for to in ("", "nobody@nowhere.example", world.viewer("amber").email):
        answer = student.send(path, student.get(path), {"handed_to": to})
        assert answer.status_code == 422, to
        assert student.look(answer).select_one("#handed_to-error") is not None
    staff = visit("staff")
    answer = staff.send(path, staff.get(path), {"handed_to": world.viewer("colleague").email})
    assert answer.status_code == 422
    assert staff.look(answer).select_one("#reason-error") is not None


def test_a_colleague_who_may_not_is_refused_without_their_papers(visit: Visit, world: World) -> None:
    made = a_booking(world)
    a_module("T-1", world, "H-BSC1")
    path = f"/bookings/{made.public_id}/hand-over"
    student = visit("student")
    answer = student.send(path, student.get(path), {"handed_to": world.viewer("colleague").email})
    assert answer.status_code == 422
    page = student.look(answer)
    assert page.select_one(".refusals") is not None
    assert "T-1" not in page.get_text()
    for name in ("colleague", "birch"):
        visit(name).get(path, status=404)
