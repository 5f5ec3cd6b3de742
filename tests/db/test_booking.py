from booking.bookings.actions import book
from tests.factories import World, request


def test_x(world: World):
    assert book(request(), world.viewer("student")).status == "confirmed"
