"""The same races against the running server, over HTTP, with several processes on both databases."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from booking.base.db import db
from booking.bookings.request import Wanted
from tests import engines, factories
from tests.factories import request, working_day
from tests.faults.books import faults
from tests.faults.server import Answer, Client, as_json, salvo, serving, tokens
from tests.worlds import Worlds

pytestmark = pytest.mark.faults
NAMES = ("student", "researcher", "colleague", "leader", "amber", "birch", "staff", "admin")
CLIENTS = 32
MOST_SECONDS = 10  # of one attempt, on a machine that is busy with other tests
MOST_BUSY = CLIENTS // 2  # asked to come again, on a machine that is busy with other things


@dataclass(frozen=True)
class Served:
    """A running server's database, and thirty-two connections of eight people to it."""

    url: str
    clients: list[Client]


@pytest.fixture(scope="module", params=engines.KINDS)
def served(
    request: pytest.FixtureRequest, world_store: Worlds, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A server with two processes of eight threads, for all tests here."""
    url = world_store.borrow(request.param, tmp_path_factory.mktemp("served"))
    made = tokens(url, NAMES)
    with serving(url) as server:
        clients = [Client(server.address, made[NAMES[n % len(NAMES)]]) for n in range(CLIENTS)]
        yield Served(url, clients)
        for client in clients:
            client.close()
    world_store.give_back(url)


@contextmanager
def looking_into(url: str) -> Iterator[None]:
    """Open the database beside the running server."""
    app = factories.an_app(url)
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def statuses(answers: list[Answer]) -> Counter[int]:
    """Count the statuses; none may be a server's error, and nobody waits for long."""
    assert [(a.status, a.body) for a in answers if a.status == 0 or a.status >= 500] == []
    assert max(answer.seconds for answer in answers) < MOST_SECONDS
    assert sum(answer.busy for answer in answers) <= MOST_BUSY
    return Counter(answer.status for answer in answers)


def post(body: dict[str, Any], **headers: str) -> tuple[Any, ...]:
    return ("POST", "/bookings", body, headers)


def test_one_slot_has_one_winner(served: Served, rounds: int) -> None:
    for n in range(rounds):
        wanted = as_json(request(start=working_day(n, 10)))
        answers = salvo(served.clients, [post(wanted)] * CLIENTS)
        assert statuses(answers) == {201: 1, 409: CLIENTS - 1}, [a.body for a in answers][:3]
        codes = {answer.body["code"] for answer in answers if answer.status == 409}
        assert codes <= {"slot_taken"}
    with looking_into(served.url):
        assert faults() == []


def test_shelves_are_given_once(served: Served, rounds: int) -> None:
    for n in range(min(rounds, 8)):
        start = working_day(n, 10, nights=1)
        asks = [
            post(as_json(request(Wanted("H-INC1", 1 + k % 3), start, 24, people=0))) for k in range(CLIENTS)
        ]
        answers = salvo(served.clients, asks)
        statuses(answers)
        given = sum(answer.body["resources"][0]["units"] for answer in answers if answer.status == 201)
        assert given <= 8
    with looking_into(served.url):
        assert faults() == []


def test_one_key_makes_one_booking(served: Served, rounds: int) -> None:
    """A double click, eight times at once: one booking, and the same answer for all."""
    for n in range(rounds):
        body = as_json(request("H-HALL", working_day(n, 10), people=0, title=f"Round {n}"))
        mine = served.clients[:: len(NAMES)] * 2
        answers = salvo([*mine[:4]], [post(body, Idempotency_Key=f"key-{n}")] * 4)
        made = {answer.body["id"] for answer in answers if answer.status == 201}
        assert len(made) == 1, [(a.status, a.body) for a in answers]
        assert set(statuses(answers)) <= {201, 409}
        other = served.clients[0].ask(
            "POST", "/bookings", {**body, "title": "Other"}, Idempotency_Key=f"key-{n}"
        )
        assert (other.status, other.body["code"]) == (422, "idempotency_mismatch")
        again = served.clients[0].ask("POST", "/bookings", body, Idempotency_Key=f"key-{n}")
        assert (again.status, again.body["id"]) == (201, made.pop())
    with looking_into(served.url):
        assert faults() == []


def test_who_moves_and_who_books_meet_once(served: Served, rounds: int) -> None:
    for n in range(rounds):
        early, target = (working_day(n, hour) for hour in (9, 14))
        mine = served.clients[0].ask("POST", "/bookings", as_json(request("H-BSC2", early)))
        assert mine.status == 201
        move = {key: as_json(request("H-BSC1", target))[key] for key in ("start", "end", "resources")}
        asks: list[tuple[Any, ...]] = [("PATCH", f"/bookings/{mine.body['id']}", move, {})]
        asks += [post(as_json(request("H-BSC1", target)))] * (CLIENTS - 1)
        counted = statuses(salvo(served.clients, asks))
        assert counted[200] + counted[201] == 1
        assert counted[409] == CLIENTS - 1
    with looking_into(served.url):
        assert faults() == []


def test_of_eight_who_saw_the_same_version_one_changes_it(served: Served, rounds: int) -> None:
    for n in range(rounds):
        made = served.clients[0].ask("POST", "/bookings", as_json(request("H-HALL", working_day(n, 10))))
        path = f"/bookings/{made.body['id']}"
        tag = served.clients[0].ask("GET", path).headers["etag"]
        mine = served.clients[:: len(NAMES)]
        asks = [("PATCH", path, {"title": f"Title {k}"}, {"If_Match": tag}) for k in range(len(mine))]
        assert statuses(salvo(mine, asks)) == {200: 1, 412: len(mine) - 1}


def test_who_change_different_things_at_once_lose_nothing(served: Served, rounds: int) -> None:
    """Without If-Match, from four connections: a title, notes, and two times half an hour more."""
    mine = served.clients[:: len(NAMES)]
    for n in range(rounds):
        wanted = as_json(request("H-HALL", working_day(n, 9), people=0))
        made = mine[0].ask("POST", "/bookings", wanted).body
        path = f"/bookings/{made['id']}"
        asks: list[tuple[Any, ...]] = [
            ("PATCH", path, {"title": f"Title {n}"}, {}),
            ("PATCH", path, {"notes": f"Notes {n}"}, {}),
        ]
        asks += [
            ("POST", f"{path}/extend", {"minutes": 30}, {"Idempotency_Key": f"{path} {k}"}) for k in (0, 1)
        ]
        assert statuses(salvo(mine[:4], asks)) == {200: 4}
        now = mine[0].ask("GET", path).body
        later = datetime.fromisoformat(now["end"]) - datetime.fromisoformat(made["end"])
        assert (now["title"], now["notes"], later) == (f"Title {n}", f"Notes {n}", timedelta(hours=1))
