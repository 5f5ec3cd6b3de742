"""A booking that waits for a resource is judged by the catalogue as it is when its turn comes."""

import threading

import pytest
from flask import Flask

from booking.base.db import db, is_sqlite, lock, transaction
from booking.base.errors import BookingError
from booking.bookings.actions import book
from booking.bookings.affected import held_units
from booking.bookings.request import Wanted
from booking.facilities.models import Resource
from booking.facilities.resource_actions import UnitDetails, change_units, units_of
from tests.factories import World, next_weekday, request


def test_a_unit_retired_while_somebody_waits_for_it_is_not_booked(world: World, world_app: Flask) -> None:
    if is_sqlite():
        pytest.skip("SQLite lets one writer in at a time: nobody waits inside a transaction")
    resource = world.resources["H-INC1"]
    last = units_of(resource)[-1]
    wanted = request(Wanted("H-INC1", unit_names=(last.name,)), next_weekday(10), hours=24)
    by, staff = world.viewer("researcher"), world.viewer("staff")
    outcome: list[object] = []

    def try_to_book() -> None:
        with world_app.app_context():
            try:
                outcome.append(book(wanted, by))
            except BookingError as error:
                outcome.append(error)
            db.session.remove()

    thread = threading.Thread(target=try_to_book)
    with transaction():
        lock(Resource, [resource])
        thread.start()
        thread.join(0.7)
        change_units("H-INC1", [UnitDetails(last.id, last.name, active=False)], 0, staff, held_units)
    thread.join()
    assert isinstance(outcome[0], BookingError), outcome
