"""To take a cancellation back on the booking's page."""

from collections.abc import Callable

from booking.bookings.actions import book, cancel
from tests.factories import World, next_weekday, request
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


def cancelled(world: World) -> str:
    """Return the address of a booking that the student cancelled."""
    made = book(request(title="Passage 12"), world.viewer("student"))
    cancel(made.public_id, world.viewer("student"), "By mistake")
    return f"/bookings/{made.public_id}"


def test_a_cancellation_is_undone(visit: Visit, world: World) -> None:
    path = cancelled(world)
    student = visit("student")
    link = student.get(path).find("a", string="Undo the cancellation")
    assert link is not None
    answer = student.send(link["href"], student.get(link["href"]), {})
    assert (answer.status_code, answer.location) == (303, path)
    page = student.get(path)
    assert "it is booked again" in page.get_text()
    assert "Cancellation taken back" in page.get_text()
    assert page.find("a", string="Undo the cancellation") is None


def test_what_is_in_the_way_is_told(visit: Visit, world: World) -> None:
    path = cancelled(world)
    book(request(start=next_weekday(10)), world.viewer("colleague"))
    student = visit("student")
    answer = student.send(f"{path}/restore", student.get(f"{path}/restore"), {})
    assert answer.status_code == 409
    page = student.look(answer)
    assert "is taken at this time" in page.get_text()
    another = page.find("a", string="Book it at another time")
    assert another is not None
    assert student.get(another["href"]).select_one("#title")["value"] == "Passage 12"  # type: ignore[index]


def test_staff_say_why_and_others_find_nothing(visit: Visit, world: World) -> None:
    path = cancelled(world)
    staff = visit("staff")
    answer = staff.send(f"{path}/restore", staff.get(f"{path}/restore"), {})
    assert answer.status_code == 422
    assert "Say why" in staff.look(answer).get_text()
    for name in ("colleague", "birch"):
        visit(name).get(f"{path}/restore", status=404)
    assert visit("colleague").get(path).find("a", string="Undo the cancellation") is None
    sent = staff.send(f"{path}/restore", staff.get(f"{path}/restore"), {"reason": "The cabinet works"})
    assert sent.status_code == 303
    again = staff.send(f"{path}/restore", staff.get(f"{path}/restore"), {"reason": "x" * 2000})
    assert again.status_code == 422
