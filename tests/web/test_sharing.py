"""A read-only link to one booking: who makes it, what it shows, and when it stops."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from booking.base import audit, clock
from booking.base.db import db
from booking.bookings.actions import book, cancel
from booking.bookings.handing import hand_over
from booking.bookings.models import Booking, BookingLink
from booking.bookings.sharing import MAX_LINKS, SHOWN_FOR
from booking.logs import without_secrets
from tests.factories import World, request
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


@pytest.fixture
def booking(world: World) -> Booking:
    wanted = request(title="Passage 12", notes="MARKER", project="P-HUSH")
    return book(wanted, world.viewer("amber"))


def a_link(visitor: Visitor, booking: Booking) -> str:
    """Make a link on the booking's page and return its path."""
    here = f"/bookings/{booking.public_id}/share"
    assert visitor.get(f"/bookings/{booking.public_id}").find("a", href=here) is not None
    page = visitor.look(visitor.post(here))
    made = page.select_one("#share-url")
    assert made is not None
    found = re.search(r"/shared/[A-Za-z0-9_-]{43}$", str(made["value"]))
    assert found is not None
    return found[0]


def test_a_link_shows_what_when_where_and_who(visit: Visit, world: World, booking: Booking) -> None:
    path = a_link(visit("amber"), booking)
    for visitor in (visit(), visit("birch")):
        page = visitor.get(path)
        text = page.get_text()
        for told in ("Passage 12", "H-BSC1", "Anna Okafor", "Confirmed", "10:00–11:00"):
            assert told in text, told
        for hidden in ("MARKER", "P-HUSH", "Northwind", booking.public_id):
            assert hidden not in str(page.select_one("main")), hidden
        assert not page.select("main form")
    answer = visit().client.get(path)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "<token>" in without_secrets(path)
    cancel(booking.public_id, world.viewer("amber"))
    assert "Cancelled" in visit().get(path).get_text()


def test_only_a_hash_is_kept_and_history_tells(visit: Visit, booking: Booking) -> None:
    token = a_link(visit("amber"), booking).rpartition("/")[2]
    row = db.session.scalars(select(BookingLink)).one()
    assert token not in row.token_hash
    assert audit.history("booking", booking.id)[0].action == "shared"
    again = visit("amber").get(f"/bookings/{booking.public_id}/share")
    assert token not in str(again)


def test_it_is_withdrawn(visit: Visit, booking: Booking) -> None:
    amber = visit("amber")
    path = a_link(amber, booking)
    here = f"/bookings/{booking.public_id}/share"
    form = next(f for f in amber.get(here).select("form") if "withdraw" in str(f.get("action")))
    for _ in range(2):
        assert amber.post(str(form["action"]), form_at=here).status_code == 303
    visit().get(path, status=404)


def test_it_stops_a_month_after_the_end(visit: Visit, booking: Booking) -> None:
    path = a_link(visit("amber"), booking)
    stranger = visit()
    with clock.travel(booking.ends_at + SHOWN_FOR):
        stranger.get(path)
    with clock.travel(booking.ends_at + SHOWN_FOR + timedelta(seconds=1)):
        stranger.get(path, status=404)


def test_it_stops_when_its_maker_has_no_say_any_more(visit: Visit, world: World, booking: Booking) -> None:
    by_organiser, by_coordinator = (a_link(visit(name), booking) for name in ("amber", "coordinator"))
    hand_over(booking.public_id, world.viewer("amber2").email, world.viewer("coordinator"))
    visit().get(by_organiser, status=404)
    visit().get(by_coordinator)


def test_who_may_not_change_it_makes_none(visit: Visit, world: World, booking: Booking) -> None:
    here = f"/bookings/{booking.public_id}/share"
    for name in ("birch", "student", "amber2"):
        visit(name).get(here, status=404)
        assert visit(name).post(here, form_at="/account").status_code == 404
    own = book(request("H-BSC2"), world.viewer("student"))
    page = visit("colleague").get(f"/bookings/{own.public_id}")
    assert page.find("a", string="A read-only link for a colleague") is None
    assert a_link(visit("staff"), own)


def test_there_are_not_too_many(visit: Visit, booking: Booking, world_app: Flask) -> None:
    amber = visit("amber")
    for _ in range(MAX_LINKS):
        a_link(amber, booking)
    answer = amber.post(f"/bookings/{booking.public_id}/share")
    assert answer.status_code == 422
    assert "withdraw one of them" in amber.look(answer).get_text()


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "é" * 20, "x" * 3000])
def test_a_wrong_link_opens_nothing(visit: Visit, token: str) -> None:
    visit().get(f"/shared/{token}", status=404)
