"""What calendar links show: to whom, in which words, and how changes reach subscribers (numbers: docs of cases)."""

import pytest
from flask import Flask

from booking.bookings.actions import book, cancel
from tests.factories import World, next_weekday, request
from tests.subscriber import SCOPES, Subscriber, uid


@pytest.fixture
def subscriber(world_app: Flask, world: World) -> Subscriber:
    """Somebody who subscribes, in the small world."""
    return Subscriber(world_app, world)


def test_try(subscriber: Subscriber, world: World) -> None:
    one = book(request(title="Passage", project="P-OPEN"), world.viewer("student"))
    book(request("H-BSC2", title="Amber run"), world.viewer("amber"))
    for who in ("student", "amber", "staff", "birch", "colleague"):
        for scope in SCOPES:
            try:
                t = subscriber.link(who, scope)
            except Exception as e:
                print(who, scope, repr(e)); continue
            print(who, scope, [(str(e["SUMMARY"]), str(e.get("LOCATION")), str(e.get("DESCRIPTION")), str(e["DTSTART"].dt)) for e in subscriber.events(t)])
    print(subscriber.calendar(t).decode())
    assert 0
