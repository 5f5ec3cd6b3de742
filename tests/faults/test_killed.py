"""kill -9 under load: what was acknowledged is there, nothing is half made, and it is soon back."""

import itertools
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select, text

from booking.base.db import db
from booking.bookings.models import Booking
from tests import factories
from tests.factories import request, working_day
from tests.faults.books import faults
from tests.faults.server import Client, as_json, serving, tokens

pytestmark = pytest.mark.faults
NAMES = ("student", "researcher", "colleague", "leader")
CLIENTS = 12
ENOUGH = 25  # acknowledged bookings before the blow falls
PATIENCE = 60
BACK_WITHIN = 30


@dataclass
class Load:
    """Clients who book, move and cancel until they are told to stop, and what was acknowledged to them."""

    address: str
    tokens: dict[str, str]
    first: int
    made: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    wrong: list[tuple[int, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._slots = itertools.count(self.first)
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _work(self, n: int) -> None:
        client = Client(self.address, self.tokens[NAMES[n % len(NAMES)]])
        try:
            self._act(client)
        finally:
            client.close()

    def _act(self, client: Client) -> None:
        for turn in itertools.count():
            if self._over.is_set():
                return
            slot = next(self._slots)
            start = working_day(slot // 14 % 50, 9 + slot % 14 / 2)
            body = as_json(request("H-HALL", start, 0.5, people=0, title=f"Run {slot}"))
            made = client.ask("POST", "/bookings", body)
            if made.status == 0:
                return
            if made.status != 201:
                self.wrong += [(made.status, made.body)] if made.status not in (409,) else []
                continue
            self.made.append(made.body["id"])
            if turn % 3 == 0:
                self._move(client, made.body["id"], slot)
            elif turn % 3 == 1 and client.ask("DELETE", f"/bookings/{made.body['id']}").status == 200:
                self.cancelled.append(made.body["id"])

    def _move(self, client: Client, booking: str, slot: int) -> None:
        """Move it to another day, onto two resources."""
        start = working_day(slot % 50, 16.5)
        body = as_json(request("H-HALL", start, 0.5, people=0, title=f"Moved {slot}"))
        if client.ask("PATCH", f"/bookings/{booking}", body).status == 200:
            self.moved[booking] = f"Moved {slot}"

    def go_on(self) -> None:
        """Wait until enough has been acknowledged, and then for an uneven moment."""
        deadline = time.monotonic() + PATIENCE
        while len(self.made) < ENOUGH and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(random.random() / 10)

    def end(self) -> None:
        """Let everybody stop."""
        self._over.set()
        for thread in self._threads:
            thread.join(40)
        assert not any(thread.is_alive() for thread in self._threads)


def must_be_kept(url: str, load: Load) -> None:
    """Compare what was acknowledged with what is in the database."""
    app = factories.an_app(url)
    with app.app_context():
        kept = {b.public_id: b for b in db.session.scalars(select(Booking))}
        assert [booking for booking in load.made if booking not in kept] == []
        assert [booking for booking in load.cancelled if kept[booking].status != "cancelled"] == []
        assert [booking for booking, title in load.moved.items() if kept[booking].title != title] == []
        assert faults() == []
        if db.engine.dialect.name == "sqlite":
            assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"
        db.session.remove()
        db.engine.dispose()


def test_killed_under_load(served_url: str, rounds: int) -> None:
    made = tokens(served_url, NAMES)
    with serving(served_url) as server:
        for n in range(max(rounds // 2, 2)):
            load = Load(server.address, made, first=n * 97)
            load.go_on()
            server.kill()
            load.end()
            assert load.wrong == []
            assert len(load.made) >= ENOUGH
            must_be_kept(served_url, load)
            began = time.monotonic()
            server.start()
            assert time.monotonic() - began < BACK_WITHIN
            client = Client(server.address, made["student"])
            assert client.ask("GET", "/me").status == 200
            client.close()


def test_a_server_that_is_asked_to_stop_answers_what_it_has_begun(served_url: str) -> None:
    made = tokens(served_url, NAMES)
    with serving(served_url) as server:
        load = Load(server.address, made, first=0)
        load.go_on()
        server.stop()
        load.end()
        assert load.wrong == []
        assert len(load.made) >= ENOUGH
        must_be_kept(served_url, load)


@dataclass
class Keyed:
    """Clients who book under a key of their own each time, until the server is gone."""

    address: str
    tokens: dict[str, str]
    made: dict[str, str] = field(default_factory=dict)
    cut_off: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)

    def work(self, n: int) -> None:
        """Book until there is no answer, and remember what was asked then."""
        client = Client(self.address, self.tokens[NAMES[n % len(NAMES)]])
        for turn in itertools.count():
            key = f"{n}-{turn}"
            body = as_json(request("H-HALL", working_day(turn, 9 + n / 2), 0.5, people=0, title=key))
            made = client.ask("POST", "/bookings", body, Idempotency_Key=key)
            if made.status != 201:
                self.cut_off.append((n, key, body))
                break
            self.made[key] = made.body["id"]
        client.close()

    def ask_again(self) -> None:
        """Send what got no answer once more, under the same key."""
        for n, key, body in self.cut_off:
            client = Client(self.address, self.tokens[NAMES[n % len(NAMES)]])
            again = client.ask("POST", "/bookings", body, Idempotency_Key=key)
            assert again.status == 201, again
            self.made[key] = again.body["id"]
            client.close()


def test_who_was_cut_off_asks_again_with_the_key(served_url: str) -> None:
    """Whether the effect came before the blow or not: the key makes one booking of both."""
    made = tokens(served_url, NAMES)
    with serving(served_url) as server:
        load = Keyed(server.address, made)
        threads = [threading.Thread(target=load.work, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + PATIENCE
        while len(load.made) < ENOUGH * 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        server.kill()
        for thread in threads:
            thread.join(40)
        assert (len(load.cut_off), len(load.made) >= ENOUGH * 2) == (CLIENTS, True)
        server.start()
        load.address = server.address
        load.ask_again()
    app = factories.an_app(served_url)
    with app.app_context():
        kept = sorted((b.title, b.public_id) for b in db.session.scalars(select(Booking)))
        db.session.remove()
        db.engine.dispose()
    assert kept == sorted(load.made.items())
