"""No query reads the whole of history: what grows with the years is found by an index."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from booking.base.acts import carry_out_due
from booking.base.db import db, is_sqlite
from booking.base.errors import Refused
from booking.base.period import Period
from booking.bookings.actions import advised, approve, book, cancel, change
from booking.bookings.queries import (
    Search,
    blocks,
    my_bookings,
    request_of,
    search,
)
from booking.bookings.request import Wanted
from booking.bookings.waiting import count_waiting, waiting_requests
from tests.db.statements import recorded_with_values
from tests.factories import World, next_weekday, request

GROWING = (
    "occupancy",
    "bookings",
    "presence",
    "audit",
    "outbox",
    "timed_acts",
    "booking_resources",
    "participants",
    "holds",
)


def whole_tables_read(statement: str, values: Any) -> list[str]:
    """Name the growing tables that a statement would read from one end to the other."""
    explain = "EXPLAIN QUERY PLAN " if is_sqlite() else "EXPLAIN "
    with db.engine.connect() as connection:
        if not is_sqlite():
            connection.execute(
                text("SET enable_seqscan = off")
            )  # so that it is read only for want of an index
        plan = "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(explain + statement, values))
        connection.rollback()
    scans = r"SCAN (\w+)" if is_sqlite() else r"Seq Scan on (\w+)"
    return [f"{table}: {plan}" for table in re.findall(scans, plan) if table in GROWING]


def week() -> Period:
    return Period(next_weekday(0), next_weekday(0) + timedelta(days=7))


def _book(world: World) -> None:
    wanted = request(("H-BSC1", "H-INC1", "H-LN2"), next_weekday(10), hours=24 * 7, people=1)
    book(request(project="P-OPEN", participants=("leader@hub.example",)), world.viewer("student"))
    with pytest.raises(Refused), advised(wanted, world.viewer("student")):
        book(wanted, world.viewer("student"))
    stay = replace(request(Wanted("H-LN2", 2)), ends_at=next_weekday(10) + timedelta(days=7))
    book(stay, world.viewer("researcher"))


def _change(world: World) -> None:
    booking = book(request(), world.viewer("student"))
    later = replace(request_of(booking), starts_at=next_weekday(14), ends_at=next_weekday(15))
    change(booking.public_id, later, world.viewer("student"))
    cancel(booking.public_id, world.viewer("student"))


def _answer(world: World) -> None:
    asked = book(request("H-BR1", next_weekday(9.5, days=7), hours=24), world.viewer("student"))
    waiting_requests(world.viewer("staff"))
    count_waiting(world.viewer("staff"))
    count_waiting(world.viewer("admin"))
    approve(asked.public_id, world.viewer("staff"))
    carry_out_due()


QUESTIONS: dict[str, Callable[[World], Any]] = {
    "book": _book,
    "change": _change,
    "answer": _answer,
    "blocks": lambda w: blocks(w.viewer("amber"), list(w.resources.values()), week()),
    "blocks for all": lambda w: blocks(None, [w.resources["H-BSC1"]], week(), by_unit=True),
    "search": lambda w: search(w.viewer("student"), Search(week())),
    "search of a resource": lambda w: search(
        w.viewer("amber"), Search(week(), resource_id=w.resources["H-BSC1"])
    ),
    "search of mine": lambda w: search(w.viewer("student"), Search(week(), mine=True)),
    "my next": lambda w: my_bookings(w.viewer("student"), upcoming=True),
    "my group's next": lambda w: my_bookings(w.viewer("leader"), upcoming=True, group=True),
    "my group's last": lambda w: my_bookings(w.viewer("leader"), upcoming=False, group=True),
    "my last": lambda w: my_bookings(w.viewer("student"), upcoming=False),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_nothing_is_read_from_end_to_end(world: World, question: str) -> None:
    with recorded_with_values() as statements:
        QUESTIONS[question](world)
    db.session.rollback()
    assert statements
    found = [
        (statement, fault)
        for statement, values in statements
        for fault in whole_tables_read(statement, values)
    ]
    assert found == []


def test_a_query_without_index_is_noticed(world: World) -> None:
    """The check itself: a search by title has no index."""
    assert whole_tables_read("SELECT id FROM bookings WHERE title = 'x'", ())
    assert not whole_tables_read("SELECT id FROM bookings WHERE id = 7", ())
